"""From the words of a source to the categories of an evaluation: one lookup table, nothing silent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim_envs.errors import UserError, unknown

IGNORED = 0
_FOLDER = Path(__file__).with_name("taxonomies")


class SourceMap(BaseModel):
    """What the words of one source mean, as somebody published it.

    Attributes:
        source: who says so: the file, its repository or paper.
        names: category → the source's names for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1)
    names: dict[str, tuple[str, ...]]


class Taxonomy(BaseModel):
    """A set of evaluation categories, and which source names mean which of them.

    Attributes:
        name: e.g. ``nyu40``.
        source: where the categories come from.
        categories: names of the evaluation ids 1…n; 0 means ignored.
        map: source name → category. A category always means itself. Case, ``_``, ``-`` and the plural of the
            last word do not matter.
        maps: further names by source; where they disagree the earlier one counts, and ``map`` before all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    source: str = ""
    categories: tuple[str, ...] = Field(min_length=1, max_length=255)
    map: dict[str, str] = Field(default_factory=dict)
    maps: tuple[SourceMap, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Taxonomy:
        seen: dict[str, str] = {}
        for category in self.categories:
            if seen.setdefault(key(category), category) != category or not key(category):
                raise ValueError(f"category '{category}' is empty or the same as '{seen[key(category)]}'")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a category is named twice")
        targets: dict[str, str] = {}
        for source, category in self.map.items():
            if category not in self.categories:
                raise ValueError(f"'{source}' maps to '{category}', which is none of the categories")
            if targets.setdefault(key(source), category) != category:
                raise ValueError(f"'{source}' maps to both '{targets[key(source)]}' and '{category}'")
        for names in self.maps:
            stray = sorted(set(names.names) - set(self.categories))
            if stray:
                raise ValueError(f"the names of '{names.source}' map to '{stray[0]}', which is none of the categories")
        return self

    @cached_property
    def _ids(self) -> dict[str, int]:
        ids = {key(category): i for i, category in enumerate(self.categories, start=1)}
        position = {category: i for i, category in enumerate(self.categories, start=1)}
        further: dict[str, int] = {}
        for names in reversed(self.maps):
            further |= {key(word): position[category] for category, words in names.names.items() for word in words}
        return further | {key(source): position[category] for source, category in self.map.items()} | ids

    def evaluation_id(self, source_name: str) -> int:
        """Return the evaluation id of a source's category name, 0 where it has none."""
        return self._ids.get(key(source_name), IGNORED)

    def lookup(self, categories: Sequence[str]) -> np.ndarray:
        """Return the (len(categories) + 1,) uint8 table from a space's category ids to evaluation ids.

        Entry 0 (unlabelled) and categories without an image are 0, that is, ignored in scoring.
        """
        return np.array([IGNORED, *(self.evaluation_id(name) for name in categories)], np.uint8)

    def unmapped(self, categories: Sequence[str]) -> list[str]:
        """Return the source names that have no image and are therefore ignored."""
        return [name for name in categories if self.evaluation_id(name) == IGNORED]

    def lacking(self, categories: Sequence[str]) -> list[str]:
        """Return the evaluation categories that no source name of this list means."""
        present = set(self.lookup(categories).tolist())
        return [name for i, name in enumerate(self.categories, start=1) if i not in present]


def key(name: str) -> str:
    """Return what two spellings of a category have in common: lower case, blanks, last word singular."""
    words = name.replace("_", " ").replace("-", " ").casefold().split()
    return " ".join([*words[:-1], _singular(words[-1])]) if words else ""


def _singular(word: str) -> str:
    for plural, singular in (("elves", "elf"), ("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(plural) and len(word) > len(plural):
            return word[: -len(plural)] + singular
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 2 else word


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy from a JSON file: ``{"name": …, "categories": […], "map": {source: category}}``.

    ``maps``, if there, lists further JSON files, by their paths from this one: ``{"source": …, "names": {category:
    [name, …]}}``.

    Raises:
        UserError: no such file, not JSON, or not a consistent taxonomy.
    """
    raw = _read_json(path)
    try:
        if isinstance(raw, dict) and "maps" in raw:
            raw["maps"] = [SourceMap.model_validate(_read_json(path.parent / str(name))) for name in raw["maps"]]
        return Taxonomy.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"The taxonomy {path} is not valid: {where + ': ' if where else ''}{first['msg']}.") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"No such taxonomy file: {path}") from error
    except OSError as error:
        raise UserError(f"Cannot read the taxonomy {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"The taxonomy {path} is not JSON: {error}.") from error


def open_taxonomy(name_or_path: str) -> Taxonomy:
    """Return a taxonomy that comes with the program, by name, or one from a ``.json`` file.

    Raises:
        UserError: unknown name (the near ones are given) or a file that is no taxonomy.
    """
    if name_or_path.endswith(".json"):
        return read_taxonomy(Path(name_or_path).expanduser())
    own = sorted(path.stem for path in _FOLDER.glob("*.json"))
    if name_or_path.lower() not in own:
        raise unknown("taxonomy", name_or_path, own, hint="A path to a .json file is taken too.")
    return read_taxonomy(_FOLDER / f"{name_or_path.lower()}.json")


def open_source_map(name: str) -> SourceMap:
    """Return the names of a source that come with the program but belong to no taxonomy: ``nyu40-ade20k``.

    They are the words of networks, not of spaces: a scan's own words keep the meaning that its source gives them.

    Raises:
        UserError: unknown name.
    """
    path = _FOLDER / "maps" / f"{name}.json"
    if not path.is_file():
        raise unknown("source of names", name, sorted(p.stem for p in path.parent.glob("*.json")))
    return SourceMap.model_validate(_read_json(path))


NYU40 = open_taxonomy("nyu40")
"""The 40 categories of NYU Depth v2 (Gupta et al., CVPR 2013) in ScanNet's order, spelt right."""
