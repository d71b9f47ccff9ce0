"""Head losses against plain PyTorch and closed forms; what is ignored leaves no trace."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from baselines.encoder import EncoderConfig, build_encoder
from baselines.frame_encoder import FrameEncoder, plain_encoder
from baselines.heads import DenseModel, cell_stride, cross_entropy, head_loss, log_l1
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
        head_loss("cross-entropy")


def tiny_vit() -> FrameEncoder:
    return plain_encoder(build_encoder(EncoderConfig(image_size=32, width=32, depth=1, heads=2)))


def test_dense_model_gives_a_score_per_pixel() -> None:
    model = DenseModel(tiny_vit(), channels=7)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 7, 32, 32)
    assert model.coarse(torch.randn(2, 3, 32, 32), train_encoder=False).shape == (2, 7, 16, 16)


@pytest.mark.parametrize(("height", "width", "stride"), [(64, 64, 14), (64, 96, 16), (128, 128, 32), (64, 48, 8)])
def test_dense_model_takes_tokens_of_any_stride(height: int, width: int, stride: int) -> None:
    size = (-(-height // stride) * stride, -(-width // stride) * stride)
    encoder = FrameEncoder(torch.nn.Conv2d(3, 24, stride, stride), 24, size=size)
    model, rgb = DenseModel(encoder, channels=5), torch.randn(1, 3, height, width)
    coarse = model.coarse(rgb, train_encoder=False)
    assert model(rgb).shape == (1, 5, height, width)
    assert height % coarse.shape[2] == 0
    assert height // coarse.shape[2] == width / coarse.shape[3]


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
    model = DenseModel(tiny_vit(), channels=7)
    rgb = torch.randn(2, 3, 32, 32)
    model.coarse(rgb, train_encoder=False).sum().backward()
    assert all(p.grad is None for p in model.encoder.parameters())
    model.coarse(rgb, train_encoder=True).sum().backward()
    assert all(p.grad is not None for p in model.encoder.parameters())
