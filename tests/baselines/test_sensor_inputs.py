"""Encoders that read further sensors get them as pre-training does, and mirrored as the frame is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.augmentation import Augmentation, draw_changes
from baselines.batches import FramePool
from baselines.encoder import EncoderConfig, build_encoder
from baselines.frame_encoder import plain_encoder
from baselines.heads import HeadSpec
from baselines.sensor_inputs import mirrored, network_channels, network_input, stacked
from baselines.transfer import LabelledFrames, TransferConfig, transfer
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames

CPU = torch.device("cpu")
CHANNELS = {"rgb": slice(0, 3), "depth": slice(3, 4), "normals": slice(5, 8), "edges": slice(8, 9)}


@pytest.fixture(scope="module")
def frames(planes: SensedFrames) -> torch.Tensor:
    return torch.from_numpy(stacked(SENSED, lambda name: planes.get(name, np.arange(8))))


def test_rgb_alone_stays_as_it_is(planes: SensedFrames) -> None:
    rgb = planes.get("rgb", np.arange(8))
    assert np.array_equal(stacked(("rgb",), lambda name: rgb), rgb)
    assert network_channels(("rgb",)) == 3


def test_a_network_gets_the_values_that_pretraining_gets(frames: torch.Tensor, planes: SensedFrames) -> None:
    batch = FramePool([planes], SENSED, 32).batch(np.arange(8), CPU)
    values = network_input(frames, SENSED)
    assert values.shape == (8, network_channels(SENSED), 32, 32)
    for name, channels in CHANNELS.items():
        assert torch.equal(values[:, channels], batch.values[name])
    assert torch.equal(values[:, 4] > 0, batch.measured["depth"])


def test_mirrored_frames_are_those_of_pretraining_too(frames: torch.Tensor, planes: SensedFrames) -> None:
    still = Augmentation(flip=0.5, max_shift=0, brightness=0, contrast=0, colour=0)
    drawn = draw_changes(still, torch.Generator().manual_seed(3), 8)
    assert drawn is not None
    assert 0 < int(drawn.flipped.sum()) < 8
    batch = FramePool([planes], SENSED, 32).batch(np.arange(8), CPU, changes=drawn)
    values = network_input(mirrored(frames, SENSED, drawn.flipped), SENSED)
    for name, channels in CHANNELS.items():
        assert torch.allclose(values[:, channels], batch.values[name], atol=1e-6)


def test_depth_beyond_32_metres_keeps_its_sixteen_bits() -> None:
    stored = {"rgb": np.zeros((1, 1, 2, 3), np.uint8), "depth": np.array([[[1000, 60_000]]], np.uint16)}
    values = network_input(torch.from_numpy(stacked(("rgb", "depth"), lambda name: stored[name])), ("rgb", "depth"))
    assert float(values[0, 3, 0, 1] - values[0, 3, 0, 0]) == pytest.approx(np.log(60) / 0.6, rel=1e-5)


@pytest.mark.parametrize("reads", [("depth", "rgb"), ("rgb", "normals"), ("rgb", "semantic")])
def test_what_no_encoder_can_read_is_refused(reads: tuple[str, ...], planes: SensedFrames) -> None:
    with pytest.raises(UserError):
        stacked(reads, lambda name: planes.get(name, np.arange(2)))


@pytest.mark.parametrize(("reads", "right"), [(("rgb",), False), (("rgb", "depth"), True)])
def test_what_only_depth_shows_is_learnt_by_who_reads_it(reads: tuple[str, ...], right: bool) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(1, 3, (48, 2, 2)).repeat(16, 1).repeat(16, 2).astype(np.uint8)
    noise = rng.integers(0, 256, (48, 32, 32, 3)).astype(np.uint8)
    stored = {"rgb": noise, "depth": 1500 * target.astype(np.uint16)}
    seen = stacked(reads, lambda name: stored[name])
    shape = EncoderConfig(image_size=32, patch_size=8, width=32, depth=1, heads=2)
    outcome = transfer(
        plain_encoder(build_encoder(shape, channels=network_channels(reads)), reads),
        TransferConfig("finetune", HeadSpec("dense", 2, "cross_entropy"), 30, 8, 5e-3, 1e-3, evaluations=1),
        LabelledFrames(seen[:40], target[:40]),
        seen[40:],
        lambda parts: float((np.concatenate(parts) == target[40:]).mean()),
        lambda output: (output.argmax(axis=1) + 1).astype(np.uint8),
        device=CPU,
    )
    assert (outcome.validation > 0.9) == right
