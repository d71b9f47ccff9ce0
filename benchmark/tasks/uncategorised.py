"""What tasks have in common that know no categories: nothing to be seen, left out or scored by category."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmark.forms import Answers
from benchmark.tasks import Scope


class Uncategorised:
    """The part of a task that is about categories, for tasks whose sums are one row of numbers a trajectory."""

    @property
    def categories(self) -> tuple[str, ...]:
        """There are none."""
        return ()

    @property
    def category_unit(self) -> str:
        """Nothing is counted by category."""
        return ""

    def seen(self, targets: Iterable[Answers]) -> tuple[int, ...]:
        """Return (): there are no categories."""
        return ()

    def count_categories(self, target: Answers) -> np.ndarray:
        """Return an array without categories, (0,)."""
        return np.empty(0, np.int64)

    def scope(self, total: np.ndarray, seen: tuple[int, ...]) -> Scope:
        """Whatever has a truth counts."""
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

    def category_truth(self, total: np.ndarray) -> np.ndarray:
        """Return an array without categories, (0,)."""
        return np.empty(0)
