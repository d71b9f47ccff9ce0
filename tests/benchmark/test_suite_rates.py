"""Encoders that begin in a suite and networks trained elsewhere learn at rates of their own, and try as many."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from baselines.zoo import ZOO
from benchmark.suites import TransferBudget, load_suite, suite_names


def test_networks_trained_elsewhere_learn_at_a_tenth_unless_a_suite_says_otherwise() -> None:
    assert TransferBudget(encoder_lrs=(1e-3, 5e-4)).rates(trained_elsewhere=True) == pytest.approx((1e-4, 5e-5))
    assert TransferBudget(encoder_lrs=(1e-3,)).rates(trained_elsewhere=False) == (1e-3,)
    assert TransferBudget(encoder_lrs=(1e-3,), trained_encoder_lrs=(3e-5,)).rates(trained_elsewhere=True) == (3e-5,)


def test_nobody_may_try_more_rates_than_others() -> None:
    with pytest.raises(ValidationError, match="1 encoder_lrs and 2 trained_encoder_lrs"):
        TransferBudget(encoder_lrs=(1e-3,), trained_encoder_lrs=(1e-4, 1e-5))


@pytest.mark.parametrize(
    ("name", "elsewhere"),
    [
        ("scratch", False),
        ("tst", False),
        ("oracle", False),
        ("mock", False),
        ("dinov2-s", True),
        ("dinov2-s-adapted", True),
        ("4m-21-b", True),
        ("mask2former", True),
        ("efficientnet-lite0", True),
    ],
)
def test_the_ledger_says_who_was_trained_elsewhere(name: str, elsewhere: bool) -> None:
    assert ZOO[name].trained_elsewhere is elsewhere


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_has_rates_for_both(name: str) -> None:
    budget = load_suite(name).transfer_budget
    assert max(budget.rates(trained_elsewhere=True)) < min(budget.rates(trained_elsewhere=False))
