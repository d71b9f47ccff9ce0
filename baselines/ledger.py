"""The ledger: what data, and which other networks, reached a model's weights. The track follows from it by rule."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["test", "transfer", "external", "web"]


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
        labels: whether labels of it were used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    source: str
    digest: str = ""
    modalities: tuple[str, ...]
    frames: int
    labels: bool = False


class Ledger(BaseModel):
    """Everything that reached a model's weights before the transfer stage, which is the same for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[Entry, ...] = ()
    teachers: tuple[str, ...] = ()

    @property
    def track(self) -> Track:
        """Compute the track; the first rule that fits wins, strictest first."""
        seen = {(entry.role, entry.labels) for entry in self.entries}
        roles = {role for role, _ in seen}
        if ("test", True) in seen:
            return Track.ORACLE
        if self.teachers:
            return Track.DISTILLED
        if any(labels for _, labels in seen):
            return Track.TASK_EXPERT
        if "web" in roles:
            return Track.ADAPTED if "test" in roles else Track.GENERALIST
        if "test" in roles:
            return Track.SENSORS_ONLY
        return Track.EXTERNAL if roles else Track.SCRATCH
