"""The track of a model follows from what reached its weights, not from its name."""

from __future__ import annotations

import pytest

from baselines.ledger import Entry, Ledger, Track


def entry(role: str, labels: bool = False) -> Entry:
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
        ([entry("web", labels=True)], (), Track.TASK_EXPERT),
        ([entry("test", labels=True)], ("clip",), Track.ORACLE),
    ],
)
def test_track_follows_from_the_ledger(entries: list[Entry], teachers: tuple[str, ...], track: Track) -> None:
    assert Ledger(entries=tuple(entries), teachers=teachers).track is track


def test_ledger_survives_json() -> None:
    ledger = Ledger(entries=(entry("test"),), teachers=("dinov2",))
    assert Ledger.model_validate_json(ledger.model_dump_json()) == ledger
