"""Hidden test trajectories: packs from a secret, predictions about them, a submission, scores only the truth gives."""

from __future__ import annotations

import hashlib
import io
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmark.commands.hidden import write_packs
from benchmark.commands.predict import prediction_jobs
from benchmark.hidden import hidden_home, hidden_recordings, record_hidden, recording_plan
from benchmark.predictions import load_manifest
from benchmark.results import collect, save_result
from benchmark.runner import open_recordings
from benchmark.secret import Secret, secret_in
from leaderboard.archive import write_archive
from leaderboard.frames import FramePack, open_frames, validate_with
from leaderboard.packs import Pack
from leaderboard.refusal import Refusal
from leaderboard.scoring import score_submission
from leaderboard.submission import pack_submission
from leaderboard.truth import Truth, open_truth
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording, list_recordings
from tests.command_line import run_command
from tests.leaderboard.board_kit import MiniRun, contents, first_arrays, npz, with_file

SPACES = ["builtin/flat-01", "builtin/flat-02", "builtin/flat-21"]


@dataclass(frozen=True)
class HiddenSuite:
    """What whoever runs a board makes, and what somebody submits to it.

    Attributes:
        submission: predictions of the mini run about the public pack.
    """

    secret: Secret
    public: Path
    private: Path
    frames: FramePack
    truth: Truth
    submission: Path


@pytest.fixture(scope="module")
def hidden(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> HiddenSuite:
    folder = tmp_path_factory.mktemp("hidden")
    secret = secret_in(folder / "secret")
    public, private = write_packs(run.suites["mini"], secret, run.home, folder / "packs")
    frames = open_frames(public, folder / "unpacked")
    predict(run, frames)
    submission = folder / "submission.zip"
    pack_submission(run.folder, submission, run.suites, pack=frames)
    return HiddenSuite(secret, public, private, frames, open_truth(private, folder / "truth"), submission)


def predict(run: MiniRun, frames: FramePack) -> int:
    """Do what ``tst-bench predict`` does, in this process; return how many predictions were missing."""
    jobs = prediction_jobs(collect(run.folder), frames, {}, "cpu")
    for job in jobs:
        job.function(**job.arguments, report=lambda *_: None)
    return len(jobs)


def arrays_of(pack: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    for name, content in contents(pack).items():
        if name.endswith(".npz"):
            with np.load(io.BytesIO(content)) as arrays:
                yield name, dict(arrays)


def described(pack: Path) -> Pack:
    return Pack.model_validate_json(contents(pack)["pack.json"])


def test_both_packs_are_of_every_scored_space_and_of_hidden_custody(hidden: HiddenSuite, run: MiniRun) -> None:
    public, private = described(hidden.public), described(hidden.private)
    assert [space.space for space in public.spaces] == [space.space for space in private.spaces] == SPACES
    assert [space.recording for space in public.spaces] == [space.recording for space in private.spaces]
    assert (public.custody, private.custody) == ("hidden", "hidden")
    assert private.tasks["semseg"] == hidden.truth.pack.tasks["semseg"]
    assert stat.S_IMODE(hidden.private.stat().st_mode) == 0o600
    assert stat.S_IMODE(hidden_home(run.home).stat().st_mode) == 0o700


def test_what_can_be_taught_is_what_a_run_says_it_was_taught(hidden: HiddenSuite, truth: Truth) -> None:
    assert hidden.truth.pack.tasks == truth.pack.tasks


def test_hidden_views_are_others_and_none_is_near_one_of_the_suites_own(
    hidden: HiddenSuite, run: MiniRun, truth: Truth
) -> None:
    for space, recording in hidden.truth.recordings.items():
        open_poses, poses = truth.recordings[space].poses, recording.poses
        metres = np.linalg.norm(poses[:, None, :3, 3] - open_poses[None, :, :3, 3], axis=-1)
        traces = np.einsum("aij,bij->ab", poses[:, :3, :3], open_poses[:, :3, :3])
        degrees = np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))
        assert not ((metres <= 0.05) & (degrees <= 5)).any()
        audit = hidden.truth.pack.audits[space]
        assert audit.passed
        assert audit.test.translation_m["0"] == pytest.approx(metres.min(), abs=1e-4)


