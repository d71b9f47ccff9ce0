"""The whole way of task experts, with small ones and real spaces: zero-shot, as encoders, and what the results say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import baselines.zoo
from baselines.experts.blip import Blip
from baselines.experts.depth_anything import DepthAnything
from baselines.experts.expert import Expert
from baselines.experts.mask2former import Mask2Former
from baselines.experts.rt_detr import RTDetr
from baselines.zoo import ZOO, Model
from benchmark.forms import concatenate
from benchmark.plan import RunPlan, plan_run
from benchmark.predictions import read_prediction
from benchmark.report import gather
from benchmark.report.findings import findings
from benchmark.results import Result, collect
from benchmark.runner import jobs_of, open_recordings, run_folder
from benchmark.stages.zero_shot import BATCH
from benchmark.suites import load_suite
from benchmark.tasks import TASKS
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording
from tests.baselines.expert_kit import publish, small

SUITE = {
    "name": "mini",
    "version": 1,
    "summary": "the pipeline in seconds",
    "test_spaces": ["builtin/flat-01"],
    "transfer": ["builtin/flat-11"],
    "held_out": ["builtin/flat-21"],
    "rig": {"width": 32, "height": 32},
    "recordings": {
        "test": {"train": [2, 3], "test": [3, 8]},
        "transfer": {"train": [3, 8], "val": [2, 4]},
        "held_out": {"test": [3, 8]},
    },
    "models": ["mock"],
    "protocols": ["finetune", "zero-shot"],
    "pretrain": {"frames": 4, "steps": 2, "batch": 2},
    "transfer_budget": {"frames": 20, "steps": 2, "batch": 2, "evaluations": 1, "encoder_lrs": [1e-3]},
}
EXPERTS: dict[str, type[Expert]] = {
    "small-mask2former": Mask2Former,
    "small-depth-anything": DepthAnything,
    "small-rt-detr": RTDetr,
    "small-blip": Blip,
}
TASKS_OF_ALL = ["semseg", "depth", "detection", "captioning"]


@pytest.fixture(scope="module", autouse=True)
def zoo() -> Iterator[None]:
    """Put small experts into the zoo of this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, kind in EXPERTS.items():
            patch.setitem(baselines.zoo.ROWS, name, Model(name, "a small expert for tests", network=small(kind)))
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with a suite and published folders of the experts."""
    home = tmp_path_factory.mktemp("home")
    (home / "mini.yaml").write_text(yaml.safe_dump(SUITE), encoding="utf-8")
    for name, kind in EXPERTS.items():
        publish(kind, home / name)
    return home


def planned(home: Path, models: list[str], tasks: list[str], protocols: list[str], seeds: int = 1) -> RunPlan:
    weights = {name: home / name for name in models if name in EXPERTS}
    return plan_run(load_suite(str(home / "mini.yaml")), None, models, tasks, protocols, seeds, weights)


def run(plan: RunPlan, home: Path) -> list[Result]:
    """Run all jobs of a plan in this process."""
    for job in jobs_of(plan, open_recordings(plan, home), plan.suite.tasks, home, "cpu"):
        job.function(**job.arguments, report=lambda done, total: None)
    return collect(run_folder(home, plan) / "results")


@pytest.fixture(scope="module")
def finished(home: Path) -> list[Result]:
    """Results of all experts without transfer, and of one as an encoder beside a mock."""
    run(planned(home, [*EXPERTS], TASKS_OF_ALL, ["zero-shot"]), home)
    run(planned(home, ["small-blip"], ["captioning"], ["zero-shot"], seeds=2), home)
    return run(planned(home, ["mock", "small-mask2former"], ["semseg", "depth"], ["finetune", "zero-shot"]), home)


def test_an_expert_answers_its_own_task_by_itself_and_all_others_by_transfer(finished: list[Result]) -> None:
    by_themselves = {(r.model, r.task) for r in finished if r.protocol == "zero-shot"}
    assert by_themselves == {(name, kind.task) for name, kind in EXPERTS.items()}
    transferred = {(r.model, r.task) for r in finished if r.protocol == "finetune"}
    assert transferred == {(model, task) for model in ("mock", "small-mask2former") for task in ("semseg", "depth")}


def test_a_result_without_transfer_says_that_nothing_was_learned_here(finished: list[Result]) -> None:
    for result in finished:
        assert result.track == ("scratch" if result.model == "mock" else "task-expert")
        if result.protocol == "zero-shot":
            network = ZOO[result.model].network
            assert network is not None
            assert (result.compute.transfer_frames, result.compute.transfer_steps) == (0, 0)
            assert result.compute.parameters == network.zero_shot_parameters
            assert not result.curves
            assert not any("flat-11" in name for name in result.inputs)  # no frame of the transfer spaces was read
            assert f"weights of {result.model}" in result.inputs


def test_tables_set_it_apart(finished: list[Result]) -> None:
    tables = gather(finished)
    assert {table.protocol for table in tables} == {"finetune", "zero-shot"}
    alone = next(t for t in tables if (t.task.name, t.protocol) == ("semseg", "zero-shot"))
    assert [row.model for row in alone.rows] == ["small-mask2former"]


def test_nothing_is_said_of_seeds_where_nothing_is_trained(finished: list[Result]) -> None:
    for table in gather(finished):
        said = " ".join([*findings(table), table.rests_on])
        assert ("training seed" in said) == (table.protocol == "finetune")
        assert "Conditional on these 2 spaces." in said


def test_what_is_scored_does_not_depend_on_what_an_expert_knows(finished: list[Result]) -> None:
    scopes = {r.protocol: [part.scored for part in r.spaces] for r in finished if r.task == "semseg"}
    assert scopes["zero-shot"] == scopes["finetune"]
    assert all(scopes["zero-shot"])


@pytest.mark.parametrize("name", EXPERTS)
def test_predictions_on_disk_are_what_the_expert_says_of_the_frames(
    name: str, home: Path, finished: list[Result]
) -> None:
    kind = EXPERTS[name]
    task = TASKS[kind.task]
    result = next(r for r in finished if (r.model, r.protocol) == (name, "zero-shot"))
    recording = open_recordings(planned(home, [name], [kind.task], ["zero-shot"]), home)["test"][0]
    assert isinstance(recording, Recording)
    rows = recording.indices("test")
    answer = small(kind).zero_shot(kind.task, task.categories, home / name, torch.device("cpu"))
    expected = concatenate([task.encode_prediction(answer(np.asarray(recording.array("rgb")[rows])))])
    folder = result.file(result.prediction_folder)
    assert folder is not None
    stored = read_prediction(folder, "builtin/flat-01", recording=recording.meta.digest)
    assert stored.frames.tolist() == rows.tolist()
    concluded = task.conclude(expected, rows, recording.trajectory_ids[rows])
    ours, theirs = task.form.pack(stored.values), task.form.pack(concluded)
    for key in ours:
        if ours[key].dtype.kind == "f":
            np.testing.assert_allclose(ours[key], theirs[key], rtol=2e-3, atol=1e-5)
        else:
            assert np.array_equal(ours[key], theirs[key])


def test_seeds_share_what_no_seed_decides(home: Path, finished: list[Result]) -> None:
    by_seed = [r for r in finished if (r.model, r.protocol) == ("small-blip", "zero-shot")]
    assert [r.seed for r in by_seed] == [0, 1]
    assert len({r.prediction_folder for r in by_seed}) == 1
    assert by_seed[0].spaces == by_seed[1].spaces


def test_a_second_run_does_nothing_twice(home: Path, finished: list[Result]) -> None:
    files = {path: path.stat().st_mtime_ns for path in (home / "stages").rglob("*.npz")}
    assert files
    run(planned(home, ["small-blip"], ["captioning"], ["zero-shot"]), home)
    assert {path: path.stat().st_mtime_ns for path in (home / "stages").rglob("*.npz")} == files


def test_other_weights_meet_no_old_prediction(home: Path, tmp_path: Path, finished: list[Result]) -> None:
    plan = planned(home, ["small-blip"], ["captioning"], ["zero-shot"])
    recordings = open_recordings(plan, home)

    def folders(plan: RunPlan) -> set[Path]:
        jobs = jobs_of(plan, recordings, plan.suite.tasks, home, "cpu")
        return {job.arguments["stage"].prediction_folder for job in jobs}

    publish(Blip, tmp_path / "small-blip", seed=7)
    (tmp_path / "mini.yaml").write_bytes((home / "mini.yaml").read_bytes())
    other = planned(tmp_path, ["small-blip"], ["captioning"], ["zero-shot"])
    assert folders(plan).isdisjoint(folders(other))


def test_it_is_told_how_many_frames_are_answered(home: Path, tmp_path: Path, finished: list[Result]) -> None:
    plan = planned(home, ["small-depth-anything"], ["depth"], ["zero-shot"])
    told: list[tuple[int, int]] = []
    (job,) = jobs_of(plan, open_recordings(plan, home), plan.suite.tasks, tmp_path, "cpu")
    job.function(**job.arguments, report=lambda done, total: told.append((done, total)))
    frames = sum(len(part.rows) for _, part in job.arguments["stage"].scored)
    assert frames > BATCH
    assert [total for _, total in told] == [frames] * len(told)
    done = [0, *(done for done, _ in told)]
    assert done[-1] == frames
    assert all(0 < after - before <= BATCH for before, after in pairwise(done))


def test_a_run_in_which_nobody_answers_is_refused(home: Path) -> None:
    with pytest.raises(UserError, match=r"No model of this run answers semseg without transfer.*models list"):
        planned(home, ["mock", "small-blip"], ["semseg"], ["zero-shot"])


def test_an_unknown_protocol_names_the_near_ones(home: Path) -> None:
    with pytest.raises(UserError, match="zero-shot"):
        planned(home, ["mock"], ["semseg"], ["zeroshot"])
