"""One lazy table per family: engines, space sources, models, tasks. Third parties join by entry point."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from sim_envs.errors import unknown

T = TypeVar("T")


class Table(Generic[T]):
    """Names → objects, imported only when asked for.

    Args:
        kind: what a row is, in the words of an error message ("engine").
        rows: name → ``"package.module:attribute"``.
        group: entry-point group through which other packages add rows (``tst_bench.engines``).
    """

    def __init__(self, kind: str, rows: dict[str, str], group: str) -> None:
        self.kind = kind
        self.group = group
        self._rows = dict(rows)

    def _targets(self) -> dict[str, str]:
        return {e.name: e.value for e in entry_points(group=self.group)} | self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets()))

    def __contains__(self, name: str) -> bool:
        return name in self._rows or name in self._targets()

    def __getitem__(self, name: str) -> T:
        """Import and return the row, or raise :class:`UserError` with the near names."""
        target = self._rows.get(name) or self._targets().get(name)  # reading entry points takes milliseconds
        if target is None:
            raise unknown(self.kind, name, self)
        module, _, attribute = target.partition(":")
        return cast(T, getattr(importlib.import_module(module), attribute))
