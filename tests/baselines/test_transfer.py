"""Transfer learns from labelled frames, selects on validation only, and repeats itself exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.encoder import EncoderConfig, build_encoder
from baselines.frame_encoder import FrameEncoder, plain_encoder
from baselines.heads import HeadSpec
from baselines.transfer import LabelledFrames, TransferConfig, predict, transfer
from sim_envs.errors import UserError

SHAPE = EncoderConfig(image_size=32, patch_size=8, width=32, depth=1, heads=2)
CONFIG = TransferConfig(
    protocol="finetune",
    head=HeadSpec("dense", 2, "cross_entropy"),
    steps=30,
    batch=8,
    head_lr=5e-3,
    encoder_lr=1e-3,
    evaluations=3,
)
CPU = torch.device("cpu")


def bright_and_dark(count: int, seed: int) -> LabelledFrames:
    """Frames of bright and dark 16-pixel blocks; class 1 is dark, class 2 bright."""
    rng = np.random.default_rng(seed)
    target = rng.integers(1, 3, (count, 2, 2)).repeat(16, 1).repeat(16, 2).astype(np.uint8)
    noise = rng.integers(0, 40, (count, 32, 32, 3))
    return LabelledFrames((noise + 180 * (target[..., None] == 2)).astype(np.uint8), target)


def encoder() -> FrameEncoder:
    return plain_encoder(build_encoder(SHAPE, seed=0))


def encode(output: np.ndarray) -> np.ndarray:
    return (output.argmax(axis=1) + 1).astype(np.uint8)


def run(config: TransferConfig = CONFIG) -> tuple[float, dict[str, torch.Tensor]]:
    train, validation = bright_and_dark(32, 0), bright_and_dark(8, 1)
    outcome = transfer(
        encoder(),
        config,
        train,
        validation.rgb,
        lambda parts: float((np.concatenate(parts) == validation.target).mean()),
        encode,
        device=CPU,
    )
    return outcome.validation, outcome.model.state_dict()


@pytest.mark.parametrize("protocol", ["frozen", "finetune"])
def test_a_separable_problem_is_learnt(protocol: str) -> None:
    validation, _ = run(replace(CONFIG, protocol=protocol))  # type: ignore[arg-type]
    assert validation > 0.9


def test_a_mirrored_frame_teaches_the_mirrored_direction() -> None:
    """Frames bright on the left face right; none that is bright on the right is ever shown but by mirroring."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 40, (16, 32, 32, 3)).astype(np.uint8)
    rgb[:, :, :16] += 180
    facing_right = np.broadcast_to(np.array([255, 128, 128], np.uint8), rgb.shape).copy()
    outcome = transfer(
        encoder(),
        replace(CONFIG, head=HeadSpec("dense", 3, "cosine")),
        LabelledFrames(rgb, facing_right),
        rgb[:, :, ::-1],
        lambda parts: -float(np.concatenate(parts).mean()),
        lambda output: output[:, 0] / np.linalg.norm(output, axis=1),
        device=CPU,
    )
    assert outcome.validation > 0.7  # cosine to the left


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = run()[1], run()[1]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_frozen_leaves_the_encoder_as_it_was() -> None:
    before = encoder().state_dict()
    after = run(replace(CONFIG, protocol="frozen"))[1]
    assert all(torch.equal(before[name], after[f"encoder.{name}"]) for name in before)


@pytest.mark.parametrize("protocol", ["frozen", "finetune"])
def test_batch_statistics_of_a_convolutional_encoder_stay_those_of_its_own_training(protocol: str) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 8, 8), torch.nn.BatchNorm2d(8))
    before = {name: value.clone() for name, value in network.named_buffers()}
    outcome = transfer(
        FrameEncoder(network, 8),
        replace(CONFIG, steps=3, protocol=protocol),  # type: ignore[arg-type]
        bright_and_dark(8, 0),
        bright_and_dark(2, 1).rgb,
        lambda p: 0.0,
        encode,
        device=CPU,
    )
    after = dict(outcome.model.encoder.network.named_buffers())
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_weights_kept_are_those_that_validated_best() -> None:
    validation = bright_and_dark(8, 1)
    scores = iter([0.3, 0.9, 0.1])
    outcome = transfer(
        encoder(),
        CONFIG,
        bright_and_dark(32, 0),
        validation.rgb,
        lambda p: next(scores),
        encode,
        device=CPU,
    )
    assert outcome.best_step == 20
    assert outcome.validation == 0.9


def test_the_last_weights_are_kept_where_no_score_can_be_taken() -> None:
    validation = bright_and_dark(8, 1).rgb
    outcome = transfer(
        encoder(), CONFIG, bright_and_dark(32, 0), validation, lambda p: float("nan"), encode, device=CPU
    )
    assert outcome.best_step == CONFIG.steps


def test_predictions_do_not_depend_on_the_batch() -> None:
    outcome = transfer(
        encoder(),
        replace(CONFIG, steps=3),
        bright_and_dark(8, 0),
        bright_and_dark(2, 1).rgb,
        lambda p: 0.0,
        encode,
        device=CPU,
    )
    rgb = bright_and_dark(7, 2).rgb
    one, many = (np.concatenate(predict(outcome.model, rgb, encode, device=CPU, batch=b)) for b in (1, 7))
    assert (one == many).mean() > 0.99  # matrix products of other shapes round differently


def test_no_labelled_frames_is_said_in_words() -> None:
    with pytest.raises(UserError, match="no labelled frames"):
        LabelledFrames(np.zeros((0, 8, 8, 3), np.uint8), np.zeros((0, 8, 8), np.uint8))
