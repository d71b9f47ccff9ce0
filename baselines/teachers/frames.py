"""What pre-training reads of a recording that teachers were asked about: sensed frames, and the answers on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from baselines.teachers.store import Answered
from sim_envs.recordings.sensed import SensedFrames


class TaughtFrames:
    """Sensed frames with the answers of teachers; no way from here to a label either.

    Args:
        frames: of one recording.
        answered: modality → answers on at least these frames.
    """

    def __init__(self, frames: SensedFrames, answered: Mapping[str, Answered]) -> None:
        self._frames = frames
        self._answered = dict(answered)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names that :meth:`get` takes."""
        return (*self._frames.modalities, *self._answered)

    def __len__(self) -> int:
        return len(self._frames)

    def get(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return a copy of some frames of one modality, (len(rows), h, w[, C]) in the stored type.

        Args:
            rows: positions among these frames.

        Raises:
            LabelAccessError: ``name`` is a label.
            IndexError: a teacher was not asked about one of the frames.
        """
        if name in self._answered:
            return self._answered[name].get(self._frames.indices[rows])
        return self._frames.get(name, rows)
