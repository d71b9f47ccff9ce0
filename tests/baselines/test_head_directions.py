"""Directions as a head learns them: the cosine loss, and what a mirrored frame teaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.heads.dense_losses import cosine, mirror_directions
from sim_envs.modalities import modality


def test_cosine_is_one_less_the_cosine_of_the_angle_at_pixels_with_a_direction() -> None:
    # Towards x, y and nowhere; said are 5 x, x, and anything.
    target = torch.tensor([[[[255, 128, 128], [128, 255, 128], [0, 0, 0]]]], dtype=torch.uint8)
    output = torch.tensor([[5.0, 0, 0], [1, 0, 0], [1, 2, 3]]).T.reshape(1, 3, 1, 3)
    assert cosine(output, target, torch.ones(3)).item() == pytest.approx((0 + 1) / 2, abs=0.01)


def test_cosine_of_frames_without_directions_is_zero() -> None:
    output = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = cosine(output, torch.zeros(1, 4, 4, 3, dtype=torch.uint8), torch.ones(3))
    loss.backward()
    assert loss.item() == 0
    assert output.grad is not None
    assert not output.grad.any()


def test_mirrored_directions_are_those_of_the_mirrored_recording_and_none_stays_none() -> None:
    rng = np.random.default_rng(0)
    normals = rng.integers(1, 256, (2, 4, 5, 3)).astype(np.uint8)
    known = rng.uniform(size=(2, 4, 5, 1)) < 0.7
    mirrored = mirror_directions(torch.from_numpy(np.where(known, normals, 0).astype(np.uint8)))
    expected = np.where(known[:, :, ::-1], modality("normals").flip(normals), 0)
    np.testing.assert_array_equal(mirrored.numpy(), expected)
    assert mirrored.dtype == torch.uint8
