"""A plan gives each space one role and each model the same number of frames."""

from __future__ import annotations

import pytest

from benchmark.plan import plan_run
from benchmark.suites import load_suite
from sim_envs.errors import UserError

DEMO = load_suite("demo")


def test_the_suite_decides_what_the_command_line_leaves_open() -> None:
    plan = plan_run(DEMO, None)
    assert plan.test_space == DEMO.test_spaces[0]
    assert tuple(m.name for m in plan.models) == DEMO.models
    assert plan.suite.seeds == DEMO.seeds


def test_a_named_space_takes_the_place_of_the_test_space() -> None:
    plan = plan_run(DEMO, "scan/mine", ["tst"], ["depth"], ["frozen"], 2)
    assert plan.roles["scan/mine"] == "test"
    assert DEMO.test_spaces[0] not in plan.roles
    assert (plan.suite.tasks, plan.suite.protocols, plan.suite.seeds) == (("depth",), ("frozen",), 2)


def test_a_test_space_gives_up_its_other_role() -> None:
    space = DEMO.transfer[0]
    plan = plan_run(DEMO, space)
    assert space not in plan.spaces("transfer")
    assert plan.roles[space] == "test"


def test_external_spaces_are_recorded_only_for_models_that_learn_from_them() -> None:
    assert not set(DEMO.external) & set(plan_run(DEMO, None, ["tst"]).needed)
    assert set(DEMO.external) <= set(plan_run(DEMO, None, ["tst-external"]).needed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["tsst"]}, "Unknown model"),
        ({"tasks": ["segm"]}, "Unknown task"),
        ({"protocols": ["half"]}, "Unknown protocol"),
        ({"seeds": 0}, "out of range"),
    ],
)
def test_wrong_names_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_run(DEMO, None, **arguments)  # type: ignore[arg-type]
