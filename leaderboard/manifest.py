"""``submission.json``: what a submission says of itself. Typed, bounded, and written in one way only."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from baselines.ledger import Ledger
from benchmark.environment import Environment
from benchmark.manifest import file_name
from benchmark.results import Compute, Role, Score
from leaderboard.refusal import Refusal
from sim_envs.errors import UserError
from sim_envs.storage import canonical_json, digest_json

SCHEMA = 1
MANIFEST = "submission.json"
MANIFEST_BYTES = 8 << 20

LONGEST_TEXT = 1000
LARGEST_NUMBER = 1e15

_DIGEST = r"^[0-9a-f]{64}$"
_SPACE = r"^[a-z][a-z0-9_-]{0,39}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_WORD = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class Part(BaseModel):
    """What all that is read from outside has in common: nothing unknown, nothing that is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SuiteId(Part):
    """Which suite; ``digest`` is over everything in it that scores depend on (:func:`leaderboard.suites.digest`)."""

    name: str = Field(pattern=_WORD)
    version: int = Field(ge=1)
    digest: str = Field(pattern=_DIGEST)


class About(Part):
    """What the submitters say of it; all of it may be empty. Links begin with https://."""

    name: str = Field("", max_length=100)
    description: str = Field("", max_length=LONGEST_TEXT)
    paper: str = Field("", max_length=300, pattern=r"^(https://\S+)?$")
    code: str = Field("", max_length=300, pattern=r"^(https://\S+)?$")


class SpaceFile(Part):
    """The predictions about one space.

    Attributes:
        recording: digest of the recording that the frames belong to.
        frames, height, width: of the frames in the file.
        size: of the file in bytes.
    """

    space: str = Field(pattern=_SPACE)
    role: Role
    recording: str = Field(pattern=_DIGEST)
    frames: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    size: int = Field(ge=1)
    sha256: str = Field(pattern=_DIGEST)


class Row(Part):
    """One (test space, task, protocol, seed): where its weights came from, what it cost, what the run scored.

    Attributes:
        flags: what set the result apart; a row with any is refused.
        scores: measure → role or ``gap`` → score, as the run found it; empty where it could not score, because it had
            no labels. Nothing but the re-scored ones count.
    """

    test_space: str = Field(pattern=_SPACE)
    task: str = Field(pattern=_WORD)
    task_version: int = Field(ge=1)
    protocol: str = Field(pattern=_WORD)
    seed: int = Field(ge=0)
    flags: tuple[str, ...] = ()
    ledger: Ledger
    environment: Environment
    compute: Compute
    scores: dict[str, dict[str, Score]]
    spaces: tuple[SpaceFile, ...] = Field(min_length=1)

    @property
    def folder(self) -> str:
        """Where its files lie in the archive."""
        where = self.test_space.replace("/", "__")
        return f"predictions/{where}/{self.task}/{self.protocol}/seed{self.seed}"

    def path(self, space: str) -> str:
        """Return the name of a space's file in the archive."""
        return f"{self.folder}/{file_name(space)}"

    @property
    def said(self) -> str:
        """Name it in a message."""
        return f"{self.task} {self.protocol} in {self.test_space}, seed {self.seed}"


class Cost(Part):
    """What a model cost, over all rows of a submission.

    Attributes:
        parameters, frames, steps: the most of any row; frames and steps of its pre-training.
        gpu_seconds: pre-training and transfer on GPUs; rows that share a pre-training count it once a seed and space.
        cpu_seconds: the same without a GPU.
    """

    parameters: int
    frames: int
    steps: int
    gpu_seconds: float
    cpu_seconds: float


class Submission(Part):
    """``submission.json``; the files beside it are those that its rows name, in their order.

    Attributes:
        track: which rows of a table it may be ranked against; recomputed from the ledgers.
        seeds: of the rows.
    """

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    suite: SuiteId
    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+,=@/-]{0,127}$")
    track: str = Field(pattern=_WORD)
    seeds: tuple[int, ...] = Field(min_length=1)
    about: About = About()
    rows: tuple[Row, ...] = Field(min_length=1)

    def files(self) -> Iterator[tuple[str, Row, SpaceFile]]:
        """Yield (name in the archive, row, file), in the order of the archive."""
        for row in self.rows:
            for file in row.spaces:
                yield row.path(file.space), row, file

    @property
    def content(self) -> str:
        """Return the SHA-256 over names and digests of all prediction files, whatever is said of them."""
        return digest_json(sorted([name, file.sha256] for name, _, file in self.files()))

    @property
    def cost(self) -> Cost:
        """Add up what the rows say."""
        gpu = cpu = 0.0
        counted = set()
        for row in self.rows:
            seconds = row.compute.transfer_seconds
            processes = row.compute.pretraining.processes if row.compute.pretraining else 1
            if (row.test_space, row.seed) not in counted:
                counted.add((row.test_space, row.seed))
                seconds += row.compute.pretrain_seconds * processes
            if row.environment.hardware.gpus:
                gpu += seconds
            else:
                cpu += seconds
        return Cost(
            parameters=max(row.compute.parameters for row in self.rows),
            frames=max(row.compute.pretrain_frames for row in self.rows),
            steps=max(row.compute.pretrain_steps for row in self.rows),
            gpu_seconds=gpu,
            cpu_seconds=cpu,
        )

    def as_bytes(self) -> bytes:
        """Return the only right content of ``submission.json``."""
        return (canonical_json(self.model_dump(mode="json")) + "\n").encode()


def read_manifest(content: bytes) -> Submission:
    """Read ``submission.json``.

    Raises:
        Refusal: ``manifest`` for wrong fields or another way of writing them, ``text`` for what cannot be shown.
    """
    try:
        submission = Submission.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part)[:60] for part in first["loc"][:8]) or "the whole"
        raise Refusal("manifest", f"{MANIFEST}: {where}: {first['msg'][:200]}.") from None
    except (UserError, TypeError) as error:  # of validators that expect what the types only afterwards demand
        raise Refusal("manifest", f"{MANIFEST}: {error}.") from None
    _refuse_odd_values(submission.model_dump(mode="json"), "")
    if submission.as_bytes() != content:
        raise Refusal("manifest", f"{MANIFEST} is not written as tst-bench submit writes it.")
    return submission


def _refuse_odd_values(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_odd_values(key, where)
            _refuse_odd_values(inner, f"{where}.{key}"[-100:])
    elif isinstance(value, list):
        for inner in value:
            _refuse_odd_values(inner, where)
    elif isinstance(value, str):
        if flaw := _text_flaw(value):
            raise Refusal("text", f"{MANIFEST}: a text {flaw}{' in ' + where.lstrip('.') if where else ''}.")
    elif isinstance(value, (int, float)) and not abs(value) <= LARGEST_NUMBER:  # NaN is not either
        raise Refusal("manifest", f"{MANIFEST}: {where.lstrip('.')} is no sensible number.")


def _text_flaw(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        return f"has {len(text)} characters, at most {LONGEST_TEXT} are taken"
    if not text.isprintable():
        strange = next(character for character in text if not character.isprintable())
        return f"holds U+{ord(strange):04X}, which cannot be printed,"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode's normal form C"
    return ""
