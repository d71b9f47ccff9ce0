"""Scores against a private pack: those of the run itself, or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.results import Result, collect
from leaderboard.refusal import Refusal
from leaderboard.scoring import score_submission
from leaderboard.truth import Truth
from tests.leaderboard.board_kit import MiniRun, first_arrays, npz, repacked, with_file


def results_of(run: MiniRun) -> dict[tuple[str, str, int], Result]:
    return {(r.test_space, r.task, r.seed): r for r in collect(run.folder)}


def test_a_submission_scores_exactly_as_the_run_it_was_packed_from(
    submitted: Path, truth: Truth, run: MiniRun, tmp_path: Path
) -> None:
    _, rows = score_submission(submitted, truth, tmp_path)
    found = results_of(run)
    assert len(rows) == len(found) == 4 * 2  # tasks × test spaces
    for scored in rows:
        result = found[scored.row.test_space, scored.row.task, scored.row.seed]
        assert scored.spaces == result.spaces  # sums, scope and roles, other test spaces included
        assert scored.scores == result.scores  # values and intervals, to the last bit
        assert scored.as_claimed


def test_other_predictions_score_otherwise_and_the_claim_is_seen_to_differ(
    submitted: Path, truth: Truth, tmp_path: Path
) -> None:
    arrays = first_arrays(submitted, "semseg")
    other = with_file(submitted, tmp_path / "x.zip", "semseg", npz(arrays | {"values": arrays["values"] * 0 + 1}))
    _, rows = score_submission(other, truth, tmp_path / "predictions")
    assert {scored.row.task for scored in rows if not scored.as_claimed} == {"semseg"}


def test_claimed_scores_do_not_count(submitted: Path, truth: Truth, run: MiniRun, tmp_path: Path) -> None:
    def boast(fields: dict[str, Any]) -> None:
        fields["rows"][0]["scores"]["cider_d"]["test"]["value"] = 9.0

    _, rows = score_submission(repacked(submitted, tmp_path / "x.zip", boast), truth, tmp_path / "predictions")
    result = results_of(run)[rows[0].row.test_space, "captioning", 0]
    assert rows[0].scores == result.scores
    assert not rows[0].as_claimed


def test_a_row_that_claims_nothing_is_neither_as_claimed_nor_otherwise(
    submitted: Path, truth: Truth, tmp_path: Path
) -> None:
    def be_silent(fields: dict[str, Any]) -> None:
        fields["rows"][0]["scores"] = {}

    _, rows = score_submission(repacked(submitted, tmp_path / "x.zip", be_silent), truth, tmp_path / "predictions")
    assert [row.as_claimed for row in rows] == [None] + [True] * 7


def test_frames_that_are_not_scored_are_refused(submitted: Path, truth: Truth, tmp_path: Path) -> None:
    arrays = first_arrays(submitted, "semseg")
    shifted = with_file(submitted, tmp_path / "x.zip", "semseg", npz(arrays | {"frames": arrays["frames"] - 1}))
    with pytest.raises(Refusal, match="frames have no prediction"):
        score_submission(shifted, truth, tmp_path / "predictions")


def test_another_recording_is_refused(submitted: Path, truth: Truth, tmp_path: Path) -> None:
    def elsewhere(fields: dict[str, Any]) -> None:
        fields["rows"][0]["spaces"][0]["recording"] = "0" * 64

    with pytest.raises(Refusal, match="another recording of builtin/flat-01"):
        score_submission(repacked(submitted, tmp_path / "x.zip", elsewhere), truth, tmp_path / "predictions")


def test_unpacked_truth_offers_nothing_but_test_frames(truth: Truth, run: MiniRun) -> None:
    for recording in truth.recordings.values():
        original = run.open_recording(recording.meta.space.id, recording.meta.digest)
        assert original is not None
        rows = original.indices("test")
        assert np.array_equal(recording.indices(), rows)
        for name in original.modalities:
            assert np.array_equal(recording.array(name)[rows], original.array(name)[rows])
        assert np.array_equal(recording.poses, original.poses)


def test_the_leaderboard_never_imports_torch(submitted: Path, tmp_path: Path, run: MiniRun) -> None:
    program = (
        "import sys, pkgutil, importlib, leaderboard\n"
        "from pathlib import Path\n"
        "for module in pkgutil.walk_packages(leaderboard.__path__, 'leaderboard.'):\n"
        "    if not module.name.endswith('.migrations.env'):  # which Alembic alone can run\n"
        "        importlib.import_module(module.name)\n"
        "from leaderboard.suites import known_suites\n"
        "from leaderboard.validation import validate\n"
        "validate(Path(sys.argv[1]), known_suites([sys.argv[2]]))\n"
        "found = {m.split('.')[0] for m in sys.modules} & {'torch', 'timm', 'torchvision', 'matplotlib'}\n"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(submitted), str(run.suite_file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
