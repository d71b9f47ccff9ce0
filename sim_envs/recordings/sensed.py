"""What pre-training is given: sensed frames, and no way from there to a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import numpy as np

from sim_envs.modalities import SENSED, modality


class LabelAccessError(RuntimeError):
    """Pre-training asked for labels of the test space. That is a bug, never a wrong input."""


class SensedFrames:
    """Frames of one recording as a device would sense them, opened read-only and memory-mapped.

    The object holds arrays of sensed modalities and the numbers of its frames; nothing it holds names a file.
    It lives through ``fork`` (data-loader workers share the map) and refuses to be pickled, because what is
    pickled would have to say where the files are.

    Args:
        arrays: sensed modality → (N, H, W[, C]) array of the whole recording.
        indices: (M,) numbers of the frames that may be read.

    Raises:
        LabelAccessError: one of the arrays holds labels.
    """

    __slots__ = ("_arrays", "_indices")

    def __init__(self, arrays: Mapping[str, np.ndarray], indices: np.ndarray) -> None:
        for name in arrays:
            _refuse_label(name)
        self._arrays = dict(arrays)
        self._indices = np.array(indices, np.int64)
        self._indices.setflags(write=False)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names that :meth:`get` takes."""
        return tuple(self._arrays)

    @property
    def indices(self) -> np.ndarray:
        """(M,) int64 numbers of these frames in their recording."""
        return self._indices

    def __len__(self) -> int:
        return len(self._indices)

    def only(self, indices: np.ndarray) -> SensedFrames:
        """Return the same frames, cut down to some of them.

        Args:
            indices: numbers in the recording, each one of :attr:`indices`.

        Raises:
            IndexError: a frame that is not among these.
        """
        if not np.isin(indices, self._indices).all():
            raise IndexError("frames asked for are not among the sensed frames that may be read")
        return SensedFrames(self._arrays, indices)

    def get(self, name: str, rows: np.ndarray | slice | int) -> np.ndarray:
        """Return a copy of some frames of one modality.

        Args:
            name: a sensed modality.
            rows: positions 0…M−1 among *these* frames (not numbers in the recording).

        Returns:
            (len(rows), H, W[, C]) in the stored type; (H, W[, C]) for a single row.

        Raises:
            LabelAccessError: ``name`` is a label.
            UserError: ``name`` is no modality.
            IndexError: a row outside 0…M−1.
        """
        _refuse_label(name)
        frames = self._arrays[name][self._indices[rows]]
        return frames if frames.base is None else frames.copy()

    def __repr__(self) -> str:
        return f"SensedFrames({len(self)} frames of {', '.join(self.modalities)})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("SensedFrames cannot be pickled: that would tell where the labels are. Fork instead.")


def _refuse_label(name: str) -> None:
    if not modality(name).sensed:
        raise LabelAccessError(
            f"'{name}' is a label and is never shown to pre-training; sensed are {', '.join(SENSED)}."
        )
