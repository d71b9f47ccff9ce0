"""Suites are read strictly: what does not fit is named, and a space has one role."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from baselines.zoo import ZOO
from benchmark.commands.asked import Asked, asked_plan
from benchmark.suites import Suite, load_suite, suite_names
from benchmark.suites.check import suite_problems
from benchmark.tasks import TASKS
from sim_envs.errors import UserError


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_that_ships_is_consistent(name: str, tmp_path: Path) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert all(model in ZOO for model in suite.models)
    assert all(task in TASKS for task in suite.tasks)
    missing = [problem for problem in suite_problems(suite, tmp_path) if "is not on this machine" not in problem]
    assert missing == [], "nothing but spaces that the user brings may be missing"


def test_the_builtin_suite_has_what_it_promises() -> None:
    suite = load_suite("builtin-v1")
    sizes = [len(spaces) for spaces in (suite.test_spaces, suite.transfer, suite.held_out, suite.external)]
    assert [size >= least for size, least in zip(sizes, (4, 8, 8, 16), strict=True)] == [True] * 4
    assert sizes[3] <= 64
    pools = {space: (int(space[-2:]) - 1) // 10 % 4 for space in suite.spaces()}
    of = {role: {pools[space] for space in spaces} for role, spaces in suite_roles(suite).items()}
    assert not of["test"] & (of["transfer"] | of["held_out"] | of["external"]), "no furniture of the test spaces"
    assert not of["held_out"] & (of["transfer"] | of["external"])


def suite_roles(suite: Suite) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for space, role in suite.spaces().items():
        roles.setdefault(role, []).append(space)
    return roles


def test_a_space_of_a_known_data_set_says_how_it_is_imported(tmp_path: Path) -> None:
    (problem, *_) = suite_problems(load_suite("replica"), tmp_path)
    assert problem.startswith("test space: 'scan/replica-apartment_0' is not on this machine.")
    assert "tst-bench spaces import --format replica ROOT --scene apartment_0" in problem


def rewritten(tmp_path: Path, **changes: object) -> str:
    values = yaml.safe_load((Path(suite_file("demo"))).read_text(encoding="utf-8")) | changes
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(path)


def suite_file(name: str) -> Path:
    import benchmark.suites

    return Path(benchmark.suites.__file__).parent / f"{name}.yaml"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed": 3}, "speed"),
        ({"seeds": 0}, "seeds"),
        ({"rig": {"width": 16}}, "rig.width"),
        ({"transfer": ["builtin/flat-01"]}, "one role"),
        ({"protocols": ["thawed"]}, "protocols"),
        ({"pretrain": {"steps": "many"}}, "pretrain.steps"),
        ({"recordings": {"test": {"test": [2, 4]}, "transfer": {"train": [2, 4]}}}, "recordings.transfer .* val"),
        ({"recordings": {"test": {"train": [2, 4]}}}, "recordings.test says nothing of test"),
    ],
)
def test_a_field_that_does_not_fit_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_suite(rewritten(tmp_path, **changes))


def test_an_unknown_suite_names_the_near_ones() -> None:
    with pytest.raises(UserError, match="Did you mean demo"):
        load_suite("dmeo")


def test_a_suite_file_that_is_missing_or_not_yaml_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No suite file"):
        load_suite(str(tmp_path / "none.yaml"))
    (tmp_path / "broken.yaml").write_text("a: [1, 2", encoding="utf-8")
    with pytest.raises(UserError, match="not YAML"):
        load_suite(str(tmp_path / "broken.yaml"))
    (tmp_path / "list.yaml").write_text("- a\n- b\n", encoding="utf-8")
    with pytest.raises(UserError, match="no fields with values"):
        load_suite(str(tmp_path / "list.yaml"))
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(UserError, match="cannot be read"):
        load_suite(str(tmp_path / "bytes.yaml"))


def test_another_head_makes_another_suite_so_that_results_are_kept_apart(tmp_path: Path) -> None:
    linear = load_suite("demo").with_head("linear")
    assert linear.name == "demo-linear-head"
    assert linear.transfer_budget.head == "linear"
    asked = Asked("demo", models=["scratch"], head="linear", limit=64)
    plan, _ = asked_plan(asked, tmp_path)
    assert plan.name.startswith("demo-linear-head-limit-64/")


@pytest.mark.parametrize("head", [None, "strong"])
def test_the_head_that_a_suite_has_leaves_it_as_it_is(head: str | None) -> None:
    demo = load_suite("demo")
    assert demo.with_head(head) == demo


def test_an_unknown_head_names_the_near_ones() -> None:
    with pytest.raises(UserError, match="linear"):
        load_suite("demo").with_head("liner")
