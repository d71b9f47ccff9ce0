"""An entry: a submission as a board scored it. One JSON document, all that a page, table or comparison is made from."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from benchmark.results import Result
from benchmark.suites import Suite
from leaderboard.custody import Custody
from leaderboard.manifest import About, Cost, Part, Submission, SuiteId
from leaderboard.scoring import ScoredRow
from sim_envs.errors import UserError
from sim_envs.storage import canonical_json, write_whole

SCHEMA = 1
SUFFIX = ".entry.json"
COMPRESSED = f"{SUFFIX}.gz"


class Entry(Part):
    """A submission that was scored.

    Attributes:
        id: of the submission; no other of the board has it.
        submitted: when its upload was complete.
        scored: when these scores were made.
        custody: of the labels it was scored against.
        content: digest over all prediction files, whatever is said of them.
        as_claimed: whether the run that was submitted found the very same scores; None where it claims none.
        results: one a (test space, task, protocol, seed), with the board's own scores and sums.
    """

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    id: str = Field(pattern=r"^[0-9a-z]{4,32}$")
    team: str = Field(min_length=1, max_length=60)
    submitted: AwareDatetime
    scored: AwareDatetime
    suite: SuiteId
    custody: Custody
    model: str
    track: str
    about: About
    cost: Cost
    content: str
    as_claimed: bool | None
    results: tuple[Result, ...] = Field(min_length=1)

    @property
    def title(self) -> str:
        """What tables call it: its name, or its model where it has none."""
        return self.about.name or self.model

    def as_bytes(self) -> bytes:
        """Return the document."""
        return (canonical_json(self.model_dump(mode="json")) + "\n").encode()


def results_of(submission: Submission, suite: Suite, rows: Iterable[ScoredRow], scored: str) -> tuple[Result, ...]:
    """Return what a board found as results: what the submission says of itself, with the board's sums and scores.

    Args:
        scored: time of the scoring, ISO 8601.
    """
    return tuple(
        Result(
            suite=f"{suite.name} v{suite.version}",
            test_space=row.row.test_space,
            variant=suite.variant,
            model=submission.model,
            track=submission.track,
            task=row.row.task,
            task_version=row.row.task_version,
            protocol=row.row.protocol,
            seed=row.row.seed,
            created=scored,
            configuration={"suite": suite.model_dump(mode="json")},
            ledger=row.row.ledger.model_dump(mode="json"),
            environment=row.row.environment,
            inputs={file.space: file.recording for file in row.row.spaces},
            compute=row.row.compute,
            timings={},
            spaces=row.spaces,
            scores={measure: dict(roles) for measure, roles in row.scores.items()},
        )
        for row in rows
    )


def read_entry(content: bytes, source: str) -> Entry:
    """Read an entry.

    Args:
        source: what to call it in a message.

    Raises:
        UserError: it is none, and why.
    """
    try:
        return Entry.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{source} is no entry of schema {SCHEMA}: {where}: {first['msg']}.") from None


def write_entry(folder: Path, entry: Entry) -> Path:
    """Write ``<id>.entry.json`` whole or not at all, and return its path."""
    path = folder / f"{entry.id}{SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda beside: _write_bytes(beside, entry.as_bytes()))
    return path


def read_entries(folder: Path) -> list[Entry]:
    """Read every entry under a folder, as it was written or compressed by gzip, in the order of their submission.

    Raises:
        UserError: the folder is missing or holds none, one of them cannot be read, or two are of one submission.
    """
    paths = sorted(path for suffix in (SUFFIX, COMPRESSED) for path in folder.rglob(f"*{suffix}"))
    if not paths:
        raise UserError(f"No entries (*{SUFFIX}) under {folder}. tst-bench leaderboard admin export writes them.")
    entries: dict[str, Entry] = {}
    for path in paths:
        entry = read_entry(_content(path), str(path))
        if entry.id in entries:
            raise UserError(f"{path} is another entry of submission {entry.id}. Keep one of them under {folder}.")
        entries[entry.id] = entry
    return sorted(entries.values(), key=lambda entry: (entry.submitted, entry.id))


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.name.endswith(COMPRESSED) else content
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
