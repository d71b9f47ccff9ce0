"""Finite scalar quantisation keeps its levels, numbers its codes one to one, and lets gradients through."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_quantize_pytorch import FSQ

from baselines.tokens.config import LEVELS
from baselines.tokens.quantise import FiniteScalarQuantiser, perplexity

PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)
SOME_LEVELS = st.lists(st.integers(3, 9), min_size=1, max_size=5).map(tuple)


def numbers(levels: tuple[int, ...], count: int, seed: int = 0, spread: float = 3.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, spread, (count, len(levels)))).float()


@given(SOME_LEVELS, st.integers(0, 2**31), st.floats(0.01, 1e4))
@PROPERTY
def test_every_number_becomes_one_of_its_levels(levels: tuple[int, ...], seed: int, spread: float) -> None:
    quantiser = FiniteScalarQuantiser(levels)
    values = quantiser(numbers(levels, 50, seed, spread))
    chosen = quantiser.to_levels(values)
    assert (chosen >= 0).all()
    assert (chosen < quantiser.counts).all()
    assert values.abs().max() <= 1
    torch.testing.assert_close(quantiser.from_levels(chosen), values, atol=1e-6, rtol=0)


@given(SOME_LEVELS)
@PROPERTY
def test_levels_and_index_count_the_same_codes_one_to_one(levels: tuple[int, ...]) -> None:
    quantiser = FiniteScalarQuantiser(levels)
    every = torch.arange(min(quantiser.codes, 5000))
    tuples = quantiser.from_index(every)
    assert torch.equal(quantiser.to_index(tuples), every)
    assert len(torch.unique(tuples, dim=0)) == len(every)


@pytest.mark.parametrize("levels", [(3, 4), (3, 3, 3), (5,)])
def test_every_combination_of_levels_has_an_index(levels: tuple[int, ...]) -> None:
    quantiser = FiniteScalarQuantiser(levels)
    combinations = torch.tensor(list(itertools.product(*(range(count) for count in levels))))
    assert sorted(quantiser.to_index(combinations).tolist()) == list(range(math.prod(levels)))


@pytest.mark.parametrize("levels", [(8, 8, 8, 6, 5), (8, 5, 5, 5), (8, 6, 5), (7, 3)])
def test_values_and_indices_are_those_of_an_independent_implementation(levels: tuple[int, ...]) -> None:
    reference, quantiser = FSQ(list(levels)), FiniteScalarQuantiser(levels)
    raw = numbers(levels, 3000, spread=1.0)
    to_boundary = (quantiser.bound(raw) - 0.5 - (quantiser.bound(raw) - 0.5).round()).abs().min(dim=1).values
    raw = raw[to_boundary > 0.02]  # the two keep other distances from the outermost bounds, a thousandth
    assert len(raw) > 2000
    values, index = reference(raw[None])
    torch.testing.assert_close(quantiser(raw), values[0])
    assert torch.equal(quantiser.to_index(quantiser.to_levels(quantiser(raw))), index[0].long())


def test_what_has_a_level_keeps_it_when_quantised_again() -> None:
    quantiser = FiniteScalarQuantiser((8, 5, 3))
    values = quantiser(numbers((8, 5, 3), 100))
    again = quantiser.from_levels(quantiser.to_levels(quantiser.from_levels(quantiser.to_levels(values))))
    torch.testing.assert_close(again, values, atol=1e-6, rtol=0)


def test_zero_stays_zero_and_far_numbers_take_the_outermost_levels() -> None:
    quantiser = FiniteScalarQuantiser((4, 5))
    assert torch.equal(quantiser(torch.zeros(2)), torch.zeros(2))
    assert quantiser(torch.full((2,), 50.0)).tolist() == [0.5, 1.0]
    assert quantiser(torch.full((2,), -50.0)).tolist() == [-1.0, -1.0]


def test_the_gradient_passes_straight_through_the_rounding() -> None:
    quantiser = FiniteScalarQuantiser((8, 5))
    leaf = numbers((8, 5), 20, spread=1.0).requires_grad_()
    quantiser(leaf).sum().backward()
    smooth = leaf.detach().clone().requires_grad_()
    (quantiser.bound(smooth) / (quantiser.counts // 2)).sum().backward()
    torch.testing.assert_close(leaf.grad, smooth.grad)
    assert (leaf.grad > 0).all()


def test_a_one_hot_code_has_a_one_for_each_number() -> None:
    quantiser = FiniteScalarQuantiser((3, 4))
    codes = quantiser.one_hot(torch.tensor([[2, 0], [0, 3]]))
    assert codes.tolist() == [[0, 0, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0, 1]]


def test_the_loss_of_a_guess_is_one_and_of_certainty_zero() -> None:
    quantiser = FiniteScalarQuantiser((8, 6, 5))
    levels = quantiser.from_index(torch.arange(240))
    torch.testing.assert_close(quantiser.cross_entropy(torch.zeros(240, 19), levels), torch.ones(240))
    sure = 100 * quantiser.one_hot(levels)
    torch.testing.assert_close(quantiser.cross_entropy(sure, levels), torch.zeros(240))
    assert torch.equal(quantiser.most_likely(sure), levels)


def test_the_loss_is_the_cross_entropy_over_the_whole_codebook() -> None:
    quantiser = FiniteScalarQuantiser((3, 4))
    logits = numbers((0,) * 7, 9)
    joint = logits[:, :3, None] + logits[:, None, 3:]  # log-probabilities of independent numbers add up
    levels = quantiser.from_index(torch.arange(9))
    whole = torch.nn.functional.cross_entropy(joint.flatten(1), levels[:, 0] * 4 + levels[:, 1], reduction="none")
    torch.testing.assert_close(quantiser.cross_entropy(logits, levels), whole / math.log(12))


def test_perplexity_counts_codes_in_use() -> None:
    assert float(perplexity(torch.tensor([[3, 3], [3, 3]]), 12)) == pytest.approx(1)
    assert float(perplexity(torch.tensor([0, 5, 7, 11]), 12)) == pytest.approx(4)


def test_levels_are_those_the_paper_recommends() -> None:
    assert {math.prod(levels) for levels in LEVELS.values()} == {15_360, 1_000, 240}


@pytest.mark.parametrize("levels", [(), (8, 2)])
def test_fewer_than_three_levels_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="three or more"):
        FiniteScalarQuantiser(levels)