def test_the_same_secret_gives_the_same_frames_in_another_data_home_and_the_same_packs(
    hidden: HiddenSuite, run: MiniRun, tmp_path: Path
) -> None:
    suite = run.suites["mini"]
    for there in ("spaces", "recordings"):
        (tmp_path / there).symlink_to(run.home / there)
    recordings = open_recordings(recording_plan(suite), tmp_path)
    recording, audit = record_hidden(hidden_recordings(suite, hidden.secret, recordings, tmp_path)[0])
    assert recording.folder.is_relative_to(hidden_home(tmp_path))
    assert recording.meta.digest == hidden.frames.spaces[0].recording  # over the digests of all of its files
    assert audit == hidden.truth.pack.audits["builtin/flat-01"]
    again = write_packs(suite, hidden.secret, run.home, tmp_path / "packs")
    assert [path.read_bytes() for path in again] == [hidden.public.read_bytes(), hidden.private.read_bytes()]


def test_another_secret_and_another_version_of_the_suite_lead_elsewhere(hidden: HiddenSuite, run: MiniRun) -> None:
    suite = run.suites["mini"]
    recordings = open_recordings(recording_plan(suite), run.home)
    other = Secret(hidden.secret.value[:-1] + bytes([hidden.secret.value[-1] ^ 1]))  # alike in all but one bit
    later = suite.model_copy(update={"version": 4})
    known = hidden.truth.recordings["builtin/flat-01"].poses
    for variant, secret in ((suite, other), (later, hidden.secret)):
        recording, _ = record_hidden(hidden_recordings(variant, secret, recordings, run.home)[0])
        assert not np.isclose(recording.poses[:, None, :3, 3], known[None, :, :3, 3], atol=1e-6).all(axis=-1).any()


def test_a_public_pack_of_hidden_trajectories_has_rgb_and_numbers_alone(hidden: HiddenSuite) -> None:
    for _, arrays in arrays_of(hidden.public):
        assert sorted(arrays) == ["frames", "rgb", "step", "trajectory"]
    fields = json.loads(contents(hidden.public)["pack.json"])
    assert (fields["rules"], fields["tasks"], fields["audits"]) == (None, {}, {})


def test_neither_secret_nor_poses_are_in_what_travels(hidden: HiddenSuite) -> None:
    secret = hidden.secret.value
    forms = [secret, secret.hex().encode(), str(int.from_bytes(secret, "big")).encode()]
    keys = [hidden.secret.key("hidden trajectories", "mini", 3, space) for space in SPACES]
    forms += [form for key in keys for form in (key.value, key.value.hex().encode(), str(key.seed("walk")).encode())]
    poses = [value for recording in hidden.truth.recordings.values() for value in recording.poses[:, :3].ravel()]
    numbers = {float(value) for value in poses} - {0.0, 1.0, -1.0}
    for path in (hidden.public, hidden.submission):
        inner = [array.tobytes() for _, arrays in arrays_of(path) for array in arrays.values()]
        for content in [*contents(path).values(), *inner]:
            assert not any(form in content for form in forms)
            assert not any(np.float64(number).tobytes() in content for number in numbers)
    for content in contents(hidden.private).values():
        assert not any(form in content for form in forms)


def test_hidden_recordings_are_not_found_where_runs_look_for_theirs(hidden: HiddenSuite, run: MiniRun) -> None:
    digests = {space.recording for space in described(hidden.public).spaces}
    there, apart = (
        {Recording.open(folder).meta.digest for folder in list_recordings(home)}
        for home in (run.home, hidden_home(run.home))
    )
    assert not digests & there
    assert digests <= apart


def test_a_run_predicts_a_packs_frames_once(hidden: HiddenSuite, run: MiniRun) -> None:
    assert predict(run, hidden.frames) == 0


def test_a_pack_of_the_runs_own_frames_is_predicted_as_the_run_predicted_them(
    run: MiniRun, public_pack: Path, tmp_path: Path
) -> None:
    frames = open_frames(public_pack, tmp_path)
    jobs = prediction_jobs(collect(run.folder), frames, {}, "cpu")
    results = {(r.task, r.test_space): r for r in collect(run.folder)}
    for job in jobs:
        job.function(**job.arguments, report=lambda *_: None)
        stage = job.arguments["stage"]
        own = results[stage.taught.task, "builtin/flat-01"]
        folder = own.file(own.prediction_folder)
        assert folder is not None
        assert {f.space: f.sha256 for f in load_manifest(stage.folder).spaces} == {
            f.space: f.sha256 for f in load_manifest(folder).spaces
        }
    assert len(jobs) == 4


