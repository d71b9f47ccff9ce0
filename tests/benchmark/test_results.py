"""A result file carries what its scores follow from, and is refused by field when it does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.environment import environment, source_digest
from benchmark.estimates import estimates, scores
from benchmark.results import Compute, Result, SpaceResult, StoredStatistics, collect, load_result, save_result
from benchmark.tasks import Statistics
from benchmark.tasks.depth import DEPTH
from benchmark.tasks.semseg import SEMSEG
from sim_envs.errors import UserError


def ids_in_a_space(seed: int, space: str, role: str, trajectories: int = 6) -> SpaceResult:
    rng = np.random.default_rng(seed)
    target = np.random.default_rng(99).integers(0, 9, (4 * trajectories, 8, 8)).astype(np.uint8)
    prediction = np.where(rng.uniform(size=target.shape) < 0.6, np.maximum(target, 1), 3).astype(np.uint8)
    statistics = SEMSEG.statistics(prediction, target, np.repeat(np.arange(trajectories), 4))
    scope = SEMSEG.scope(statistics.total, tuple(range(1, 8)))
    return SpaceResult(
        space=space,
        role=role,  # type: ignore[arg-type]
        recording="ab" * 32,
        predictions="cd" * 32,
        scored=scope.scored,
        left_out=dict(scope.left_out),
        statistics=StoredStatistics.pack(statistics),
    )


def a_result(seed: int = 0, **changes: object) -> Result:
    spaces = (
        ids_in_a_space(seed, "builtin/flat-01", "test"),
        ids_in_a_space(seed + 50, "builtin/flat-21", "held_out"),
        ids_in_a_space(seed + 60, "builtin/flat-22", "held_out", 4),
    )
    fields: dict[str, object] = {
        "suite": "demo v1",
        "test_space": "builtin/flat-01",
        "variant": "inductive",
        "model": "tst",
        "track": "sensors-only",
        "task": "semseg",
        "task_version": SEMSEG.version,
        "protocol": "finetune",
        "seed": seed,
        "created": "2026-01-01T00:00:00+00:00",
        "configuration": {"steps": 10},
        "ledger": {"entries": []},
        "environment": environment(),
        "inputs": {"suite": "ef" * 32},
        "compute": Compute(pretrain_steps=10),
        "timings": {"pretrain": 1.5},
        "spaces": spaces,
        "scores": scores(spaces, SEMSEG, seed),
    }
    return Result(**(fields | changes))  # type: ignore[arg-type]


def test_a_result_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    result = a_result()
    path = save_result(tmp_path, result)
    assert path.name == "builtin__flat-01--tst--semseg--finetune--seed0.result.json"
    assert load_result(path) == result
    assert load_result(path).folder == tmp_path


def test_a_saved_result_is_compact(tmp_path: Path) -> None:
    assert save_result(tmp_path, a_result()).stat().st_size < 40_000


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_statistics_survive_storage_exactly(dtype: type) -> None:
    rng = np.random.default_rng(0)
    sums = (rng.uniform(size=(3, 4, 4)) * 1e6 * (rng.uniform(size=(3, 4, 4)) < 0.3)).astype(dtype)
    statistics = Statistics(np.array([1, 4, 8]), np.array([5, 0, 2]), sums)
    stored = StoredStatistics.model_validate_json(StoredStatistics.pack(statistics).model_dump_json()).unpack()
    assert stored.sums.dtype == dtype
    np.testing.assert_array_equal(stored.sums, sums)
    np.testing.assert_array_equal(stored.trajectory, [1, 4, 8])
    np.testing.assert_array_equal(stored.frames, [5, 0, 2])


def test_stored_scores_follow_from_stored_statistics(tmp_path: Path) -> None:
    result = load_result(save_result(tmp_path, a_result()))
    again = estimates([result])
    for role in ("test", "held_out", "gap"):
        stored = result.scores["miou"][role]
        assert stored.value == again[role]["miou"].value
        assert (stored.low, stored.high) == again[role]["miou"].interval


def test_the_gap_is_test_less_held_out() -> None:
    found = estimates([a_result()])
    assert found["gap"]["miou"].value == found["test"]["miou"].value - found["held_out"]["miou"].value


def test_the_held_out_score_is_the_mean_over_spaces() -> None:
    result = a_result()
    each = [float(SEMSEG.metrics(part.statistics.unpack().total, part.scope)["miou"]) for part in result.spaces[1:]]
    assert estimates([result])["held_out"]["miou"].value == pytest.approx(np.mean(each))


def test_seeds_are_averaged() -> None:
    results = [a_result(seed) for seed in (2, 0, 1)]
    together = estimates(results)["test"]["miou"]
    assert together.seeds == (0, 1, 2)
    assert together.value == pytest.approx(np.mean([estimates([r])["test"]["miou"].value for r in results]))


def test_seeds_scored_on_different_trajectories_are_refused() -> None:
    other = a_result(1)
    spaces = (ids_in_a_space(1, "builtin/flat-01", "test", trajectories=5), *other.spaces[1:])
    with pytest.raises(UserError, match="different trajectories"):
        estimates([a_result(0), other.model_copy(update={"spaces": spaces})])


def test_a_test_space_without_held_out_spaces_has_no_gap() -> None:
    spaces = a_result().spaces[:1]
    assert set(estimates([a_result(spaces=spaces, scores=scores(spaces, SEMSEG, 0))])) == {"test"}


def test_depth_results_keep_their_error_sums() -> None:
    rng = np.random.default_rng(0)
    target = rng.uniform(0.5, 5, (6, 4, 4)).astype(np.float32)
    statistics = DEPTH.statistics((target * 1.1).astype(np.float16), target, np.repeat([0, 1, 2], 2))
    part = SpaceResult(
        space="builtin/flat-01",
        role="test",
        recording="ab" * 32,
        predictions="cd" * 32,
        statistics=StoredStatistics.pack(statistics),
    )
    found = scores([part], DEPTH, 0)
    assert found["abs_rel"]["test"].value == pytest.approx(0.1, abs=1e-3)
    assert found["scaled_abs_rel"]["test"].value == pytest.approx(0, abs=1e-3)
    assert set(found) == {measure.key for measure in DEPTH.measures}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"surprise": True}, "surprise"),
        ({"seed": "first"}, "seed"),
        ({"test_space": "builtin/flat-77"}, "role test"),
        ({"spaces": []}, "spaces"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_field(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = save_result(tmp_path, a_result())
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message):
        load_result(path)


def test_sums_outside_the_matrix_are_refused(tmp_path: Path) -> None:
    path = save_result(tmp_path, a_result())
    content = json.loads(path.read_text())
    content["spaces"][0]["statistics"]["trajectories"][0]["index"][-1] = 10**6
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="outside"):
        load_result(path)


def test_sums_of_another_version_of_a_task_are_refused_and_not_misread(tmp_path: Path) -> None:
    path = save_result(tmp_path, a_result())
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"task_version": SEMSEG.version + 1}))
    with pytest.raises(UserError, match=f"semseg version {SEMSEG.version + 1}; this is version {SEMSEG.version}"):
        load_result(path)


def test_a_result_from_before_tasks_had_versions_is_of_version_1(tmp_path: Path) -> None:
    path = save_result(tmp_path, a_result())
    content = json.loads(path.read_text()) | {"task": "depth"}
    del content["task_version"]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"depth version 1; this is version {DEPTH.version}"):
        collect(tmp_path)


def test_sums_of_a_shape_that_the_task_does_not_have_are_refused(tmp_path: Path) -> None:
    path = save_result(tmp_path, a_result())
    content = json.loads(path.read_text())
    content["spaces"][1]["statistics"]["shape"] = [4, *SEMSEG.sum_shape]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="the sums of builtin/flat-21 have shape"):
        load_result(path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = save_result(tmp_path, a_result())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="is not a result"):
        load_result(path)


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tst-bench run"):
        load_result(tmp_path / "none.result.json")


def test_collect_reads_every_result_below_a_folder(tmp_path: Path) -> None:
    save_result(tmp_path / "a", a_result(0))
    save_result(tmp_path / "b" / "c", a_result(1))
    assert [result.seed for result in collect(tmp_path)] == [0, 1]


def test_collect_says_when_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No results"):
        collect(tmp_path)
    with pytest.raises(UserError, match="No such folder"):
        collect(tmp_path / "none")


def test_the_environment_names_code_machine_and_libraries() -> None:
    found = environment(gpus=("NVIDIA Something",))
    assert found.libraries["numpy"] == np.__version__
    assert found.hardware.cores >= 1
    assert found.hardware.memory_gb > 0
    assert found.hardware.gpus == ("NVIDIA Something",)
    assert len(found.code.source) == 64


def test_the_source_digest_changes_with_the_source(tmp_path: Path) -> None:
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "a.py").write_text("x = 1\n")
    before = source_digest(tmp_path)
    (tmp_path / "benchmark" / "notes.txt").write_text("no code")
    assert source_digest(tmp_path) == before
    (tmp_path / "benchmark" / "a.py").write_text("x = 2\n")
    assert source_digest(tmp_path) != before


def test_published_results_are_no_source(tmp_path: Path) -> None:
    before = source_digest(tmp_path)
    published = tmp_path / "leaderboard" / "results" / "site" / "scores.json"
    published.parent.mkdir(parents=True)
    published.write_text("{}")
    assert source_digest(tmp_path) == before
