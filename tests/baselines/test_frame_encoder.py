"""An encoder gives the network what it was trained on, and the head a grid of tokens, whatever the network is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import functional as T

from baselines.encoder import EncoderConfig, build_encoder, encode_tokens, normalise_rgb
from baselines.frame_encoder import FrameEncoder, TimmFeatures, plain_encoder, working_size
from sim_envs.errors import UserError

CLIP_MEAN, CLIP_STD = (0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758)


def frames(count: int, height: int, width: int) -> torch.Tensor:
    """(count, height, width, 3) uint8 noise."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, height, width, 3), dtype=torch.uint8, generator=generator)


def network(name: str, **arguments: Any) -> torch.nn.Module:
    model: torch.nn.Module = timm.create_model(name, num_classes=0, **arguments)
    return model.eval()


def test_a_plain_vit_gives_its_patch_tokens_on_their_grid(small_shape: EncoderConfig) -> None:
    vit = build_encoder(small_shape, seed=1).eval()
    rgb = normalise_rgb(frames(2, 32, 32))
    tokens = plain_encoder(vit)(rgb)
    assert tokens.shape == (2, 4, 4, 32)
    assert torch.equal(tokens.flatten(1, 2), encode_tokens(vit, rgb))


@pytest.mark.parametrize(
    "name", ["vit_small_patch14_reg4_dinov2", "vit_small_patch16_dinov3", "deit3_small_patch16_224"]
)
def test_class_and_register_tokens_are_left_out(name: str) -> None:
    model = network(name, img_size=112)
    rgb = torch.randn(1, 3, 112, 112)
    with torch.no_grad():
        theirs = model.forward_features(rgb)[:, model.num_prefix_tokens :]
        ours = TimmFeatures(model)(rgb).flatten(2).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("stride", "channels"), [(None, 512), (32, 512), (16, 256), (8, 128)])
def test_a_convolutional_network_gives_the_map_of_the_asked_stride(stride: int | None, channels: int) -> None:
    features = TimmFeatures(network("resnet18"), stride)
    theirs = timm.create_model("resnet18", features_only=True)
    theirs.load_state_dict(network_state := features.model.state_dict(), strict=False)
    rgb = torch.randn(1, 3, 64, 96)
    expected = stride or 32
    assert features.channels == channels
    assert features(rgb).shape == (1, channels, 64 // expected, 96 // expected)
    theirs.eval()
    assert torch.equal(features(rgb), theirs(rgb)[theirs.feature_info.reduction().index(expected)])
    assert ("layer4.0.conv1.weight" in network_state) == (expected == 32)  # what is not used is taken off


def test_a_stride_that_a_network_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(UserError, match="2, 4, 8, 16, 32"):
        TimmFeatures(network("resnet18"), 7)


def test_frames_are_normalised_as_the_weights_expect() -> None:
    rgb = frames(2, 28, 28)
    encoder = FrameEncoder(torch.nn.Identity(), 3, mean=CLIP_MEAN, std=CLIP_STD)
    expected = T.normalize(T.to_dtype(rgb.permute(0, 3, 1, 2), torch.float32, scale=True), CLIP_MEAN, CLIP_STD)
    torch.testing.assert_close(encoder(normalise_rgb(rgb)).permute(0, 3, 1, 2), expected, atol=1e-5, rtol=1e-5)


def test_small_frames_are_enlarged_as_pil_does() -> None:
    values = torch.randn(32, 48, generator=torch.Generator().manual_seed(1))
    encoder = FrameEncoder(torch.nn.Identity(), 3, size=(224, 336))
    ours = encoder(values.expand(1, 3, 32, 48))[0, :, :, 0]
    theirs = Image.fromarray(values.numpy(), mode="F").resize((336, 224), Image.Resampling.BICUBIC)
    torch.testing.assert_close(ours, torch.from_numpy(np.array(theirs)), atol=1e-4, rtol=0)


def test_frames_of_the_right_size_are_not_touched() -> None:
    rgb = torch.randn(2, 3, 32, 48)
    assert torch.equal(FrameEncoder(torch.nn.Identity(), 3, size=(32, 48))(rgb), rgb.permute(0, 2, 3, 1))


def test_an_encoder_stays_in_evaluation_mode_while_a_model_trains() -> None:
    encoder = FrameEncoder(torch.nn.Sequential(torch.nn.Dropout(0.9), torch.nn.BatchNorm2d(3)), 3)
    torch.nn.ModuleList([encoder]).train()
    assert not any(module.training for module in encoder.modules())


@pytest.mark.parametrize(
    ("frame", "trained_at", "multiple", "size"),
    [
        ((64, 64), 224, 16, (224, 224)),
        ((64, 64), 518, 14, (224, 224)),  # DINOv2 saw 518 pixels last, and 224 for most of its training
        ((64, 64), 160, 16, (160, 160)),
        ((256, 256), 224, 16, (256, 256)),
        ((256, 256), 518, 14, (266, 266)),
        ((48, 64), 224, 32, (224, 320)),
        ((480, 640), 224, 16, (480, 640)),
    ],
)
def test_the_working_size_follows_from_frame_and_network(
    frame: tuple[int, int], trained_at: int, multiple: int, size: tuple[int, int]
) -> None:
    assert working_size(*frame, trained_at, multiple) == size


@given(
    height=st.integers(32, 1024),
    width=st.integers(32, 1024),
    trained_at=st.sampled_from([160, 224, 256, 384, 518]),
    multiple=st.sampled_from([8, 14, 16, 32]),
)
def test_the_working_size_is_whole_tokens_never_smaller_and_of_about_the_same_shape(
    height: int, width: int, trained_at: int, multiple: int
) -> None:
    rows, columns = working_size(height, width, trained_at, multiple)
    assert rows % multiple == columns % multiple == 0
    assert rows >= height
    assert columns >= width
    scale = max(1.0, min(trained_at, 224) / min(height, width))
    assert -1e-3 <= rows - scale * height < multiple + 1e-3
    assert -1e-3 <= columns - scale * width < multiple + 1e-3