def test_a_submission_about_hidden_frames_is_scored_and_claims_nothing(
    hidden: HiddenSuite, truth: Truth, submitted: Path, tmp_path: Path
) -> None:
    validate_with(hidden.frames, hidden.submission, {"mini": hidden.truth.suite})
    submission, rows = score_submission(hidden.submission, hidden.truth, tmp_path / "hidden")
    _, known = score_submission(submitted, truth, tmp_path / "open")
    assert {file.recording for row in submission.rows for file in row.spaces} == {
        space.recording for space in hidden.frames.spaces
    }
    assert all(row.row.scores == {} and row.as_claimed is None for row in rows)
    assert all(row.scores.keys() == other.scores.keys() for row, other in zip(rows, known, strict=True))
    semseg = [(row, other) for row, other in zip(rows, known, strict=True) if row.row.task == "semseg"]
    assert all(row.scores != other.scores for row, other in semseg)


def test_predictions_of_the_runs_own_frames_are_refused_with_what_to_do(
    hidden: HiddenSuite, submitted: Path, tmp_path: Path
) -> None:
    what_to_do = r"Refused \(frames\): .*another recording of builtin/flat-01.*tst-bench predict RUN_DIR --pack FILE"
    with pytest.raises(Refusal, match=what_to_do):
        score_submission(submitted, hidden.truth, tmp_path)
    with pytest.raises(Refusal, match=what_to_do):
        validate_with(hidden.frames, submitted, {"mini": hidden.truth.suite})


def test_a_frame_that_was_not_predicted_is_missed_offline(hidden: HiddenSuite, tmp_path: Path) -> None:
    arrays = first_arrays(hidden.submission, "semseg")
    moved = npz(arrays | {"frames": arrays["frames"] + 1000})
    path = with_file(hidden.submission, tmp_path / "x.zip", "semseg", moved)
    with pytest.raises(Refusal, match=r"Refused \(frames\): semseg .* frame \d+ is missing"):
        validate_with(hidden.frames, path, {"mini": hidden.truth.suite})


def test_submitting_before_predicting_says_what_to_run(hidden: HiddenSuite, run: MiniRun, tmp_path: Path) -> None:
    (name, arrays), *_ = arrays_of(hidden.public)
    other = npz(arrays | {"rgb": 255 - arrays["rgb"]})
    frames = open_frames(repacked_with(hidden.public, tmp_path / "x.zip", name, other), tmp_path / "unpacked")
    with pytest.raises(UserError, match=r"has not predicted the frames of .*: tst-bench predict RUN_DIR --pack"):
        pack_submission(run.folder, tmp_path / "submission.zip", run.suites, pack=frames)


def repacked_with(pack: Path, out: Path, name: str, content: bytes) -> Path:
    """Pack another file under a name, and describe it as it is."""
    files = contents(pack) | {name: content}
    fields = json.loads(files["pack.json"])
    for space in fields["spaces"]:
        space["files"] = {file: hashlib.sha256(files[file]).hexdigest() for file in space["files"]}
    write_archive(out, list((files | {"pack.json": json.dumps(fields).encode()}).items()))
    return out


