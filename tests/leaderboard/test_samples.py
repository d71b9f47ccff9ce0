"""Sample pictures of a submission: frames that nobody picked, and nothing of the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leaderboard.samples import LONGEST_SIDE_PX, Sample, _shown, samples
from leaderboard.truth import Truth
from leaderboard.validation import receive_file


class SeenOnly:
    """A recording that lets nothing be read but what a camera sees."""

    def __init__(self, recording: Any) -> None:
        self.recording = recording

    def indices(self, split: str) -> np.ndarray:
        return self.recording.indices(split)

    def array(self, name: str) -> np.ndarray:
        assert name == "rgb", f"{name} was read"
        return self.recording.array(name)


@pytest.fixture(scope="module")
def drawn(submitted: Path, truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("received")
    submission = receive_file(submitted, folder, {truth.suite.name: truth.suite})
    seen: Any = {space: SeenOnly(recording) for space, recording in truth.recordings.items()}
    return list(samples(submission, replace(truth, recordings=seen), folder))


def test_no_label_depth_or_pose_is_read(drawn: list[Sample]) -> None:
    assert drawn


def test_every_task_has_six_frames_evenly_spread_over_test_space_and_held_out_space(
    drawn: list[Sample], truth: Truth
) -> None:
    found: dict[tuple[str, str, str], list[int]] = {}
    for sample in drawn:
        found.setdefault((sample.row.task, sample.space, sample.role), []).append(sample.frame)
    assert len(found) == 4 * 2
    for (_, space, role), frames in found.items():
        assert role == ("test" if space == "builtin/flat-01" else "held_out")
        scored = truth.recordings[space].indices("test")
        assert frames == [scored[1], scored[4], scored[6]]  # the middles of three thirds of eight frames


def test_pictures_are_the_frame_and_a_picture_of_the_prediction(drawn: list[Sample], truth: Truth) -> None:
    for sample in drawn:
        frame = truth.recordings[sample.space].array("rgb")[sample.frame]
        assert np.array_equal(sample.rgb, frame)
        assert sample.prediction.dtype == np.uint8
        assert sample.prediction.ndim == 3


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (480, 640), (1080, 1920), (9000, 300), (300, 9000)])
def test_large_pictures_are_made_fit_for_a_page(size: tuple[int, int]) -> None:
    height, width, _ = _shown(np.zeros((*size, 3), np.uint8)).shape
    assert 1 <= height <= LONGEST_SIDE_PX
    assert 1 <= width <= 2 * LONGEST_SIDE_PX
