"""What tasks have in common whose answer is one value or vector for every pixel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from benchmark.forms.pixel_map import PixelMap

if TYPE_CHECKING:
    pass


class PerPixel(ABC):
    """The part of a task that is about frames and pictures; a pixel whose truth is all 0 has none."""

    @property
    @abstractmethod
    def form(self) -> PixelMap:
        """How the map is stored; every task says it for itself."""

    @property
    def display_note(self) -> str:
        """Explain the black of :meth:`masked`."""
        return "Black: no truth there, not scored."

    def conclude(self, encoded: np.ndarray, rows: np.ndarray, trajectory: np.ndarray) -> np.ndarray:
        """Return what is given: frames are answered one by one."""
        return encoded

    def known(self, target: np.ndarray) -> np.ndarray:
        """Return where targets say something, (N, H, W) bool."""
        return np.asarray((target != 0).any(axis=tuple(range(-len(self.form.value_shape), 0))))

    def has_truth(self, target: np.ndarray) -> np.ndarray:
        """Return which frames have a pixel with a truth, (N,) bool."""
        return np.asarray(target.reshape(len(target), -1).any(axis=1))

    def masked(self, picture: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return an (H, W, 3) picture that is black where one frame's truth says nothing."""
        return np.where(self.known(target)[0, ..., None], picture, 0).astype(np.uint8)
