"""The track of a model follows from what reached its weights, not from its name."""

from __future__ import annotations

import pytest

from baselines.ledger import Entry, Ledger, TaughtBy, Track


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
    ledger = Ledger.model_validate({"entries": entries, "teachers": teachers})
    assert ledger.track is track


LEARNED: dict[str, tuple[Entry, ...] | None] = {
    "nobody knows": None,
    "nothing": (),
    "test": (entry("test"),),
    "transfer": (entry("transfer"),),
    "test and transfer": (entry("test"), entry("transfer")),
    "external": (entry("external"),),
    "test and external": (entry("test"), entry("external")),
    "web": (entry("web"),),
    "web, classes": (entry("web", "classes"),),
    "web, task": (entry("web", "task"),),
    "transfer, task": (entry("transfer", "task"),),
    "test, task": (entry("test", "task"),),
}
"""What a network was trained on."""


@pytest.mark.parametrize("of_pupil", [what for what in LEARNED if what != "nobody knows"])
@pytest.mark.parametrize("of_teacher", LEARNED)
def test_a_teacher_that_may_know_more_than_unlabelled_frames_of_these_spaces_makes_its_pupil_distilled(
    of_pupil: str, of_teacher: str
) -> None:
    own, theirs = LEARNED[of_pupil], LEARNED[of_teacher]
    assert own is not None
    track = Ledger(entries=own, teachers=(TaughtBy(name="x", data=theirs),)).track
    if "test, task" in (of_pupil, of_teacher):
        assert track is Track.ORACLE
    elif of_teacher in ("nothing", "test", "transfer", "test and transfer"):
        assert track is Ledger(entries=(*own, *(theirs or ()))).track  # a detour to the same data
        assert track is not Track.DISTILLED
    else:
        assert track is Track.DISTILLED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_teacher_that_knows_more_is_enough(order: tuple[int, int]) -> None:
    both = (TaughtBy(name="tst-mae", data=(entry("test"),)), TaughtBy(name="clip", data=(entry("web", "texts"),)))
    ledger = Ledger(entries=(entry("test"),), teachers=tuple(both[i] for i in order))
    assert ledger.track is Track.DISTILLED


def test_ledger_survives_json() -> None:
    dinov2 = TaughtBy(name="dinov2", weights="0" * 64, data=(entry("web"),))
    ledger = Ledger(entries=(entry("test"),), teachers=(dinov2,), weights={"dinov2": "0" * 64})
    assert Ledger.model_validate_json(ledger.model_dump_json()) == ledger


@pytest.mark.parametrize(("stored", "labels"), [(True, "task"), (False, "")])
def test_ledgers_that_said_only_whether_labels_were_used_are_still_read(stored: bool, labels: str) -> None:
    row = {"role": "test", "source": "x", "modalities": ["rgb"], "frames": 1, "labels": stored}
    assert Entry.model_validate(row).labels == labels


def test_ledgers_that_named_teachers_alone_are_still_read() -> None:
    ledger = Ledger.model_validate({"entries": [entry("test").model_dump()], "teachers": ["clip"]})
    assert ledger.teachers == (TaughtBy(name="clip", data=None),)
    assert ledger.track is Track.DISTILLED
