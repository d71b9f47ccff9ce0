"""Spaces by id: built-in ones are made from their number, imported scans are read from the data home."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sim_envs.errors import UserError, unknown
from sim_envs.registry import Table
from sim_envs.space import Space
from sim_envs.storage import data_home


class SpaceSource(Protocol):
    """Where spaces come from. A row of :data:`SOURCES` is a class that fills this and takes no arguments."""

    def names(self, home: Path) -> list[str]:
        """Return the names this source offers, without the ``source/`` before them, sorted."""

    def load(self, name: str, home: Path) -> Space:
        """Return the space, or raise :func:`unknown_space` where there is none of that name.

        Args:
            name: what follows the first ``/`` of a space id.
            home: the data home; a source may keep files under ``home/spaces/<source>``.
        """


SOURCES: Table[type[SpaceSource]] = Table(
    "space source",
    {
        "builtin": "sim_envs.spaces.builtin.source:BuiltinSource",
        "scan": "sim_envs.spaces.scans.source:ScanSource",
    },
    group="tst_bench.space_sources",
)


def load_space(space_id: str, home: Path | None = None) -> Space:
    """Return the space of this id.

    Args:
        space_id: ``source/name``, e.g. ``builtin/flat-01`` or ``scan/redkitchen``.
        home: the data home; default :func:`~sim_envs.storage.data_home`.

    Raises:
        UserError: there is no such source or space (the near names are given), or its files are damaged.
    """
    home = data_home() if home is None else home
    source, slash, name = space_id.partition("/")
    if not slash or not name or source not in SOURCES:
        raise unknown_space(space_id, home)
    return SOURCES[source]().load(name, home)


def list_spaces(home: Path | None = None) -> list[str]:
    """Return the ids of all spaces that can be named without further ado, source by source."""
    home = data_home() if home is None else home
    return [f"{source}/{name}" for source in SOURCES for name in SOURCES[source]().names(home)]


def unknown_space(space_id: str, home: Path) -> UserError:
    """Return the error for an id that names no space: the near ids, and where ids come from."""
    return unknown(
        "space",
        space_id,
        list_spaces(home),
        hint="`tst-bench spaces list` shows all; `tst-bench spaces import PATH` adds a scan.",
    )
