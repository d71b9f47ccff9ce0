"""The catalog of artist-made models from Sweet Home 3D furniture libraries."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError, unknown
from sim_envs.spaces.furniture.categories import CATEGORIES
from sim_envs.spaces.furniture.finishes import draw_finish
from sim_envs.spaces.furniture.model import Finish, FurnitureModel
from sim_envs.spaces.furniture.parametric import ParametricCatalog, parametric_catalog
from sim_envs.spaces.furniture.parametric.kit import POOLS
from sim_envs.spaces.furniture.sweethome.piece import BrokenModel, load_model
from sim_envs.spaces.furniture.sweethome.rules import category_of
from sim_envs.spaces.furniture.sweethome.sh3f import Entry, Library, read_library

DEBIAN_FOLDER = Path("/usr/share/sweethome3d/furniture")
VARIABLE = "TST_BENCH_SH3F"
MAX_OBJ_BYTES = 2_000_000  # larger files take longer to simplify than they are worth


def find_libraries(libraries: Sequence[Path] | None = None) -> list[Path]:
    """Return the furniture libraries to use, in order of their names.

    Args:
        libraries: files or folders; None: those of ``TST_BENCH_SH3F`` and Debian's package.

    Raises:
        UserError: none found, or a named one does not exist.
    """
    if libraries is None:
        named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
        places = named + ([DEBIAN_FOLDER] if DEBIAN_FOLDER.is_dir() else [])
    else:
        named = places = list(libraries)
    for place in named:
        if not place.exists():
            raise UserError(f"No furniture library at {place}. Correct the path, or take it out of {VARIABLE}.")
    found = {path for place in places for path in (place.glob("*.sh3f") if place.is_dir() else [place])}
    if not found:
        raise UserError(
            "No Sweet Home 3D furniture library (.sh3f) found. Run `apt-get install sweethome3d-furniture`, "
            f"or set {VARIABLE} to library files or folders; spaces named builtin/flat-NN need none."
        )
    return sorted(found, key=lambda path: (path.name, str(path)))


def sweethome_catalog(pool: int, libraries: Sequence[Path] | None = None) -> SweetHomeCatalog:
    """Return one pool of the models in Sweet Home 3D furniture libraries.

    Args:
        pool: any integer; pools repeat after four. Models of a category are dealt out to the pools in the
            order of a hash of library and id; a category of fewer than four models is shared by all.
        libraries: files or folders; None: those of ``TST_BENCH_SH3F`` and Debian's package.

    Raises:
        UserError: no library found.
    """
    read = [read_library(path) for path in find_libraries(libraries)]
    by_category: dict[str, list[Entry]] = {category: [] for category in CATEGORIES}
    for library in read:
        for entry in library.entries:
            category = category_of(entry)
            if category is not None and entry.member_bytes <= MAX_OBJ_BYTES:
                by_category[category].append(entry)
    pool %= POOLS
    shares = {category: _share(entries, pool) for category, entries in by_category.items()}
    return SweetHomeCatalog(pool, tuple(read), shares, parametric_catalog(pool))


def _share(entries: Sequence[Entry], pool: int) -> tuple[Entry, ...]:
    """Return the entries of one pool."""

    def rank(entry: Entry) -> str:
        return hashlib.sha256(f"{entry.library}/{entry.id}".encode()).hexdigest()

    ordered = sorted(entries, key=rank)
    return tuple(ordered if len(ordered) < POOLS else ordered[pool::POOLS])


@dataclass(frozen=True, eq=False)
class SweetHomeCatalog:
    """Models of furniture libraries; fills :class:`sim_envs.spaces.furniture.model.Catalog`.

    A category without a usable model falls back to the parametric catalog of the same pool, and the
    provenance says so.

    Attributes:
        pool: 0…3.
        libraries: what the models come from.
        shares: category → this pool's models.
        parametric: what fills the gaps, and makes the finishes.
    """

    pool: int
    libraries: tuple[Library, ...]
    shares: Mapping[str, tuple[Entry, ...]]
    parametric: ParametricCatalog
    _used: dict[str, Entry] = field(default_factory=dict)
    _set_aside: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Number of models of each category in this pool."""
        return {category: len(entries) for category, entries in self.shares.items()}

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Libraries with digests, authors and licences, the models used, set aside, and the fallbacks."""
        libraries = []
        for library in self.libraries:
            used = sorted((e for e in self._used.values() if e.library == library.path.name), key=lambda e: e.id)
            libraries.append(
                {
                    "file": library.path.name,
                    "sha256": library.sha256,
                    "name": library.name,
                    "version": library.version,
                    "licence": library.licence,
                    "licence_texts": list(library.licence_files),
                    "authors": sorted({entry.creator for entry in used if entry.creator}),
                    "models": [{"id": e.id, "name": e.name, "author": e.creator} for e in used],
                }
            )
        return {
            "furniture": "sweethome3d",
            "pool": self.pool,
            "libraries": libraries,
            "skipped": dict(sorted(self._set_aside.items())),
            "parametric": dict(self.parametric.provenance["pieces"]),
        }

    def pick(
        self, category: str, rng: np.random.Generator, max_size: tuple[float, float, float] | None = None
    ) -> FurnitureModel | None:
        """Return one model that fits, trying the others of the pool when one is broken.

        Raises:
            UserError: the category is not one of the furniture categories.
        """
        if category not in self.shares:
            raise unknown("furniture category", category, self.shares)
        entries = self.shares[category]
        fitting = [entry for entry in entries if max_size is None or _fits(entry.size, max_size)]
        for place in rng.permutation(len(fitting)):
            entry = fitting[int(place)]
            key = f"{entry.library}/{entry.id}"
            if key in self._set_aside:
                continue
            try:
                model = load_model(self._library(entry), entry, category)
            except BrokenModel as reason:
                warnings.warn(f"{entry.library}: model {entry.id} skipped: {reason}", stacklevel=2)
                self._set_aside[key] = str(reason)
                continue
            self._used[key] = entry
            return model
        usable = any(f"{entry.library}/{entry.id}" not in self._set_aside for entry in entries)
        return None if usable else self.parametric.pick(category, rng, max_size)

    def finish(self, kind: str, rng: np.random.Generator) -> Finish:
        """Return a procedural surface, as the parametric catalog of this pool makes it."""
        return draw_finish(kind, self.pool, rng)

    def _library(self, entry: Entry) -> Path:
        return next(library.path for library in self.libraries if library.path.name == entry.library)


def _fits(size: tuple[float, float, float], limit: tuple[float, float, float]) -> bool:
    return all(extent <= bound + 1e-6 for extent, bound in zip(size, limit, strict=True))
