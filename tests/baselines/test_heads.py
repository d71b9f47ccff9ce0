"""Head losses against plain PyTorch and closed forms; what is ignored leaves no trace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from baselines.encoder import EncoderConfig, build_encoder
from baselines.frame_encoder import FrameEncoder, plain_encoder
from baselines.heads import HEADS, HeadSpec, Strength
from baselines.heads.dense import cell_stride, class_weights
from baselines.heads.dense_losses import cross_entropy, dense_loss, log_l1
from baselines.heads.head import HeadedEncoder
from sim_envs.errors import UserError


def test_cross_entropy_equals_pytorch_with_weights_and_ignored_pixels() -> None:
    torch.manual_seed(0)
    output, target = torch.randn(2, 5, 8, 8), torch.randint(0, 6, (2, 8, 8))
    weights = torch.rand(5) + 0.1
    expected = F.cross_entropy(output, target - 1, weights, ignore_index=-1)
    assert cross_entropy(output, target.to(torch.uint8), weights).item() == pytest.approx(expected.item(), rel=1e-4)


def test_cross_entropy_of_frames_without_labels_is_zero() -> None:
    output = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = cross_entropy(output, torch.zeros(1, 4, 4, dtype=torch.uint8), torch.ones(3))
    loss.backward()
    assert loss.item() == 0
    assert output.grad is not None
    assert not output.grad.any()


def test_log_l1_is_the_mean_absolute_log_error_of_measured_pixels() -> None:
    output = torch.log(torch.tensor([[[[2.0, 3.0], [1.0, 9.0]]]]))
    target = torch.tensor([[[1.0, 3.0], [2.0, 0.0]]])
    assert log_l1(output, target, torch.ones(1)).item() == pytest.approx(2 * torch.log(torch.tensor(2.0)).item() / 3)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(UserError, match="cross_entropy"):
        dense_loss("cross-entropy")


def tiny_vit() -> FrameEncoder:
    return plain_encoder(build_encoder(EncoderConfig(image_size=32, width=32, depth=1, heads=2)))


def classes(channels: int) -> HeadSpec:
    return HeadSpec("dense", channels, "cross_entropy")


def coarse(model: HeadedEncoder, rgb: torch.Tensor) -> torch.Tensor:
    head = model.head
    assert isinstance(head, HEADS["dense"])
    return head.coarse(model.tokens(rgb, train_encoder=False), (rgb.shape[2], rgb.shape[3]))


@pytest.mark.parametrize("strength", ["linear", "strong"])
def test_a_dense_head_gives_a_score_per_pixel(strength: Strength) -> None:
    model = HeadedEncoder(tiny_vit(), replace(classes(7), strength=strength), (32, 32))
    with torch.inference_mode():
        assert model.answer(torch.randn(2, 3, 32, 32)).shape == (2, 7, 32, 32)
    assert coarse(model, torch.randn(2, 3, 32, 32)).shape == (2, 7, 16, 16)


@pytest.mark.parametrize(("height", "width", "stride"), [(64, 64, 14), (64, 96, 16), (128, 128, 32), (64, 48, 8)])
def test_a_dense_head_takes_tokens_of_any_stride(height: int, width: int, stride: int) -> None:
    size = (-(-height // stride) * stride, -(-width // stride) * stride)
    encoder = FrameEncoder(torch.nn.Conv2d(3, 24, stride, stride), 24, size=size)
    model, rgb = HeadedEncoder(encoder, classes(5), (height, width)), torch.randn(1, 3, height, width)
    assert model.head.grid == (size[0] // stride, size[1] // stride)
    cells = coarse(model, rgb)
    with torch.inference_mode():
        assert model.answer(rgb).shape == (1, 5, height, width)
    assert height % cells.shape[2] == 0
    assert height // cells.shape[2] == width / cells.shape[3]


def test_a_linear_head_looks_at_every_token_by_itself() -> None:
    model = HeadedEncoder(tiny_vit(), replace(classes(7), strength="linear"), (32, 32))
    tokens = torch.randn(1, 4, 4, 32)
    other = tokens.clone()
    other[0, 0, 0] = torch.randn(32)
    with torch.inference_mode():
        changed = (model.head.answer(tokens, (32, 32)) != model.head.answer(other, (32, 32))).any(axis=(0, 1))
    assert changed[:12, :12].all()
    assert not changed[13:].any()  # interpolation reaches half a token further, and a pixel for the second one
    assert not changed[:, 13:].any()


def test_an_unknown_head_names_the_near_one() -> None:
    with pytest.raises(UserError, match="dense"):
        HeadedEncoder(tiny_vit(), HeadSpec("dens"), (32, 32))


@pytest.mark.parametrize(
    ("frame", "output", "stride"),
    [
        ((64, 64), (32, 32), 2),  # a patch of 8 pixels, quartered
        ((256, 256), (64, 64), 4),
        ((256, 256), (76, 76), 2),  # 19 tokens of 14 pixels: 3 does not divide 256
        ((64, 64), (56, 56), 1),
        ((64, 64), (128, 128), 1),  # enlarged by the encoder: more outputs than pixels
        ((48, 64), (12, 16), 4),
    ],
)
def test_a_training_cell_is_the_largest_whole_divisor_no_coarser_than_the_head(
    frame: tuple[int, int], output: tuple[int, int], stride: int
) -> None:
    assert cell_stride(frame, output) == stride


def test_the_encoder_learns_only_when_asked() -> None:
    model, rgb = HeadedEncoder(tiny_vit(), classes(7), (32, 32)), torch.randn(2, 3, 32, 32)
    truth, generator = torch.ones(2, 32, 32, dtype=torch.uint8), torch.Generator()
    for learns in (False, True):
        tokens = model.tokens(rgb, train_encoder=learns)
        model.head.loss(tokens, (32, 32), truth, generator).backward()
        assert all((p.grad is not None) is learns for p in model.encoder.parameters())


def test_only_mirrored_frames_get_a_mirrored_truth() -> None:
    target = np.arange(1, 9, dtype=np.uint8).reshape(2, 1, 4)
    head = HEADS["dense"](classes(9), 32, (4, 4))
    truth = head.truth(target, torch.tensor([True, False]), (1, 4))
    assert truth.tolist() == [[[4, 3, 2, 1]], [[5, 6, 7, 8]]]


def test_class_weights_favour_the_rare_and_ignore_the_absent() -> None:
    weights = class_weights(np.array([0, 1, 1, 1, 1, 1, 1, 1, 1, 3], np.uint8), 3)
    assert weights[2] > weights[0] > 0
    assert weights[1] == 0


def test_encoded_directions_have_no_class_weights() -> None:
    assert class_weights(np.full((2, 4, 4, 3), 128, np.uint8), 3).tolist() == [1, 1, 1]
