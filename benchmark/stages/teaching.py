"""Teachers in a run: where their weights come from, what they say of a pre-training's frames, and the ledger of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from baselines.batches import Frames
from baselines.ledger import Ledger, TaughtBy
from baselines.pretraining.loop import ENCODER_FILE
from baselines.teachers.frames import TaughtFrames
from baselines.teachers.store import Question, answers
from baselines.teachers.table import teacher
from baselines.weights import WeightsFile
from benchmark.jobs import Report
from benchmark.plan import Portion
from benchmark.stages.folder import is_done, read_done
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording


@dataclass(frozen=True)
class Teaching:
    """A teacher of one pre-training.

    Attributes:
        weights: file of its training elsewhere, None where there was none.
        pretrained: folder of its pre-training in this benchmark, None where there is none.
    """

    teacher: str
    weights: WeightsFile | None
    pretrained: Path | None

    @property
    def key(self) -> list[object]:
        """Return what a stage's digest depends on."""
        source = self.weights.sha256 if self.weights else self.pretrained.name if self.pretrained else "random"
        return [self.teacher, dict(teacher(self.teacher).network), source]

    def source(self) -> WeightsFile | None:
        """Return the file that its weights are read from.

        Raises:
            UserError: its pre-training here is not done.
        """
        if self.pretrained is None:
            return self.weights
        if not is_done(self.pretrained):
            raise UserError(f"{self.teacher} is to teach and is not pre-trained yet. Pre-train {self.teacher} first.")
        return WeightsFile.of(self.pretrained / ENCODER_FILE)

    def ledger(self) -> TaughtBy:
        """Return its line in the ledger of its pupils."""
        source, data = self.source(), teacher(self.teacher).data
        if self.pretrained:
            data = (*data, *Ledger.model_validate(read_done(self.pretrained)["ledger"]).entries)
        return TaughtBy(name=self.teacher, weights=source.sha256 if source else "", data=data)


def pretraining_frames(
    part: Portion,
    splits: Sequence[str],
    teachings: Sequence[Teaching],
    home: Path,
    device: torch.device,
    report: Report,
) -> Frames:
    """Return the frames of one recording for pre-training, with what each teacher says of them.

    A teacher is asked once about all valid frames of ``splits``, whatever part of them this pre-training takes, and
    fits on training frames alone. Only sensed frames are opened, no label can be.

    Args:
        report: called with (frames done, frames in all) while a teacher is asked.
    """
    recording = Recording.open(part.folder)
    frames = recording.sensed().only(np.array(part.rows))
    if not teachings:
        return frames
    asked = questions(part, splits, teachings)
    return TaughtFrames(frames, {q.teacher.modality: answers(q, home, device, report) for q in asked})


def questions(part: Portion, splits: Sequence[str], teachings: Sequence[Teaching]) -> list[Question]:
    """Return what each teacher is asked about one recording, see :func:`pretraining_frames`."""
    recording = Recording.open(part.folder)
    asked = recording.sensed().only(np.sort(np.concatenate([recording.indices(split) for split in splits])))
    return [
        Question(teacher(one.teacher), one.source(), part.digest, asked, recording.indices("train"))
        for one in teachings
    ]
