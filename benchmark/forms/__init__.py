"""Forms of answers: what a model says about frames, how that lies on disk, and what makes it unfit to be scored.

*Answers* of N frames, predictions as well as truth, are anything with a length that an array of row numbers picks
frames from, giving the same type: an array whose first axis is frames, or a frozen dataclass with ``__len__``,
``__getitem__`` and a class method ``concatenate``. A form is one class in one file of this package, and is held by
its task. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

Answers = Any
"""A container of one answer a frame; what is inside is between a task, its form and its head."""


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames that answers are about.

    Attributes:
        rows: (N,) int64, their numbers in the recording, unique.
        height, width: pixels.
    """

    rows: np.ndarray
    height: int
    width: int


class Form(Protocol):
    """How answers of one kind are kept in an ``.npz`` file.

    The file holds ``frames``, the rows, and the arrays of :meth:`pack`: of numbers or of text of fixed width, never
    of objects.
    """

    def pack(self, answers: Answers) -> dict[str, np.ndarray]:
        """Return the named arrays that hold the answers; ``frames`` is taken."""

    def unpack(self, arrays: Mapping[str, np.ndarray], count: int) -> Answers:
        """Return the answers about ``count`` frames.

        Raises:
            KeyError: an array is missing.
            ValueError: arrays that cannot be answers about so many frames; the message says why.
        """

    def check(self, answers: Answers, frames: Frames) -> str:
        """Return what keeps answers from being scored, "" when nothing does.

        There is one answer a frame already; types, shapes and values are for the form to judge.
        """

    def schema(self) -> dict[str, Any]:
        """Return name → JSON schema of every array of :meth:`pack`, as nested lists of numbers or strings."""

    def bytes_per_frame(self, height: int, width: int) -> int:
        """Return about how many bytes an answer takes before compression."""


@runtime_checkable
class StackedForm(Form, Protocol):
    """A form whose arrays all have one row a frame: files of any length are read, checked and scored in parts."""

    def stacked(self) -> tuple[str, ...]:
        """Return the names of the arrays of :meth:`pack`."""


def concatenate(parts: Sequence[Answers]) -> Answers:
    """Return the answers about all frames of several parts, at least one, in their order."""
    first = parts[0]
    return np.concatenate(parts) if isinstance(first, np.ndarray) else cast(Any, type(first)).concatenate(parts)
