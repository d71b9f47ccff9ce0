"""What is taken and what is refused: each by the name of its reason, before it can do harm."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from leaderboard.archive import Limits, write_archive
from leaderboard.manifest import MANIFEST, read_manifest
from leaderboard.refusal import REFUSALS, Refusal
from leaderboard.suites import known_suites
from leaderboard.validation import validate
from sim_envs.errors import UserError
from tests.leaderboard.board_kit import (
    MiniRun,
    contents,
    first_arrays,
    manifest_of,
    npz,
    npz_of_files,
    repacked,
    with_file,
)

Fields = dict[str, Any]


def refusal(path: Path, run: MiniRun, limits: Limits = Limits()) -> Refusal:
    with pytest.raises(Refusal) as caught:
        validate(path, run.suites, limits)
    assert REFUSALS[caught.value.reason] in str(caught.value)  # says what to do
    return caught.value


def test_a_packed_run_is_taken(submitted: Path, run: MiniRun) -> None:
    submission = validate(submitted, run.suites)
    assert (submission.model, submission.track, submission.seeds) == ("scratch", "scratch", (0,))
    assert submission.cost.parameters > 0


def test_a_suite_that_is_not_known_here_is_refused(submitted: Path) -> None:
    with pytest.raises(Refusal, match=r"mini v3 is not taken here; .*demo v2") as caught:
        validate(submitted, known_suites())
    assert caught.value.reason == "suite"


def test_code_that_a_suite_does_not_accept_is_refused_by_its_digest(submitted: Path, run: MiniRun) -> None:
    made_with = manifest_of(submitted).rows[0].environment.code.source
    other = "0" * 64
    validate(submitted, run.suites, code={"mini": [other, made_with], "demo": [other]})
    validate(submitted, run.suites, code={"mini": []})  # any will do
    with pytest.raises(Refusal, match=rf"digest {made_with}; accepted: {other}\.") as caught:
        validate(submitted, run.suites, code={"mini": [other]})
    assert caught.value.reason == "code"


# What a manifest may not say. Each change is otherwise packed as it should be.


def row(number: int = 0, **changes: Any) -> Callable[[Fields], None]:
    return lambda fields: fields["rows"][number].update(changes)


def top(**changes: Any) -> Callable[[Fields], None]:
    return lambda fields: fields.update(changes)


def space(number: int = 0, **changes: Any) -> Callable[[Fields], None]:
    return lambda fields: fields["rows"][0]["spaces"][number].update(changes)


def learned(role: str, source: str, labels: str = "") -> Callable[[Fields], None]:
    entry = {"role": role, "source": source, "digest": "", "modalities": ["rgb"], "frames": 9, "labels": labels}
    return row(ledger={"entries": [entry], "teachers": [], "weights": {}})


def as_external(role: str, source: str) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        learned(role, source)(fields)
        fields["track"] = "external"

    return change


def drop(**wanted: Any) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields["rows"] = [r for r in fields["rows"] if any(r[name] != value for name, value in wanted.items())]

    return change


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        pytest.param("oracle", learned("test", "builtin/flat-01", "task"), id="labels of the test space"),
        pytest.param("track", learned("test", "builtin/flat-01"), id="a track that the ledger does not give"),
        pytest.param("track", top(track="sensors-only"), id="a track that somebody chose"),
        pytest.param("ledger", as_external("external", "builtin/flat-21"), id="held-out frames"),
        pytest.param("ledger", as_external("external", "builtin/flat-02"), id="frames of another test space"),
        pytest.param("ledger", as_external("transfer", "web/x"), id="a transfer space that is none"),
        pytest.param("limited", row(flags=["limited to 64 frames"]), id="--limit"),
        pytest.param("unranked", row(flags=["another budget: steps=500"]), id="another budget"),
        pytest.param("suite", lambda f: f["suite"].update(version=2), id="an older suite"),
        pytest.param("suite", lambda f: f["suite"].update(name="mini-limit-64"), id="a slice of the suite"),
        pytest.param("suite", lambda f: f["suite"].update(digest="0" * 64), id="a suite of other budgets"),
        pytest.param("task", row(task_version=99), id="another version of the task"),
        pytest.param("task", row(task="telepathy"), id="no such task"),
        pytest.param("rows", drop(test_space="builtin/flat-02", task="semseg"), id="a test space is missing"),
        pytest.param("rows", lambda f: f["rows"].reverse(), id="rows out of order"),
        pytest.param("rows", lambda f: f["rows"].insert(0, f["rows"][0]), id="a row twice"),
        pytest.param("rows", lambda f: f["rows"][0]["spaces"].pop(1), id="a held-out space is missing"),
        pytest.param("rows", space(role="held_out"), id="a space in another role"),
        pytest.param("rows", space(frames=9), id="more frames than were recorded"),
        pytest.param("rows", space(width=4096, height=4096), id="frames of another size"),
        pytest.param("rows", top(seeds=[0, 1]), id="seeds that are not there"),
        pytest.param("rows", row(protocol="finetune"), id="a protocol that the suite has not"),
        pytest.param("digest", space(sha256="0" * 64), id="another digest"),
        pytest.param("digest", space(size=1), id="another size"),
        pytest.param("manifest", top(schema_version=2), id="a schema of the future"),
        pytest.param("manifest", top(extra=1), id="a field that nobody knows"),
        pytest.param("manifest", top(model="<script>alert(1)</script>"), id="a script for a model"),
        pytest.param("manifest", top(model="'; DROP TABLE models; --"), id="SQL for a model"),
        pytest.param("manifest", space(space="../../etc/passwd"), id="a path for a space"),
        pytest.param("manifest", row(seed=-1), id="a seed below 0"),
        pytest.param("manifest", lambda f: f["rows"][0]["compute"].update(parameters=10**400), id="an absurd number"),
        pytest.param("manifest", lambda f: f["rows"][0]["ledger"].update(teachers=7), id="a number for a list"),
        pytest.param("manifest", lambda f: f["about"].update(paper="javascript:alert(1)"), id="a script for a link"),
        pytest.param("text", lambda f: f["about"].update(name="tst\u202egnp.exe"), id="text that runs backwards"),
        pytest.param("text", lambda f: f["about"].update(name="\x1b[2J"), id="text that a terminal obeys"),
        pytest.param("text", lambda f: f["about"].update(name="e\u0301"), id="text in another normal form"),
        pytest.param("text", lambda f: f["rows"][0]["scores"].update({"x\n": {}}), id="a key of two lines"),
    ],
)
def test_a_manifest_is_refused_that_says(
    reason: str, change: Callable[[Fields], None], submitted: Path, run: MiniRun, tmp_path: Path
) -> None:
    found = refusal(repacked(submitted, tmp_path / "x.zip", change), run)
    assert found.reason == reason
    assert str(found).isprintable()


def test_a_manifest_can_be_written_in_one_way_only(submitted: Path) -> None:
    content = contents(submitted)[MANIFEST]
    for other in (
        json.dumps(json.loads(content)).encode(),  # with spaces
        content.replace(b'"about"', b'"track":"external","about"', 1),  # a field twice
        content.replace(b'"seed":0', b'"seed":0.0', 1),
        b" " + content,
    ):
        with pytest.raises(Refusal, match="manifest"):
            read_manifest(other)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[" * 100_000, b'{"a":' * 50_000, b"9" * 100_000, b"NaN", b"\xff\xfe"]
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="manifest"):
        read_manifest(content)


@given(at=st.integers(0, 1 << 20), more=st.binary(max_size=4), cut=st.integers(0, 3))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutilated_manifest_is_refused_or_still_one(at: int, more: bytes, cut: int, submitted: Path) -> None:
    content = contents(submitted)[MANIFEST]
    at %= len(content)
    changed = content[:at] + more + content[at + cut :]
    with contextlib.suppress(Refusal):
        assert read_manifest(changed).as_bytes() == changed


# What may be beside it.


def test_only_the_files_that_the_manifest_names_are_taken(submitted: Path, run: MiniRun, tmp_path: Path) -> None:
    files = list(contents(submitted).items())
    cases = {
        "an image": [*files, ("predictions/frame.png", b"\x89PNG")],
        "a file less": files[:-1],
        "another order": [files[0], files[2], files[1], *files[3:]],
        "no manifest": files[1:],
        "the manifest last": [*files[1:], files[0]],
    }
    for name, members in cases.items():
        write_archive(tmp_path / "x.zip", members)
        assert refusal(tmp_path / "x.zip", run).reason == "name", name


def test_a_file_larger_than_allowed_is_not_opened(submitted: Path, run: MiniRun) -> None:
    assert refusal(submitted, run, Limits(archive_bytes=100)).reason == "size"


def test_what_is_no_file_is_wrong_input(run: MiniRun, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", Path("/dev/zero")):
        with pytest.raises(UserError, match="No file at"):
            validate(path, run.suites)


# What may be in a prediction file. Digest and size in the manifest are right in each case.


def npy(array: np.ndarray, pickled: bool = False) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, allow_pickle=pickled)
    return out.getvalue()


def header(fields: str) -> bytes:
    text = fields.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    return out.getvalue()


class Boom:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a pickle was opened",)


GOOD = {"frames.npy": npy(np.arange(2)), "values.npy": npy(np.ones((2, 32, 32), np.uint8))}
HUGE = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 32, 32), }")

NO_PREDICTIONS: dict[str, bytes] = {
    "nothing": b"",
    "a picture": png(),
    "a pickle": pickle.dumps(Boom()),
    "a pickle among the arrays": npz_of_files([*GOOD.items(), ("x.npy", npy(np.array([Boom()]), pickled=True))]),
    "a pickle for an array": npz_of_files(
        [("frames.npy", GOOD["frames.npy"]), ("values.npy", npy(np.array([Boom()]), pickled=True))]
    ),
    "a picture among the arrays": npz_of_files([*GOOD.items(), ("frame.png", png())]),
    "an array that nobody asked for": npz_of_files([*GOOD.items(), ("rgb.npy", GOOD["values.npy"])]),
    "a path": npz_of_files([("frames.npy", GOOD["frames.npy"]), ("../values.npy", GOOD["values.npy"])]),
    "something in front": png() + npz_of_files(GOOD.items()),
    "something behind": npz_of_files(GOOD.items()) + png(),
    "a million entries": npz_of_files((f"{i}.npy", b"") for i in range(5000)),
    "a bomb": npz_of_files([("frames.npy", GOOD["frames.npy"]), ("values.npy", HUGE + bytes(64 << 20))]),
    "a header that promises too much": npz_of_files([("frames.npy", GOOD["frames.npy"]), ("values.npy", HUGE)]),
    "a header that is a program": npz_of_files(
        [("frames.npy", GOOD["frames.npy"]), ("values.npy", header("__import__('os').abort()"))]
    ),
    "a header nested deep": npz_of_files([("frames.npy", GOOD["frames.npy"]), ("values.npy", header("(" * 110))]),
    "lzma": npz_of_files(GOOD.items(), zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("name", NO_PREDICTIONS)
def test_a_file_is_refused_that_is(name: str, submitted: Path, run: MiniRun, tmp_path: Path) -> None:
    path = with_file(submitted, tmp_path / "x.zip", "semseg", NO_PREDICTIONS[name] or b" ")
    found = refusal(path, run)
    assert found.reason in ("predictions", "size")
    assert str(found).isprintable()


@pytest.mark.parametrize("name", ["a bomb", "a header that promises too much"])
def test_memory_does_not_follow_what_a_file_promises(name: str, submitted: Path, run: MiniRun, tmp_path: Path) -> None:
    path = with_file(submitted, tmp_path / "x.zip", "semseg", NO_PREDICTIONS[name])
    tracemalloc.start()
    refusal(path, run)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 << 20


@pytest.mark.parametrize(
    ("task", "change", "why"),
    [
        ("semseg", lambda a: a | {"values": a["values"].astype(np.int64)}, "uint8 is expected"),
        ("semseg", lambda a: a | {"values": a["values"] * 0 + 250}, "no category id"),
        ("semseg", lambda a: a | {"values": a["values"][:, :16]}, "pixels"),
        ("semseg", lambda a: {name: array[1:] for name, array in a.items()}, "7 frames, submission.json says 8"),
        ("semseg", lambda a: a | {"frames": a["frames"] * 0}, "predicted more than once"),
        ("semseg", lambda a: a | {"frames": a["frames"].astype(float)}, "int64 is expected"),
        ("semseg", lambda a: {"frames": a["frames"]}, "semseg has frames, values"),
        ("detection", lambda a: a | {"box": a["box"] * np.nan}, "NaN"),
        ("detection", lambda a: a | {"score": a["score"] + np.inf}, "not in 0…1"),
        ("detection", lambda a: a | {"count": a["count"] + 2**62}, "at most 100 are allowed"),
        ("captioning", lambda a: a | {"texts": np.array(["\x1b[2J a wall"] * 8)}, "cannot be printed"),
        ("captioning", lambda a: a | {"texts": np.array(["wall " * 90] * 8)}, "more than the"),
        ("retrieval", lambda a: a | {"ranking": a["ranking"] * 0 + 10**6}, "not among those predicted"),
    ],
)
def test_answers_that_cannot_be_scored_are_refused(
    task: str,
    change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]],
    why: str,
    submitted: Path,
    run: MiniRun,
    tmp_path: Path,
) -> None:
    found = refusal(with_file(submitted, tmp_path / "x.zip", task, npz(change(first_arrays(submitted, task)))), run)
    assert found.reason == "predictions"
    assert why in str(found)
    assert str(tmp_path.parent) not in str(found)
    assert str(found).isprintable()


@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutilated_file_is_refused_or_still_predictions(
    data: st.DataObject, submitted: Path, run: MiniRun, tmp_path_factory: pytest.TempPathFactory
) -> None:

    task = data.draw(st.sampled_from(sorted({row.task for row in manifest_of(submitted).rows})))
    name = next(name for name, row, _ in manifest_of(submitted).files() if row.task == task)
    content = bytearray(contents(submitted)[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = with_file(submitted, tmp_path_factory.mktemp("mutilated") / "x.zip", task, bytes(content))
    with contextlib.suppress(Refusal):
        validate(path, run.suites)
