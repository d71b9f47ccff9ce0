"""What the worker and the process that scores tell each other: a request, lines on the way, and an outcome.

The process that scores has read a stranger's file, so nothing it says is taken on trust: every message is typed and
bounded, and files are named, never pointed to.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from benchmark.results import Result, Role
from benchmark.suites import Suite
from leaderboard.manifest import Part

REQUEST = "request.json"
MANIFEST = "submission.json"
OUTCOME = "outcome.json"
PICTURES = "pictures"

OUTCOME_BYTES = 1 << 30
PICTURE_BYTES = 4 << 20
MOST_SAMPLES = 400


class TakenSuite(Part):
    """A suite that is taken.

    Attributes:
        truth: folder of its unpacked private pack.
        code: digests of accepted code; empty takes any.
        is_public: whether everybody can have the frames, so that pictures of them may be shown.
    """

    rules: Suite
    truth: Path
    code: tuple[str, ...]
    is_public: bool


class Request(Part):
    """What to score, and where.

    Attributes:
        scratch: folder that is written to, nothing else is.
        scored: when these scores are made.
    """

    archive: Path
    archive_bytes: int
    scratch: Path
    suites: tuple[TakenSuite, ...]
    scored: AwareDatetime


class Line(Part):
    """Something that happened.

    Attributes:
        stage: ``valid`` when ``MANIFEST`` lies in the scratch folder; ``scoring`` when ``text`` says what.
    """

    stage: Literal["valid", "scoring"]
    text: str = Field("", max_length=200)


class Refused(Part):
    """Why a submission is not taken."""

    reason: str = Field(pattern=r"^[a-z]{1,32}$")
    message: str


class Sample(Part):
    """Two pictures of one frame, by the names of their files in ``PICTURES``: what was seen and what was said of it."""

    space: str
    role: Role
    frame: int
    task: str
    protocol: str
    test_space: str
    rgb: str = Field(pattern=r"^[0-9]{1,6}\.png$")
    prediction: str = Field(pattern=r"^[0-9]{1,6}\.png$")


class Outcome(BaseModel):
    """What came of it: exactly one of a refusal, a limit that was hit, and results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refused: Refused | None = None
    exceeded: Literal["memory", "disk"] | None = None
    results: tuple[Result, ...] = ()
    samples: tuple[Sample, ...] = Field((), max_length=MOST_SAMPLES)


def read_line(line: bytes) -> Line | None:
    """Return what a line says, None where it says nothing that can be understood."""
    try:
        return Line.model_validate_json(line)
    except ValidationError:
        return None


def read_outcome(scratch: Path) -> Outcome | None:
    """Return the outcome, None where there is none that can be understood."""
    try:
        return Outcome.model_validate_json(read_within(scratch / OUTCOME, OUTCOME_BYTES))
    except (OSError, ValidationError):
        return None


def read_within(path: Path, most: int) -> bytes:
    """Return the content of a plain file that somebody else wrote.

    Raises:
        OSError: it is missing, no plain file, or larger than ``most`` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is no plain file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"{path.name} has more than {most:,} bytes")
    return content
