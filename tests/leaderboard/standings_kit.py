"""Entries that were scored in no time: real sums of random predictions, in as many spaces and seeds as a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import numpy as np

from benchmark.environment import environment
from benchmark.estimates import scores
from benchmark.results import Compute, Result, SpaceResult, StoredStatistics
from benchmark.tasks import TASKS
from leaderboard.entries import Entry
from leaderboard.manifest import About, Cost, SuiteId
from leaderboard.standings import place
from leaderboard.store.database import Store
from leaderboard.store.standings import TableQuery, record
from leaderboard.store.tables import Submitted
from leaderboard.store.teams import team_named

TEST_SPACES = ("builtin/flat-01", "builtin/flat-02")
HELD_OUT = ("builtin/flat-21", "builtin/flat-22")
SUITE, VERSION = "mini", 3
NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
_CATEGORIES = 8


def query(task: str = "depth", **changes: object) -> TableQuery:
    return TableQuery(SUITE, VERSION, task, "frozen", **changes)  # type: ignore[arg-type]


def scored(
    task: str, space: str, role: str, skill: float, seed: int, trajectories: int = 4, recording: str = "ab" * 32
) -> SpaceResult:
    """Score predictions of which a share is right that grows with ``skill``, 0 to 1; the truth hangs on the space."""
    number = int(space[-2:])
    truth = np.random.default_rng(number)
    rng = np.random.default_rng([number, seed, int(1000 * skill)])
    shape = (3 * trajectories, 6, 6)
    right = rng.uniform(size=shape) < skill + truth.uniform(-0.1, 0.1, trajectories).repeat(3)[:, None, None]
    trajectory = np.repeat(np.arange(trajectories), 3)
    if task == "semseg":
        target = truth.integers(1, _CATEGORIES + 1, shape).astype(np.uint8)
        prediction = np.where(right, target, rng.integers(1, _CATEGORIES + 1, shape)).astype(np.uint8)
    else:
        target = truth.uniform(1, 4, shape).astype(np.float32)
        prediction = np.where(right, target, target * 1.7).astype(np.float16)
    statistics = TASKS[task].statistics(prediction, target, trajectory)
    scope = TASKS[task].scope(statistics.total, tuple(range(1, _CATEGORIES + 1)))
    return SpaceResult(
        space=space,
        role=role,  # type: ignore[arg-type]
        recording=recording,
        predictions="cd" * 32,
        scored=scope.scored,
        left_out=dict(scope.left_out),
        statistics=StoredStatistics.pack(statistics),
    )


def an_entry(
    number: int = 1,
    skill: float = 0.6,
    *,
    tasks: Sequence[str] = ("depth",),
    seeds: int = 1,
    spaces: Sequence[str] = TEST_SPACES,
    held_out: Sequence[str] = HELD_OUT,
    team: str = "Lab",
    name: str = "",
    model: str = "tst",
    track: str = "sensors-only",
    parameters: int = 1000,
    recording: str = "ab" * 32,
) -> Entry:
    """Return an entry; those of one ``number`` have the same id, and later numbers were submitted later."""
    results = []
    for task in tasks:
        for space in spaces:
            for seed in range(seeds):
                noise = 1000 * number + 10 * seed + spaces.index(space)
                parts = (
                    scored(task, space, "test", skill, noise, recording=recording),
                    *(scored(task, other, "held_out", skill - 0.1, noise, recording=recording) for other in held_out),
                )
                results.append(_result(task, space, seed, parts, model, track))
    when = NOON + timedelta(minutes=number)
    return Entry(
        id=f"made{number:04d}",
        team=team,
        submitted=when,
        scored=when,
        suite=SuiteId(name=SUITE, version=VERSION, digest="e" * 64),
        custody="hidden",
        model=model,
        track=track,
        about=About(name=name),
        cost=Cost(parameters=parameters, frames=10, steps=20, gpu_seconds=0.0, cpu_seconds=5.0),
        content=sha256(str(number).encode()).hexdigest(),
        as_claimed=True,
        results=tuple(results),
    )


def _result(task: str, space: str, seed: int, parts: tuple[SpaceResult, ...], model: str, track: str) -> Result:
    return Result(
        suite=f"{SUITE} v{VERSION}",
        test_space=space,
        variant="inductive",
        model=model,
        track=track,
        task=task,
        task_version=TASKS[task].version,
        protocol="frozen",
        seed=seed,
        created=NOON.isoformat(),
        configuration={},
        ledger={"entries": []},
        environment=environment(),
        inputs={},
        compute=Compute(),
        timings={},
        spaces=parts,
        scores=scores(parts, TASKS[task], seed),
    )


def stand(store: Store, entry: Entry, *, at: datetime | None = None, hidden: str | None = None) -> None:
    """Put an entry on a board as the worker does, scored at a time of one's choice; again, where it is there."""
    placed = place(entry)
    with store.transaction() as session:
        submitted = session.get(Submitted, entry.id) or Submitted(id=entry.id, size=1, attempts=1)
        submitted.team_id = team_named(session, entry.team).id
        submitted.sha256 = sha256(entry.id.encode()).hexdigest()
        submitted.received, submitted.finished = entry.submitted, at or entry.scored
        submitted.status, submitted.hidden = "scored", hidden
        submitted.model, submitted.track, submitted.name = entry.model, entry.track, entry.about.name
        submitted.seeds = len({result.seed for result in entry.results})
        for field, value in entry.cost.model_dump().items():
            setattr(submitted, field, value)
        submitted.as_claimed, submitted.content = entry.as_claimed, entry.content
        session.add(submitted)
        session.flush()
        record(session, store.files, entry, placed)
