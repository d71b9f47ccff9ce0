"""The head of boxes: where a box lies whatever the token is, mirrored truth, and that it learns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.ops import box_iou

from baselines.heads import HEADS, HeadSpec, Strength
from baselines.heads.boxes import BoxHead

STRENGTHS: tuple[Strength, ...] = ("linear", "strong")


@dataclass
class Truth:
    """What the head reads of the task's truth."""

    count: np.ndarray
    box: np.ndarray
    category: np.ndarray
    ignored: np.ndarray


def truth_of(*frames: list[tuple[tuple[float, ...], int]]) -> Truth:
    """Return the truth of frames from their (box, category) pairs."""
    every = [pair for pairs in frames for pair in pairs]
    return Truth(
        np.array([len(pairs) for pairs in frames]),
        np.array([box for box, _ in every], np.float32).reshape(-1, 4),
        np.array([category for _, category in every], np.uint8),
        np.zeros(len(every), bool),
    )


def head(grid: tuple[int, int] = (4, 4), strength: Strength = "strong", width: int = 32) -> BoxHead:
    torch.manual_seed(0)
    made = HEADS["boxes"](HeadSpec("boxes", 3, strength=strength), width, grid)
    assert isinstance(made, BoxHead)
    return made


def unmirrored(frames: int) -> torch.Tensor:
    return torch.zeros(frames, dtype=torch.bool)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize(("grid", "frame"), [((4, 4), (32, 32)), ((3, 5), (48, 64)), ((7, 7), (64, 64))])
def test_answers_are_boxes_inside_the_frame_best_first(
    strength: Strength, grid: tuple[int, int], frame: tuple[int, int]
) -> None:
    box, category, score = head(grid, strength).eval().answer(torch.randn(2, *grid, 32) * 5, frame)
    assert box.shape == (2, 100, 4)
    assert category.shape == score.shape == (2, 100)
    assert (box >= 0).all()
    assert (box[..., [0, 2]] <= frame[1]).all()
    assert (box[..., [1, 3]] <= frame[0]).all()
    assert (np.diff(score, axis=1) <= 0).all()
    assert set(np.unique(category[score > 0])) <= {1, 2, 3}


def test_a_mirrored_frame_has_mirrored_boxes() -> None:
    truth = truth_of([((2, 3, 10, 9), 1)], [((2, 3, 10, 9), 2), ((0, 0, 4, 4), 3)])
    straight, turned = head().truth(truth, torch.tensor([False, True]), (32, 32))
    assert straight["boxes"].tolist() == [[2, 3, 10, 9]]
    assert turned["boxes"].tolist() == [[22, 3, 30, 9], [28, 0, 32, 4]]
    assert turned["labels"].tolist() == [1, 2]


def test_ignored_boxes_are_not_learnt() -> None:
    truth = replace(truth_of([((2, 3, 10, 9), 1), ((0, 0, 4, 4), 3)]), ignored=np.array([True, False]))
    (learnt,) = head().truth(truth, unmirrored(1), (32, 32))
    assert learnt["labels"].tolist() == [2]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_every_weight_learns_also_from_frames_without_boxes(strength: Strength) -> None:
    made = head(strength=strength)
    truth = made.truth(truth_of([((2, 3, 28, 30), 1)], []), unmirrored(2), (32, 32))
    loss = made.loss(torch.randn(2, 4, 4, 32), (32, 32), truth, torch.Generator())
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in made.parameters())
    empty = made.truth(truth_of([], []), unmirrored(2), (32, 32))
    assert torch.isfinite(made.loss(torch.randn(2, 4, 4, 32), (32, 32), empty, torch.Generator()))


def test_half_precision_of_the_transfer_changes_little() -> None:
    made = head()
    tokens = torch.randn(2, 4, 4, 32)
    truth = made.truth(truth_of([((2, 3, 28, 30), 1)], [((0, 0, 9, 9), 2)]), unmirrored(2), (32, 32))
    exact = made.loss(tokens, (32, 32), truth, torch.Generator())
    with torch.autocast("cpu", torch.bfloat16):
        loss = made.loss(tokens, (32, 32), truth, torch.Generator())
        box, _, _ = made.eval().answer(tokens, (32, 32))
    assert loss.dtype == torch.float32
    assert box.dtype == np.float32
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)


@pytest.mark.parametrize("frame", [(32, 32), (24, 40)])
def test_a_strong_head_learns_where_boxes_are(frame: tuple[int, int]) -> None:
    """Tokens say which frame they are of and where they lie; the head must give each frame its boxes back."""
    height, width = frame
    boxes = [(1, 2, width // 2, height // 2), (width // 2, 4, width - 2, height - 3)]
    truth = truth_of([(boxes[0], 1)], [(boxes[1], 2), (boxes[0], 3)])
    made = head()
    tokens = torch.randn(2, 4, 4, 32, generator=torch.Generator().manual_seed(1))
    optimiser = torch.optim.AdamW(made.parameters(), lr=5e-3)
    learnt = made.truth(truth, unmirrored(2), frame)
    for _ in range(120):
        optimiser.zero_grad()
        made.loss(tokens, frame, learnt, torch.Generator()).backward()
        optimiser.step()
    box, category, score = made.eval().answer(tokens, frame)
    assert category[0, 0] == 1
    assert set(category[1, :2].tolist()) == {2, 3}
    found = torch.from_numpy(np.stack([box[0, 0], box[1, category[1, :2].argmin()]]))
    assert box_iou(found, torch.tensor(boxes, dtype=torch.float32)).diagonal().min() > 0.75
    assert score[0, 0] > 0.5


def test_weights_are_kept_once_and_come_back(tmp_path: Path) -> None:
    made, other = head().eval(), head().eval()
    with torch.no_grad():
        made.fcos.backbone.norm.weight.add_(1)
    save_file(made.state_dict(), tmp_path / "head.safetensors")
    other.load_state_dict(load_file(tmp_path / "head.safetensors"))
    tokens = torch.randn(1, 4, 4, 32)
    for first, second in zip(made.answer(tokens, (32, 32)), other.answer(tokens, (32, 32)), strict=True):
        np.testing.assert_array_equal(first, second)
