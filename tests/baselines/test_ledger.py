"""The track of a model follows from what reached its weights, not from its name."""

from __future__ import annotations

import pytest

from baselines.ledger import Entry, Ledger, Track


def entry(role: str, labels: str = "") -> Entry:
    return Entry(role=role, source="x", modalities=("rgb",), frames=1, labels=labels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "teachers", "track"),
    [
        ([], (), Track.SCRATCH),
        ([entry("test")], (), Track.SENSORS_ONLY),
        ([entry("test"), entry("transfer")], (), Track.SENSORS_ONLY),
        ([entry("external")], (), Track.EXTERNAL),
        ([entry("transfer")], (), Track.EXTERNAL),
        ([entry("web")], (), Track.GENERALIST),
        ([entry("web"), entry("test")], (), Track.ADAPTED),
        ([entry("test")], ("clip",), Track.DISTILLED),
        ([entry("web", labels="classes")], (), Track.GENERALIST),
        ([entry("web", labels="texts")], (), Track.GENERALIST),
        ([entry("web", labels="classes"), entry("test")], (), Track.ADAPTED),
        ([entry("web", labels="task")], (), Track.TASK_EXPERT),
        ([entry("web", labels="task"), entry("web", labels="classes")], (), Track.TASK_EXPERT),
        ([entry("web", labels="task"), entry("test")], (), Track.TASK_EXPERT),
        ([entry("external", labels="task")], (), Track.TASK_EXPERT),
        ([entry("test")], ("a web-trained network",), Track.DISTILLED),
        ([entry("test", labels="task")], ("clip",), Track.ORACLE),
        ([entry("test"), entry("test", labels="task")], (), Track.ORACLE),
        ([entry("test", labels="classes")], (), Track.ORACLE),
    ],
)
def test_track_follows_from_the_ledger(entries: list[Entry], teachers: tuple[str, ...], track: Track) -> None:
    assert Ledger(entries=tuple(entries), teachers=teachers).track is track


def test_ledger_survives_json() -> None:
    ledger = Ledger(entries=(entry("test"),), teachers=("dinov2",), weights={"dinov2": "0" * 64})
    assert Ledger.model_validate_json(ledger.model_dump_json()) == ledger


@pytest.mark.parametrize(("stored", "labels"), [(True, "task"), (False, "")])
def test_ledgers_that_said_only_whether_labels_were_used_are_still_read(stored: bool, labels: str) -> None:
    row = {"role": "test", "source": "x", "modalities": ["rgb"], "frames": 1, "labels": stored}
    assert Entry.model_validate(row).labels == labels
