"""A board as full as one may ever be: submissions that nobody made, with scores that could be anybody's.

``crowd(store)`` fills a new board in seconds; ``python -m tests.bench.crowded_board FOLDER`` does so on the command
line. Everything is drawn from one seed. Files of estimates are real ones, shared by many rows, since nobody ranks or
compares them all; entry files there are none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from benchmark.report.evidence import TRACK_ORDER
from benchmark.statistics import Sample, bootstrap
from benchmark.suites import load_suite
from benchmark.tasks import TASKS
from leaderboard.board import open_board
from leaderboard.standings.estimates_file import estimates_bytes
from leaderboard.standings.placing import Placed
from leaderboard.standings.rows import folded
from leaderboard.store.database import Store, open_store
from leaderboard.store.ranking import _now
from leaderboard.store.tables import BoardSuite, Ranking, Standing, Submitted, Team
from leaderboard.suites import identity

SUITE, VERSION = "builtin-v1", 1
TABLES = (("semseg", "frozen"), ("depth", "frozen"))
SCORED_ON = sha256(b"crowd").hexdigest()

_FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)
_WORDS = ("masked", "cross-modal", "Größe", "tiny", "deep", "spatial", "naïve", "room", "sensor", "distilled", "O'Hara")


def crowd(store: Store, submissions: int = 10_000, seed: int = 0) -> None:
    """Fill an empty board with scored submissions of one suite; one in a hundred is hidden, one waits to be scored."""
    rng = np.random.default_rng(seed)
    spaces = load_suite(SUITE).test_spaces
    files = _estimate_files(store, rng)
    submitted = list(_submitted(rng, submissions))
    with store.transaction() as session:
        session.add(_suite())
        session.execute(insert(Team), [_team(number) for number in range(_teams(submissions))])
        session.execute(insert(Submitted), submitted)
        for task, protocol in TABLES:
            for space in ("", *spaces):
                key = {"suite": SUITE, "suite_version": VERSION, "task": task, "protocol": protocol, "space": space}
                session.execute(insert(Standing), list(_standings(rng, submitted, key, files, spaces)))
                session.execute(insert(Ranking).values(**key, rows=0, scored_on=SCORED_ON, ranked=""))
        for ranking in session.scalars(select(Ranking)).all():
            now = _now(session, ranking)
            ranking.rows, ranking.ranked = len(now.rows), now.digest
    store.take_stock()


def _teams(submissions: int) -> int:
    return max(2, submissions // 20)


def _team(number: int) -> dict[str, Any]:
    return {"name": f"Lab {number}", "key": f"lab {number}", "created": _FIRST}


def _suite() -> BoardSuite:
    suite = load_suite(SUITE)
    return BoardSuite(
        name=SUITE,
        version=VERSION,
        digest=identity(suite).digest,
        rules=suite.model_dump(mode="json"),
        custody="hidden",
        private_pack=sha256(b"private").hexdigest(),
        public_pack=None,
        code=[],
        added=_FIRST,
        closed=None,
    )


def _submitted(rng: np.random.Generator, count: int) -> Iterator[dict[str, Any]]:
    tracks = [track for track in TRACK_ORDER if track != "oracle"]
    for number in range(count):
        words, team = rng.choice(_WORDS, 2), int(rng.integers(0, _teams(count)))
        model = f"tst-{words[0] if words[0].isascii() else 'wide'}-{number % 37}"
        name = "" if number % 7 == 0 else f"{words[0]} {words[1]} {number}"
        received = _FIRST + timedelta(minutes=int(rng.integers(0, 400_000)))
        yield {
            "id": f"crowd{number:07d}",
            "team_id": 1 + team,
            "sha256": sha256(f"file {number}".encode()).hexdigest(),
            "size": int(rng.integers(1 << 20, 1 << 26)),
            "received": received,
            "status": "scored" if number % 100 != 50 else "queued",
            "started": received,
            "finished": received + timedelta(minutes=1),
            "attempts": 1,
            "suite": SUITE,
            "suite_version": VERSION,
            "model": model,
            "track": str(tracks[int(rng.integers(0, len(tracks)))]),
            "name": name,
            "words": folded(f"{name} {model} Lab {team}"),
            "description": "Nobody made this.",
            "seeds": 3,
            "content": sha256(f"content {number}".encode()).hexdigest(),
            "as_claimed": number % 50 != 0,
            "parameters": int(10 ** rng.uniform(5, 9)),
            "frames": int(rng.integers(0, 50_000)),
            "steps": int(rng.integers(0, 100_000)),
            "gpu_seconds": float(rng.integers(0, 500_000)),
            "cpu_seconds": 0.0,
            "hidden": "a test" if number % 100 == 99 else None,
        }


def _standings(
    rng: np.random.Generator, submitted: list[dict[str, Any]], key: dict[str, Any], files: list[str], spaces: list[str]
) -> Iterator[dict[str, Any]]:
    measures = TASKS[key["task"]].measures
    count = len(submitted)
    test = rng.uniform(0.1, 0.6, count)
    held_out = test - rng.uniform(-0.02, 0.15, count)
    shown = {role: _ranks(values, measures[0].higher_is_better) for role, values in (("t", test), ("h", held_out))}
    for number, one in enumerate(submitted):
        scores = {
            "test": _around(test[number]),
            "held_out": _around(held_out[number]),
            "gap": _around(test[number] - held_out[number]),
        }
        main = {
            f"{role}{end}": value
            for role, triple in scores.items()
            for end, value in zip(("", "_low", "_high"), triple, strict=True)
        }
        yield {
            "submission_id": one["id"],
            **key,
            "track": one["track"],
            "scored_on": SCORED_ON,
            "submitted": one["received"],
            "title": folded(one["name"] or one["model"]),
            **main,
            "test_best": int(shown["t"][number][0]),
            "test_worst": int(shown["t"][number][1]),
            "held_out_best": int(shown["h"][number][0]),
            "held_out_worst": int(shown["h"][number][1]),
            "measures": {measure.key: scores for measure in measures},
            "spaces": [[space, "test", *scores["test"]] for space in spaces if space == key["space"]],
            "estimates": files[number % len(files)],
        }


def _ranks(values: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """Return ranks that leave about a hundredth of the table open, (N, 2)."""
    order = np.argsort(np.argsort(-values if higher_is_better else values)) + 1
    open_to = max(1, len(values) // 100)
    return np.stack([np.maximum(1, order - open_to), np.minimum(len(values), order + open_to)], axis=1)


def _around(value: float) -> list[float]:
    return [float(value), float(value - 0.02), float(value + 0.02)]


def _estimate_files(store: Store, rng: np.random.Generator, count: int = 20) -> list[str]:
    return [store.files.put(estimates_bytes(_placed(rng))) for _ in range(count)]


def _placed(rng: np.random.Generator) -> Placed:
    """Return a submission with plausible estimates: 8 trajectories in the test space, 8 in a held-out one."""
    task, level = TASKS["semseg"], rng.uniform(0.2, 0.6)

    def sample(space: str) -> Sample:
        sums = np.stack([np.full((3, 8), 100.0), 100 * rng.normal(level, 0.05, (3, 8))], axis=-1)
        return Sample(space, (0, 1, 2), sums, lambda s: {task.measures[0].key: s[..., 1] / s[..., 0]})

    found = {role: bootstrap([sample(f"builtin/{role}")]) for role in ("test", "held_out")}
    return Placed(task, "frozen", "", SCORED_ON, found, ())


if __name__ == "__main__":
    crowd(open_store(open_board(Path(sys.argv[1]))))
