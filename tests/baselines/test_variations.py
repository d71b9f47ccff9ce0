"""Rows of the zoo with one thing changed, by name."""

from __future__ import annotations

import pytest

from baselines.objectives import OBJECTIVES
from baselines.tokens.objective import MaskedTokens
from baselines.tst.masked import MaskedModelling
from baselines.zoo import ZOO
from sim_envs.errors import UserError
from tests.baselines.pretraining_kit import CONFIG, SHAPE


def test_a_variation_changes_what_it_names_and_nothing_else() -> None:
    base, varied = ZOO["tst"], ZOO["tst@modalities=rgb+normals"]
    assert varied.name == "tst@modalities=rgb+normals"
    assert varied.modalities == ("rgb", "normals")
    assert (varied.sources, varied.budget, varied.network) == (base.sources, {}, base.network)


def test_modalities_stand_in_the_order_of_their_table_however_they_are_typed() -> None:
    assert ZOO["tst@modalities=edges+rgb+depth"].modalities == ("rgb", "depth", "edges")


def test_another_budget_sets_a_row_apart() -> None:
    varied = ZOO["tst-mae@steps=50,mask-ratio=0.9"]
    assert (varied.budget, varied.mask_ratio) == ({"steps": 50}, 0.9)
    assert "steps=50" in varied.unranked
    assert not ZOO["tst@modalities=rgb+depth"].unranked, "equal budgets may be ranked"


def test_a_mix_without_a_part_draws_nothing_from_it() -> None:
    assert ZOO["tst@mix=1"].sources == {"test": 1.0}
    assert ZOO["tst@mix=0"].sources == {"external": 1.0}
    assert ZOO["tst@mix=0.25"].sources == {"test": 0.25, "external": 0.75}


def test_whatever_masks_is_masked_as_its_row_says() -> None:
    def visible(row: str) -> int:
        model = ZOO[row]
        objective = OBJECTIVES[model.objective](model, SHAPE, CONFIG, None)
        assert isinstance(objective, (MaskedModelling, MaskedTokens))
        return objective.plan.visible

    assert visible("tst@mask-ratio=0.75") == visible("tst-tokens@mask-ratio=0.75") == 4 * SHAPE.tokens // 4
    assert visible("tst@mask-ratio=0.875") == visible("tst-tokens@mask-ratio=0.875") == 4 * SHAPE.tokens // 8


def test_teachers_stay_when_sensors_are_left_out() -> None:
    varied = ZOO["tst+mock@modalities=rgb+depth"]
    assert varied.teachers == ("mock",)
    assert varied.modalities == ("rgb", "depth", "features:mock")


def test_families_can_be_varied_too() -> None:
    varied = ZOO["tst-external:3@steps=9"]
    assert (varied.external_spaces, varied.budget) == (3, {"steps": 9})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tst@stepps=1", "Unknown variation 'stepps'"),
        ("scratch@steps=3", "not pre-trained"),
        ("tst@steps", "give steps a value"),
        ("tst@steps=", "give steps a value"),
        ("tst@steps=0", "above 0"),
        ("tst@steps=1.5", "not a whole number"),
        ("tst@mix=1.5", "from 0 to 1"),
        ("tst@mix=some", "not a number"),
        ("tst@mask-ratio=1", "between 0 and 1"),
        ("tst@modalities=depth", "rgb must be among"),
        ("tst@modalities=rgb+rgb", "only once"),
        ("tst@modalities=rgb+semantic", "is a label"),
        ("tst@modalities=rgb+smell", "Unknown modality"),
        ("tst@steps=3,steps=4", "steps is given twice"),
        ("tst@mask-ratio=0.5", "Hide 0.75 of the tokens or more"),
        ("tst-dino@mask-ratio=0.5", "hides no tokens"),
        ("tst-dino@modalities=rgb+depth", "sees RGB alone"),
        ("nothing@steps=3", "Unknown model"),
    ],
)
def test_what_cannot_be_varied_is_said_by_name(name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        ZOO[name]
