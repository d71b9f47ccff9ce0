"""What tasks have in common that know no categories: nothing to be seen, left out or scored by category."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmark.tasks import Scope


class Uncategorised:
    """The part of a task that is about categories, for tasks whose sums are one row of numbers a trajectory."""

    @property
    def categories(self) -> tuple[str, ...]:
        """There are none."""
        return ()

    def seen(self, targets: Iterable[np.ndarray]) -> tuple[int, ...]:
        """Return (): there are no categories."""
        return ()

    def scope(self, total: np.ndarray, seen: tuple[int, ...]) -> Scope:
        """Every pixel with a truth counts."""
        return Scope()

    def lacking(self, categories: Sequence[str]) -> tuple[str, ...]:
        """Return (): there are no categories."""
        return ()

    def reduced(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return the sums as they are."""
        return sums

    def per_category(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return an array without categories, (..., 0)."""
        return np.empty((*np.shape(sums)[:-1], 0))

    def category_pixels(self, total: np.ndarray) -> np.ndarray:
        """Return an array without categories, (0,)."""
        return np.empty(0)
