"""The head of place recognition: what a batch is made of, what attracts and repels, and that it learns places."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from baselines.heads import HeadSpec, Strength
from baselines.heads.descriptor import TEMPERATURE, DescriptorHead, PlaceTruth
from baselines.places import same_place, separation

SPEC = HeadSpec("descriptor", 16)


def places(position: np.ndarray, space: np.ndarray) -> Any:
    """Views that all look the same way."""
    direction = np.tile([0.0, 0.0, -1.0], (len(position), 1))
    return SimpleNamespace(position=np.asarray(position, float), direction=direction, space=np.asarray(space))


def head(strength: Strength = "strong") -> DescriptorHead:
    torch.manual_seed(0)
    return DescriptorHead(HeadSpec("descriptor", 16, strength=strength), 8, (4, 4))


def test_frames_of_one_place_attract_and_those_of_another_place_or_space_repel() -> None:
    along = np.zeros((4, 3))
    along[:, 0] = [0, 0.5, 1.7, 9]  # 1.7 is neither near nor far
    truth = head().truth(places(np.tile(along, (2, 1)), [0] * 4 + [1] * 4), torch.zeros(8, dtype=torch.bool), (1, 1))
    assert truth.same[0].nonzero().ravel().tolist() == [1]
    assert truth.other[0].nonzero().ravel().tolist() == [3, 4, 5, 6, 7]


def test_a_mirrored_frame_is_of_no_place_that_it_was_taken_at() -> None:
    mirrored = torch.tensor([False, True, True])
    truth = head().truth(places(np.zeros((3, 3)), [0, 0, 0]), mirrored, (1, 1))
    assert truth.same.tolist() == [[False] * 3, [False, False, True], [False, True, False]]
    assert not truth.other.any()


def test_the_loss_is_the_supervised_contrastive_one() -> None:
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.normal(size=(6, 4, 4, 8)).astype(np.float32))
    same = np.zeros((6, 6), bool)
    same[[0, 1, 0, 2, 3, 4], [1, 0, 2, 0, 4, 3]] = True
    other = ~same & ~np.eye(6, dtype=bool)
    other[0, 5] = other[5, 0] = False
    network = head()
    with torch.no_grad():
        found = network.loss(tokens, (1, 1), PlaceTruth(*map(torch.from_numpy, (same, other))), torch.Generator())
        vectors = network.answer(tokens, (1, 1)).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    terms = []
    for i in range(6):
        likeness = np.exp(vectors @ vectors[i] / TEMPERATURE)
        pool = likeness[same[i] | other[i]].sum()
        if same[i].any():
            terms.append(np.mean([-np.log(likeness[j] / pool) for j in np.flatnonzero(same[i])]))
    assert found.item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_a_batch_without_any_pair_has_no_loss_and_a_finite_gradient() -> None:
    tokens = torch.randn(2, 4, 4, 8, requires_grad=True)
    none = torch.zeros(2, 2, dtype=torch.bool)
    loss = head().loss(tokens, (1, 1), PlaceTruth(none, none), torch.Generator())
    loss.backward()
    assert loss.item() == 0
    assert tokens.grad is not None
    assert torch.isfinite(tokens.grad).all()


def test_a_batch_holds_several_views_of_a_place_from_few_spaces() -> None:
    rng = np.random.default_rng(0)
    target = places(rng.uniform(0, 6, (300, 3)), rng.integers(0, 5, 300))
    batches = head().batches(target, 32, 10, torch.Generator().manual_seed(1))
    assert [len(rows) for rows in batches] == [32] * 10
    for rows in batches:
        assert len(set(target.space[rows].tolist())) == 2
        for group in rows.view(8, 4).numpy():
            apart = separation(
                target.position[group[0]], target.direction[group[0]], target.position[group], target.direction[group]
            )
            assert same_place(*apart).all()
    again = head().batches(target, 32, 10, torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))


@pytest.mark.parametrize("strength", ["linear", "strong"])
def test_views_of_places_that_look_different_become_unlike(strength: Strength) -> None:
    """Ten places along a line, each with tokens of its own kind under noise."""
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(10, 1, 1, 8))
    at = np.repeat(np.arange(10), 6)
    tokens = torch.from_numpy((looks[at] + rng.normal(0, 1, (60, 4, 4, 8))).astype(np.float32))
    target = places(np.stack([5.0 * at, 0 * at, 0 * at], axis=1), 0 * at)
    network, generator = head(strength), torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for rows in network.batches(target, 32, 100, generator):
        part = SimpleNamespace(**{k: v[rows.numpy()] for k, v in vars(target).items()})
        truth = network.truth(part, torch.zeros(32, dtype=torch.bool), (1, 1))
        optimiser.zero_grad()
        network.loss(tokens[rows], (1, 1), truth, generator).backward()
        optimiser.step()
    with torch.no_grad():
        vectors = network.answer(tokens, (1, 1))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T - 2 * np.eye(60)
    assert (at[likeness.argmax(axis=1)] == at).mean() > 0.95
