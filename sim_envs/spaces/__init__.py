"""Spaces by id: built-in ones are made from their number, scans and captures are read from the data home."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sim_envs.engines import CAPTURE_ENGINE
from sim_envs.errors import UserError, unknown
from sim_envs.registry import Table
from sim_envs.space import Place, Space
from sim_envs.storage import data_home


class SpaceSource(Protocol):
    """Where spaces come from. A row of :data:`SOURCES` is a class that fills this and takes no arguments."""

    def names(self, home: Path) -> list[str]:
        """Return the names this source offers, without the ``source/`` before them, sorted."""

    def load(self, name: str, home: Path) -> Place:
        """Return the space (or the capture), or raise :func:`unknown_space` where there is none of that name.

        Args:
            name: what follows the first ``/`` of a space id.
            home: the data home; a source may keep files under ``home/spaces/<source>``.
        """


SOURCES: Table[type[SpaceSource]] = Table(
    "space source",
    {
        "builtin": "sim_envs.spaces.builtin.source:BuiltinSource",
        "capture": "sim_envs.captures.source:CaptureSource",
        "scan": "sim_envs.spaces.scans.source:ScanSource",
    },
    group="tst_bench.space_sources",
)


def load_space(space_id: str, home: Path | None = None) -> Space:
    """Return the space of this id, for what needs its geometry.

    Args:
        space_id: ``source/name``, e.g. ``builtin/flat-01`` or ``scan/redkitchen``.
        home: the data home; default :func:`~sim_envs.storage.data_home`.

    Raises:
        UserError: there is no such source or space (the near names are given), its files are damaged, or it is a
            capture.
    """
    place = load_place(space_id, home)
    if not isinstance(place, Space):
        raise UserError(f"{space_id} is a capture: it has frames and no geometry. Name a space or a scan here.")
    return place


def load_place(space_id: str, home: Path | None = None) -> Place:
    """Return the space or the capture of this id, for what records it; otherwise like :func:`load_space`."""
    home = data_home() if home is None else home
    source, slash, name = space_id.partition("/")
    if not slash or not name or source not in SOURCES:
        raise unknown_space(space_id, home)
    return SOURCES[source]().load(name, home)


def is_capture(space_id: str) -> bool:
    """Tell by its id whether something was recorded by a device rather than modelled or scanned."""
    return space_id.partition("/")[0] == "capture"


def recording_engine(space_id: str, engine: str) -> str:
    """Return the engine that records a space: ``engine``, but captures are played back by their own."""
    return CAPTURE_ENGINE if is_capture(space_id) else engine


def list_spaces(home: Path | None = None) -> list[str]:
    """Return the ids of all spaces that can be named without further ado, source by source."""
    home = data_home() if home is None else home
    return [f"{source}/{name}" for source in SOURCES for name in SOURCES[source]().names(home)]


def unknown_space(space_id: str, home: Path) -> UserError:
    """Return the error for an id that names no space: how such a space comes here, or the near ids."""
    if (how := how_to_import(space_id)) is not None:
        return UserError(f"'{space_id}' is not on this machine. {how}")
    return unknown(
        "space",
        space_id,
        list_spaces(home),
        hint="`tst-bench spaces list` shows all; `tst-bench spaces import PATH` adds a scan, "
        "`tst-bench import-capture PATH` a capture.",
    )


def how_to_import(space_id: str) -> str | None:
    """Say how a scene of a known data set is imported under this id, ``scan/<format>-<scene>``; None for other ids."""
    from sim_envs.spaces.formats import SCAN_FORMATS

    source, _, name = space_id.partition("/")
    found = [row for row in SCAN_FORMATS if name.startswith(f"{row}-")]
    if source != "scan" or not found:
        return None
    row = max(found, key=len)
    scene = name.removeprefix(f"{row}-")
    return f"Import it: tst-bench spaces import --format {row} ROOT --scene {scene}"
