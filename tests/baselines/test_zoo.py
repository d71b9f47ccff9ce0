"""Every row of the zoo is well formed, and unknown names are answered with the near ones."""

from __future__ import annotations

import pytest

from baselines.zoo import ZOO
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED


@pytest.mark.parametrize("name", list(ZOO))
def test_a_row_reads_sensed_modalities_from_shares_that_sum_to_one(name: str) -> None:
    model = ZOO[name]
    assert model.name == name
    assert set(model.modalities) <= set(SENSED)
    assert model.pretrains == (model.sources is not None)
    if model.sources:
        assert sum(model.sources.values()) == pytest.approx(1)


def test_an_unknown_model_names_the_near_ones() -> None:
    with pytest.raises(UserError, match="Did you mean tst"):
        ZOO["tts"]
