"""Public packs show frames and nothing else; the commands pack, check and refuse as their help says."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from leaderboard.packs import write_public_pack
from leaderboard.submission import pack_submission
from leaderboard.truth import open_truth
from sim_envs.errors import UserError
from tests.command_line import run_command
from tests.leaderboard.board_kit import MiniRun, contents, manifest_of, repacked


@pytest.fixture(scope="module")
def public(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("public") / "frames.zip"
    write_public_pack(run.folder, path, run.suites, run.open_recording)
    return path


def test_a_public_pack_has_the_test_frames_of_every_scored_space(public: Path, run: MiniRun) -> None:
    files = contents(public)
    spaces = json.loads(files["pack.json"])["spaces"]
    assert [space["space"] for space in spaces] == ["builtin/flat-01", "builtin/flat-02", "builtin/flat-21"]
    for space in spaces:
        recording = run.open_recording(space["space"], space["recording"])
        assert recording is not None
        (name,) = space["files"]
        with np.load(io.BytesIO(files[name])) as arrays:
            rows = recording.indices("test")
            assert np.array_equal(arrays["frames"], rows)
            assert np.array_equal(arrays["rgb"], recording.array("rgb")[rows])
            assert np.array_equal(arrays["trajectory"], recording.trajectory_ids[rows])


def test_a_public_pack_has_no_label_depth_or_pose(public: Path) -> None:
    files = contents(public)
    for name, content in files.items():
        if name != "pack.json":
            with np.load(io.BytesIO(content)) as arrays:
                assert sorted(arrays) == ["frames", "rgb", "step", "trajectory"]
    described = json.loads(files["pack.json"])
    assert (described["rules"], described["tasks"]) == (None, {})


def test_a_public_pack_is_no_truth(public: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no truth"):
        open_truth(public, tmp_path)


def test_the_same_run_gives_the_same_bytes(submitted: Path, public: Path, run: MiniRun, tmp_path: Path) -> None:
    pack_submission(run.folder, tmp_path / "again.zip", run.suites)
    write_public_pack(run.folder, tmp_path / "frames.zip", run.suites, run.open_recording)
    assert (tmp_path / "again.zip").read_bytes() == submitted.read_bytes()
    assert (tmp_path / "frames.zip").read_bytes() == public.read_bytes()


def test_one_test_space_of_two_is_no_submission(run: MiniRun, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Refused \(rows\): .*builtin/flat-02, seed 0 is missing"):
        pack_submission(run.folder / "builtin__flat-01", tmp_path / "x.zip", run.suites)
    assert not list(tmp_path.iterdir())


def test_submit_packs_what_validate_takes(
    submitted: Path, run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, suite = tmp_path / "x.zip", ("--suite", run.suite_file)
    done = run_command(capsys, "submit", run.folder, "--dry-run", "--out", out, *suite)
    assert done.code == 0, done.err
    assert out.read_bytes() == submitted.read_bytes()
    assert done.out.startswith(str(out))
    checked = run_command(capsys, "leaderboard", "validate", out, *suite, "--json")
    assert (checked.code, json.loads(checked.out)["track"]) == (0, "scratch")


def test_validate_names_the_reason_of_a_refusal(
    submitted: Path, run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = repacked(submitted, tmp_path / "x.zip", lambda fields: fields.update(track="external"))
    suite = ("--suite", run.suite_file)
    plain = run_command(capsys, "leaderboard", "validate", path, *suite)
    assert (plain.code, plain.out) == (2, "")
    assert "Refused (track)" in plain.err
    found = run_command(capsys, "leaderboard", "validate", path, *suite, "--json")
    assert (found.code, json.loads(found.out)["reason"]) == (2, "track")


def test_validate_refuses_code_that_is_not_accepted(
    submitted: Path, run: MiniRun, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = ("--suite", run.suite_file)
    made_with = manifest_of(submitted).rows[0].environment.code.source
    both = ("--code", "0" * 64, "--code", made_with)
    accepted = run_command(capsys, "leaderboard", "validate", submitted, *suite, *both)
    refused = run_command(capsys, "leaderboard", "validate", submitted, *suite, "--code", "0" * 64)
    assert (accepted.code, refused.code) == (0, 2)
    assert "Refused (code)" in refused.err


def test_submit_asks_where_to_before_it_packs_anything(
    run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_command(capsys, "submit", run.folder, "--out", tmp_path / "x.zip")
    assert done.code == 2
    assert "--board" in done.err
    assert not (tmp_path / "x.zip").exists()


def test_a_model_that_the_run_lacks_is_named(run: MiniRun, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean scratch"):
        pack_submission(run.folder, tmp_path / "x.zip", run.suites, model="skratch")
