"""A plan gives each space one role and each model the same number of frames."""

from __future__ import annotations

import pytest

from baselines.zoo import ZOO
from benchmark.plan import plan_run, refuse_given_away, scored_spaces
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


@pytest.mark.parametrize("name", ["demo", "small"])
@pytest.mark.parametrize("role", ["transfer", "held_out", "external"])
def test_the_others_in_the_role_that_a_test_space_leaves_give_as_many_frames(name: str, role: str) -> None:
    suite = load_suite(name)
    spaces = getattr(suite, role)
    plan = plan_run(suite, spaces[0], ["tst-external"])
    for split, (number, each) in suite.recordings[role].items():  # type: ignore[index]
        found = [plan.recipe(space).splits[split] for space in spaces[1:]]
        assert sum(n * e for n, e in found) >= len(spaces) * number * each
        assert {e for _, e in found} == {each}
    for other in suite.spaces():
        if suite.spaces()[other] not in (role, "test"):
            assert plan.recipe(other) == plan_run(suite, None, ["tst-external"]).recipe(other)


def test_external_spaces_are_recorded_only_for_models_that_learn_from_them() -> None:
    assert not set(DEMO.external) & set(plan_run(DEMO, None, ["tst"]).needed)
    assert set(DEMO.external) <= set(plan_run(DEMO, None, ["tst-external"]).needed)


def test_few_external_spaces_are_recorded_longer_so_that_they_give_as_many_frames() -> None:
    plan = plan_run(DEMO, None, ["tst-external:2", "tst-external"])
    groups = {group: [recipe for name, recipe in plan.recordings if name == group] for group, _ in plan.recordings}
    trajectories, each = DEMO.recordings["external"]["train"]
    assert [recipe.space for recipe in groups["external:2"]] == list(DEMO.external[:2])
    assert all(
        recipe.splits["train"][0] * recipe.splits["train"][1] >= DEMO.pretrain.frames / 2
        for recipe in groups["external:2"]
    )
    assert [recipe.splits["train"] for recipe in groups["external"]] == [(trajectories, each)] * len(DEMO.external)


def test_as_many_external_spaces_as_the_suite_has_are_recorded_once() -> None:
    both = plan_run(DEMO, None, ["tst-external:6", "tst-external"]).recordings
    recipes = {group: [recipe for name, recipe in both if name == group] for group in ("external", "external:6")}
    assert recipes["external"] == recipes["external:6"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["tsst"]}, "Unknown model"),
        ({"models": ["mae-external:7"]}, "more external spaces than the 6"),
        ({"tasks": ["segm"]}, "Unknown task"),
        ({"protocols": ["half"]}, "Unknown protocol"),
        ({"seeds": 0}, "out of range"),
    ],
)
def test_wrong_names_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_run(DEMO, None, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("task", ["depth", "normals"])
def test_a_task_that_asks_for_what_a_model_reads_is_refused_by_name(task: str) -> None:
    with pytest.raises(UserError, match=f"scratch-multimodal reads .*depth when it predicts, so the task {task}"):
        refuse_given_away(ZOO["scratch-multimodal"], ["semseg", task])
    refuse_given_away(ZOO["scratch"], ["semseg", task])
    refuse_given_away(ZOO["scratch-multimodal"], ["semseg"])


SEVERAL = DEMO.model_copy(update={"test_spaces": ("builtin/flat-01", "builtin/flat-02", "builtin/flat-03")})


def test_a_run_about_one_of_several_test_spaces_scores_in_the_others_too() -> None:
    plan = plan_run(SEVERAL, "builtin/flat-02", ["tst"])
    assert plan.spaces("test") == ["builtin/flat-02"]
    assert plan.spaces("other") == ["builtin/flat-01", "builtin/flat-03"]
    assert {recipe.space for group, recipe in plan.recordings if group == "other"} == set(plan.spaces("other"))


def test_test_spaces_are_recorded_and_scored_alike_whichever_the_run_is_about() -> None:
    one, two = (plan_run(SEVERAL, space, ["tst"]) for space in SEVERAL.test_spaces[:2])
    for space in SEVERAL.test_spaces:
        assert one.recipe(space) == two.recipe(space)
    assert scored_spaces(one) == scored_spaces(two) == [*SEVERAL.test_spaces, *DEMO.held_out]


def test_a_space_of_the_users_own_has_no_other_test_spaces() -> None:
    plan = plan_run(SEVERAL, "scan/mine", ["tst"])
    assert plan.spaces("other") == []
    assert scored_spaces(plan) == ["scan/mine", *DEMO.held_out]
