"""The ledger: what data, and which other networks, reached a model's weights. The track follows from it by rule."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Role = Literal["test", "transfer", "external", "web"]
Labels = Literal["", "texts", "classes", "pseudo", "task"]
"""Labels that were learned from: none; texts that came with images; one class an image; what other networks said of
the images, tasks' outputs among it; or what a task of this benchmark asks for, given by people or devices (masks,
boxes, depth, captions written for the purpose)."""


class Track(str, Enum):
    """Which rows of a table may be ranked against each other."""

    SCRATCH = "scratch"
    SENSORS_ONLY = "sensors-only"
    DISTILLED = "distilled"
    EXTERNAL = "external"
    GENERALIST = "generalist"
    ADAPTED = "adapted"
    TASK_EXPERT = "task-expert"
    ORACLE = "oracle"


class Entry(BaseModel):
    """One body of data that reached the encoder before transfer.

    Attributes:
        role: what the data's space is in this setting; ``web`` is everything collected elsewhere.
        source: space id or data set name.
        digest: SHA-256 of the recording's description, or "" where the data cannot be had.
        modalities: what was read of it.
        frames: how many frames of it.
        labels: which labels of it were used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    source: str
    digest: str = ""
    modalities: tuple[str, ...]
    frames: int
    labels: Labels = ""

    @field_validator("labels", mode="before")
    @classmethod
    def _of_older_ledgers(cls, value: Any) -> Any:
        """Read the yes or no of earlier versions, which had the labels of tasks in mind."""
        return {True: "task", False: ""}[value] if isinstance(value, bool) else value


class TaughtBy(BaseModel):
    """A network whose outputs were learned from in this benchmark.

    Attributes:
        weights: SHA-256 of the file its weights were read from, "" where they were random.
        data: what it was trained on; None where that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weights: str = ""
    data: tuple[Entry, ...] | None = None

    @property
    def knows_more(self) -> bool:
        """Whether it may know what unlabelled frames of the test and transfer spaces do not show."""
        return self.data is None or any(e.labels or e.role not in ("test", "transfer") for e in self.data)


class Ledger(BaseModel):
    """Everything that reached a model's weights before the transfer stage, which is the same for all.

    Attributes:
        teachers: other networks whose outputs were learned from in this benchmark.
        weights: what was started from → SHA-256 of the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[Entry, ...] = ()
    teachers: tuple[TaughtBy, ...] = ()
    weights: dict[str, str] = Field(default_factory=dict)

    @field_validator("teachers", mode="before")
    @classmethod
    def _of_ledgers_with_names_alone(cls, value: Any) -> Any:
        """Read earlier versions, which said no more of a teacher than its name."""
        return tuple({"name": each} if isinstance(each, str) else each for each in value)

    @property
    def track(self) -> Track:
        """Compute the track; the first rule that fits wins, strictest first.

        Labels of the test space, of whatever kind and by whatever way, make an oracle. A teacher makes a pupil
        distilled when it may know what unlabelled frames of the test and transfer spaces do not show: it was trained on
        other data, or with labels, or nobody knows on what. Any other teacher is a detour: what it was trained on
        counts as if the pupil had seen it, and one with random weights brings nothing. Else only labels of a task
        make a task expert: class labels, texts and pseudo labels of web images leave a generalist what it is, a
        network made for nothing in particular, and half of the generalists in use were trained with them.
        """
        every = (*self.entries, *(entry for teacher in self.teachers for entry in teacher.data or ()))
        roles = {entry.role for entry in every}
        if any(entry.role == "test" and entry.labels for entry in every):
            return Track.ORACLE
        if any(teacher.knows_more for teacher in self.teachers):
            return Track.DISTILLED
        if any(entry.labels == "task" for entry in every):
            return Track.TASK_EXPERT
        if "web" in roles:
            return Track.ADAPTED if "test" in roles else Track.GENERALIST
        if "test" in roles:
            return Track.SENSORS_ONLY
        return Track.EXTERNAL if roles else Track.SCRATCH
