"""Boards with a few submissions that differ by what was measured, without training anything."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmark.results import Result
from benchmark.suites import Suite
from leaderboard.entries import Entry
from leaderboard.manifest import About, Cost, SuiteId
from leaderboard.standings import place
from leaderboard.store.database import Store
from leaderboard.store.standings import record, rerank
from leaderboard.store.tables import BoardSuite, Submitted
from leaderboard.store.teams import team_named
from leaderboard.suites import identity
from tests.benchmark.test_report import RECORDINGS, make_result
from tests.leaderboard.board_kit import SUITE

RULES = Suite.model_validate(
    SUITE | {"test_spaces": ["builtin/flat-01"], "held_out": ["builtin/flat-21", "builtin/flat-22"], "seeds": 2}
)
BEGINNING = datetime(2026, 11, 1, 9, 30, tzinfo=timezone.utc)
LEDGER = {
    "entries": [
        {"role": "test", "source": "builtin/flat-01", "modalities": ["rgb", "depth", "normals"], "frames": 3000}
    ],
    "teachers": [
        {
            "name": "seg-masks",
            "data": [
                {"role": "web", "source": "coco", "modalities": ["rgb"], "frames": 118_287, "labels": "task"},
            ],
        }
    ],
}
SPECIALIST = About(
    name="Our specialist",
    description="Cross-modal masked modelling in one flat.",
    paper="https://example.org/paper?a=1&b=2",
    code="https://example.org/code",
)
OF_FRAMES = {"entries": LEDGER["entries"]}
SKILLS = {
    "scratch": ("scratch", 0.62, 0.60),
    "tst-mae": ("sensors-only", 0.70, 0.62),
    "tst": ("sensors-only", 0.82, 0.63),
    "tst+seg-masks": ("distilled", 0.83, 0.66),
}


def results_of(folder: Path, model: str, ledger: dict[str, Any], tasks: tuple[str, ...]) -> tuple[Result, ...]:
    """Return two seeds of each task."""
    return tuple(
        make_result(folder, model, task=task, seed=seed, skill=SKILLS[model], suite="mini v3", ledger=ledger)
        for task in tasks
        for seed in range(RULES.seeds)
    )


def entry_of(results: tuple[Result, ...], number: int, **changes: Any) -> Entry:
    """Return an entry of the mini suite, the later the higher its number."""
    suite = identity(RULES)
    at = BEGINNING + timedelta(hours=7 * number)
    fields: dict[str, Any] = {
        "id": f"entry{number:04d}",
        "team": "Lab of Rooms",
        "submitted": at,
        "scored": at + timedelta(minutes=2),
        "suite": SuiteId(name=suite.name, version=suite.version, digest=suite.digest),
        "custody": "open",
        "model": results[0].model,
        "track": results[0].track,
        "about": About(),
        "cost": Cost(parameters=1_900_000, frames=3000, steps=1200, gpu_seconds=0.0, cpu_seconds=5210.0),
        "content": hashlib.sha256(f"content {number}".encode()).hexdigest(),
        "as_claimed": True,
        "results": results,
    }
    return Entry(**(fields | changes))


def four_entries(folder: Path) -> list[Entry]:
    """Return scratch, tst-mae, tst (named, linked) and a pupil; in the order of their submission."""
    tasks = ("semseg", "depth")
    kitchen = {"team": "Kitchen Vision Group"}
    return [
        entry_of(results_of(folder, "scratch", {}, tasks), 0, as_claimed=None),
        entry_of(results_of(folder, "tst-mae", OF_FRAMES, tasks), 1, as_claimed=False),
        entry_of(results_of(folder, "tst", OF_FRAMES, tasks), 2, about=SPECIALIST, **kitchen),
        entry_of(results_of(folder, "tst+seg-masks", LEDGER, tasks), 3, **kitchen),
    ]


def add_board_suite(store: Store, custody: str = "open") -> None:
    """Take the mini suite, without packs."""
    suite = identity(RULES)
    with store.transaction() as session:
        session.add(
            BoardSuite(
                name=suite.name,
                version=suite.version,
                digest=suite.digest,
                rules=RULES.model_dump(mode="json"),
                custody=custody,
                private_pack="0" * 64,
                public_pack=None,
                code=[],
                added=BEGINNING,
                closed=None,
            )
        )


def put(store: Store, entry: Entry, pictures: bool = False, **changes: Any) -> None:
    """Do what a worker does when it has scored a submission."""
    with store.transaction() as session:
        team = team_named(session, entry.team)
        fields: dict[str, Any] = {
            "id": entry.id,
            "team_id": team.id,
            "sha256": hashlib.sha256(entry.id.encode()).hexdigest(),
            "size": 123_456,
            "received": entry.submitted,
            "status": "scored",
            "started": entry.submitted + timedelta(seconds=3),
            "finished": entry.scored,
            "attempts": 1,
            "suite": entry.suite.name,
            "suite_version": entry.suite.version,
            "model": entry.model,
            "track": entry.track,
            "name": entry.about.name,
            "description": entry.about.description,
            "paper": entry.about.paper,
            "code": entry.about.code,
            "seeds": len({result.seed for result in entry.results}),
            "content": entry.content,
            "as_claimed": entry.as_claimed,
            "entry": store.files.put(entry.as_bytes()),
            "pictures": sample_pictures(store, entry) if pictures else [],
            **entry.cost.model_dump(),
        }
        session.add(Submitted(**(fields | changes)))
        session.flush()
        record(session, store.files, entry, place(entry))
        rerank(session, store.files, entry.suite.name, entry.suite.version)


def sample_pictures(store: Store, entry: Entry) -> list[dict[str, Any]]:
    """Keep a few frames of the made-up recordings, and something beside them that passes for a prediction."""
    listed = []
    for result in {result.task: result for result in entry.results}.values():
        for part, frame in zip(result.spaces, (3, 11, 19), strict=True):
            rgb = RECORDINGS[part.space].array("rgb")[frame]
            prediction = np.roll(255 - rgb, len(entry.id), axis=1)
            listed.append(
                {
                    "space": part.space,
                    "role": part.role,
                    "frame": frame,
                    "task": result.task,
                    "protocol": result.protocol,
                    "test_space": result.test_space,
                    "rgb": store.files.put(png(rgb)),
                    "prediction": store.files.put(png(prediction)),
                }
            )
    return listed


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, format="PNG")
    return out.getvalue()