def test_a_public_pack_that_was_changed_is_refused(hidden: HiddenSuite, tmp_path: Path) -> None:
    files = contents(hidden.public)
    (name, arrays), *_ = arrays_of(hidden.public)
    write_archive(tmp_path / "file.zip", list((files | {name: npz(arrays | {"step": arrays["step"] + 1})}).items()))
    write_archive(tmp_path / "more.zip", [*files.items(), ("notes.txt", b"more")])
    write_archive(tmp_path / "less.zip", [item for item in files.items() if item[0] != name])
    content = bytearray(hidden.public.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "bit.zip").write_bytes(content)
    (tmp_path / "half.zip").write_bytes(content[: len(content) // 3])
    for pack, why in {
        "file.zip": "is not what pack.json describes",
        "more.zip": "notes.txt is not what pack.json describes",
        "less.zip": "lacks spaces/builtin__flat-01/frames.npz",
        "bit.zip": "changed or damaged",
        "half.zip": "changed or damaged",
        "none.zip": "No public pack at",
    }.items():
        with pytest.raises(UserError, match=why):
            open_frames(tmp_path / pack, tmp_path / "unpacked")
    with pytest.raises(UserError, match="is a private pack: it holds every label"):
        open_frames(hidden.private, tmp_path / "unpacked")


def test_frames_that_are_not_what_a_pack_says_are_refused(hidden: HiddenSuite, tmp_path: Path) -> None:
    (name, arrays), *_ = arrays_of(hidden.public)
    for number, (wrong, why) in enumerate(
        (
            (arrays | {"rgb": arrays["rgb"][:, ::2]}, "rgb is uint8 of shape"),
            (arrays | {"frames": arrays["frames"][:-1]}, "frames is int64 of shape"),
            ({name: array for name, array in arrays.items() if name != "trajectory"}, "trajectory"),
        )
    ):
        path = repacked_with(hidden.public, tmp_path / f"{number}.zip", name, npz(wrong))
        with pytest.raises(UserError, match=why):
            open_frames(path, tmp_path / "unpacked").spaces[0].read()


def test_a_pack_of_another_suite_is_refused(hidden: HiddenSuite, run: MiniRun, tmp_path: Path) -> None:
    fields = json.loads(contents(hidden.public)["pack.json"])
    fields["suite"]["version"] = 9
    files = contents(hidden.public) | {"pack.json": json.dumps(fields).encode()}
    write_archive(tmp_path / "x.zip", list(files.items()))
    frames = open_frames(tmp_path / "x.zip", tmp_path / "unpacked")
    with pytest.raises(UserError, match=r"has the frames of mini v9, and .* is of mini v3"):
        prediction_jobs(collect(run.folder), frames, {}, "cpu")
    with pytest.raises(UserError, match="has the frames of mini v9"):
        pack_submission(run.folder, tmp_path / "submission.zip", run.suites, pack=frames)


def test_a_model_that_reads_more_than_rgb_is_refused_with_the_reason(
    hidden: HiddenSuite, run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for result in collect(run.folder):
        save_result(tmp_path / "run" / "results", result.model_copy(update={"model": "scratch-multimodal"}))
    done = run_command(capsys, "predict", tmp_path / "run", "--pack", hidden.public, "--home", tmp_path)
    assert done.code == 2
    assert "scratch-multimodal reads rgb, depth" in done.err
    assert "packs carry RGB alone" in done.err


def test_the_commands_predict_submit_and_validate(
    hidden: HiddenSuite, run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack, suite = ("--pack", hidden.public, "--home", tmp_path), ("--suite", run.suite_file)
    predicted = run_command(capsys, "predict", run.folder, *pack, "--device", "cpu")
    assert predicted.code == 0
    assert predicted.out.strip().endswith("predicted 0, failed 0.")
    out = tmp_path / "x.zip"
    packed = run_command(capsys, "submit", run.folder, *pack, *suite, "--dry-run", "--out", out)
    assert packed.code == 0, packed.err
    assert out.read_bytes() == hidden.submission.read_bytes()
    assert run_command(capsys, "leaderboard", "validate", out, *pack, *suite).code == 0
    unknown = run_command(capsys, "predict", run.folder, *pack, "--model", "skratch")
    assert (unknown.code, "Did you mean scratch" in unknown.err) == (2, True)


def test_suites_whose_frames_cannot_be_hidden_are_refused(run: MiniRun) -> None:
    suite = run.suites["mini"]
    with pytest.raises(UserError, match="transductive: models may pre-train on the test trajectories"):
        recording_plan(suite.model_copy(update={"variant": "transductive"}))
    with pytest.raises(UserError, match="capture/my-flat of mini was captured by a device"):
        recording_plan(suite.model_copy(update={"test_spaces": ("capture/my-flat",)}))


def test_a_secret_that_others_can_read_makes_no_packs(
    run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, out = tmp_path / "secret", tmp_path / "packs"
    value = secret_in(secret).value.hex()
    secret.chmod(0o644)
    where = ("--suite", run.suite_file, "--secret", secret, "--out", out, "--home", run.home)
    done = run_command(capsys, "leaderboard", "hidden-packs", *where)
    assert done.code == 2
    assert "can be read by others" in done.err
    assert value not in done.err + done.out
    assert not out.exists()
