"""Teachers that guess labels: tiny networks of the real classes, read from folders as the published ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from baselines.teachers.detector import paint
from baselines.teachers.sam import outline
from baselines.teachers.store import Question, answers
from baselines.teachers.table import teacher
from sim_envs.errors import UserError
from sim_envs.modalities import COCO_PANOPTIC, COCO_THINGS, modality
from sim_envs.recordings.sensed import SensedFrames
from tests.baselines.teacher_kit import save_mask2former, save_rt_detr, save_sam

CPU = torch.device("cpu")
SAVE: dict[str, Callable[[Path], Path]] = {
    "sam-edges": save_sam,
    "det-boxes": save_rt_detr,
    "seg-masks": save_mask2former,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save(tmp_path_factory.mktemp(name)) for name, save in SAVE.items()}


def ask(name: str, folder: Path, rgb: np.ndarray) -> np.ndarray:
    one = teacher(name)
    weights = one.find_weights(folder)
    assert weights is not None
    one.check(weights, *rgb.shape[1:3])
    return one.open(weights, *rgb.shape[1:3], CPU).ask(rgb)


@pytest.mark.parametrize("name", SAVE)
def test_answers_lie_on_the_pixels_of_the_frames(name: str, folders: dict[str, Path], planes: SensedFrames) -> None:
    rgb = planes.get("rgb", np.arange(3))[:, :24]  # wider than high
    found = ask(name, folders[name], rgb)
    assert found.shape == (3, 24, 32)
    assert found.dtype == modality(name).dtype
    assert len(np.unique(found)) > 1
    assert int(found.max()) < (modality(name).categories or 256)


@pytest.mark.parametrize("name", SAVE)
def test_an_answer_does_not_depend_on_what_else_is_asked(
    name: str, folders: dict[str, Path], planes: SensedFrames
) -> None:
    rgb = planes.get("rgb", np.arange(3))
    together, alone = ask(name, folders[name], rgb), ask(name, folders[name], rgb[1:2])
    assert (together[1].astype(int) - alone[0]).astype(bool).mean() < 0.02  # rounding of matrix products


def test_answers_are_kept_like_those_of_any_teacher(
    folders: dict[str, Path], planes: SensedFrames, tmp_path: Path
) -> None:
    one = teacher("seg-masks")
    asked = Question(one, one.find_weights(folders["seg-masks"]), "0" * 64, planes.only(np.arange(4)), np.arange(4))
    found = answers(asked, tmp_path, CPU)
    assert found.values.shape == (4, 32, 32)
    assert "COCO panoptic" in found.facts["conventions"]
    assert found.facts["data"][-1]["source"] == "COCO 2017"


def test_without_weights_the_message_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"hf download facebook/sam-vit-base .* --weights sam-edges=FOLDER"):
        teacher("sam-edges").find_weights()


def test_a_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no folder with a config\.json"):
        teacher("det-boxes").find_weights(tmp_path)


def test_a_network_of_another_kind_is_refused(folders: dict[str, Path]) -> None:
    one = teacher("det-boxes")
    weights = one.find_weights(folders["sam-edges"])
    assert weights is not None
    with pytest.raises(UserError, match="of the kind sam; rt_detr"):
        one.check(weights, 32, 32)


@pytest.mark.parametrize(("name", "save"), [("det-boxes", save_rt_detr), ("seg-masks", save_mask2former)])
def test_a_network_of_other_categories_is_refused(
    name: str, save: Callable[..., Path], planes: SensedFrames, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="knows 12 categories"):
        ask(name, save(tmp_path, categories=12), planes.get("rgb", np.arange(1)))


def test_weights_that_did_not_all_arrive_are_refused_and_not_filled_at_random(
    folders: dict[str, Path], planes: SensedFrames, tmp_path: Path
) -> None:
    for file in folders["sam-edges"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = load_file(tmp_path / "model.safetensors")
    state.pop(next(name for name in state if "iou_prediction_head" in name))
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="lacks 1 weights"):
        ask("sam-edges", tmp_path, planes.get("rgb", np.arange(1)))


def test_the_digest_of_a_folder_follows_its_image_processor_too(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in folders["det-boxes"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    one = teacher("det-boxes")
    same, before = one.find_weights(tmp_path), one.find_weights(folders["det-boxes"])
    processor = json.loads((tmp_path / "preprocessor_config.json").read_text(encoding="utf-8"))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor | {"do_rescale": False}), encoding="utf-8")
    changed = one.find_weights(tmp_path)
    assert same is not None
    assert before is not None
    assert changed is not None
    assert same.sha256 == before.sha256 != changed.sha256


def test_of_two_boxes_the_smaller_is_on_top() -> None:
    boxes = np.array([[2.0, 2, 6, 6], [0, 0, 8, 8], [3, 3, 4, 5]])
    painted = paint(boxes, np.array([7, 5, 9]), 8, 10)
    expected = np.zeros((8, 10), np.uint8)
    expected[:, :8] = 5
    expected[2:6, 2:6] = 7
    expected[3:5, 3] = 9
    assert np.array_equal(painted, expected)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 12))
def test_a_pixel_has_the_id_of_the_smallest_box_around_its_centre(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-3, 12, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.1, 9, (count, 2))], axis=1)
    ids = rng.integers(1, COCO_THINGS + 1, count)
    painted = paint(boxes, ids, 11, 13)
    for row in range(11):
        for column in range(13):
            x, y = column + 0.5, row + 0.5
            around = [
                ((x1 - x0) * (y1 - y0), i)
                for (x0, y0, x1, y1), i in zip(boxes, ids, strict=True)
                if x0 <= x < x1 and y0 <= y < y1
            ]
            assert painted[row, column] == (min(around)[1] if around else 0)


def test_the_outline_of_a_disc_is_a_ring_where_the_disc_is_in_the_frame() -> None:
    side, fitted, size = 128, (96, 128), (48, 64)  # a frame of 4:3 at the top left of a square input
    y, x = (np.mgrid[:32, :32] + 0.5) * side / 32
    logits = torch.from_numpy(2.0 * (24 - np.hypot(y - 48, x - 64))).float()[None]
    edges = outline(logits, fitted, side, size)[0].numpy()
    assert edges.shape == size
    rows, columns = (np.mgrid[:48, :64] + 0.5) * 2
    distance = np.abs(np.hypot(rows - 48, columns - 64) - 24)
    assert edges[distance < 1].min() > 0.4
    assert edges[distance > 10].max() < 0.01


def test_ids_of_masks_are_as_many_as_the_modality_has_categories() -> None:
    assert modality("seg-masks").categories == COCO_PANOPTIC
    assert modality("det-boxes").categories == COCO_THINGS + 1
