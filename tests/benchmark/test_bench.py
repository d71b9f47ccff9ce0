"""The bench: ours and its peers do the same work, take turns, and what they took is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch

from baselines.encoder import encoder_config
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import pretrain
from baselines.tst.masked import MaskedModelling
from benchmark.bench import JOBS, contest
from benchmark.bench.contest import (
    OURS,
    SIZES,
    Contest,
    Disagreement,
    Goal,
    PeerMissing,
    Settings,
    Side,
    Sizes,
    Took,
    in_turns,
    package,
    present,
    timed,
)
from benchmark.bench.help import show_help
from benchmark.bench.measured import BenchReport, MeasuredContest, file_name, summarised
from benchmark.bench.read import Plain, in_order, same_frames
from benchmark.bench.render import all_frames, our_frame, same_views, views
from benchmark.bench.run import run_bench, run_contest
from benchmark.bench.score import (
    looped_draws,
    our_confusion,
    our_draws,
    same_counts,
    simulated_samples,
    store_frames,
    torchmetrics_confusion,
    torchmetrics_with_boundaries,
)
from benchmark.bench.step import Pretraining, bare_step, between_steps
from benchmark.bench.stores import NUMBER, STORES, shuffled_rows
from benchmark.environment import Hardware
from benchmark.metrics.overlap import mean_iou, overlap_sums
from sim_envs.engines.compare import angle_deg, away_from_edges
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.modalities import MODALITIES, SENSED
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.spaces import load_space
from tests.command_line import run_command
from tests.sim_envs.habitat_kit import habitat_interpreter

TINY = Sizes(
    rounds=2,
    pixels=64,
    rendered=2,
    recorded=3,
    scored=10,
    models=2,
    trajectories=5,
    resamples=20,
    looped_models=1,
    looped_resamples=3,
    encoder="tiny",
    encoder_pixels=32,
    batch=2,
    steps=1,
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def flat() -> Space:
    return load_space("builtin/flat-01")


@pytest.fixture(scope="module")
def seen(flat: Space) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Poses in the flat, and our frames of them."""
    rig = Rig(128, 128)
    poses, engine = views(flat, 3, rig), RaycastEngine(flat, rig)
    return poses, all_frames(lambda pose: our_frame(engine, pose), poses)


# What the sides of a job give is the same.


def test_open3d_gives_our_depth_within_a_millimetre_our_ids_and_our_normals(
    flat: Space, seen: tuple[np.ndarray, dict[str, np.ndarray]]
) -> None:
    pytest.importorskip("open3d")
    from benchmark.bench.open3d_scene import Open3DScene

    poses, ours = seen
    theirs = all_frames(Open3DScene(flat, Rig(128, 128)).render, poses)
    inner = away_from_edges(ours["instance"])
    assert {name: (v.dtype, v.shape) for name, v in theirs.items()} == {n: (v.dtype, v.shape) for n, v in ours.items()}
    assert np.abs(ours["depth"].astype(int) - theirs["depth"])[inner].max() <= 1
    for ids in ("instance", "semantic"):
        assert np.array_equal(ours[ids][inner], theirs[ids][inner])
    assert np.quantile(angle_deg(ours["normals"], theirs["normals"])[inner], 0.999) < 1
    same_views(ours, theirs)


def test_pyrender_gives_our_ids_and_our_depth_where_opengl_draws(
    flat: Space, seen: tuple[np.ndarray, dict[str, np.ndarray]]
) -> None:
    pytest.importorskip("pyrender")
    from benchmark.bench.pyrender_scene import PyrenderScene

    try:
        scene = PyrenderScene(flat, Rig(128, 128))
    except PeerMissing as reason:
        pytest.skip(str(reason))
    poses, ours = seen
    theirs = all_frames(scene.render, poses)
    scene.close()
    same_views(ours, theirs)
    assert {name: values.dtype for name, values in theirs.items()} == {n: values.dtype for n, values in ours.items()}


def test_the_bare_loop_of_habitat_sim_sees_what_we_see_and_says_what_it_took(
    flat: Space, seen: tuple[np.ndarray, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    habitat_interpreter()
    from benchmark.bench.habitat_loop import HabitatLoop

    poses, ours = seen
    loop = HabitatLoop(flat, Rig(128, 128), poses, tmp_path)
    taken = timed(Side("habitat-sim", "", loop.render, processor=loop.processor_seconds))
    same_views(ours, loop.frames())
    loop.close()
    assert taken.processor_s > 0


def test_views_of_another_place_are_told_to_differ(seen: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    _, ours = seen
    turned = {name: values[::-1] for name, values in ours.items()}
    with pytest.raises(Disagreement, match="ids equal on"):
        same_views(ours, turned)


def some_frames(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {name: MODALITIES[name].frame_shape(32, 40) for name in SENSED}
    return {n: rng.integers(0, 250, (count, *shape)).astype(MODALITIES[n].dtype) for n, shape in shapes.items()}


@pytest.mark.parametrize("name", [*STORES, OURS])
def test_every_store_gives_back_every_frame_once_in_the_stored_types(name: str, tmp_path: Path) -> None:
    try:
        store = Plain() if name == OURS else STORES[name]()
    except PeerMissing as reason:
        pytest.skip(str(reason))
    frames = some_frames(7)
    frames["depth"][0, 0, 0] = 65535
    store.write(frames, tmp_path)
    batches = list(store.batches(tmp_path, 3, seed=1))
    found = in_order(batches)
    assert sorted(len(batch[NUMBER]) for batch in batches) == [1, 3, 3]
    assert found.pop(NUMBER).tolist() == list(range(7))
    assert found.keys() == frames.keys()
    for modality, values in frames.items():
        assert found[modality].dtype == values.dtype
        assert np.array_equal(found[modality], values)


@pytest.mark.parametrize("name", [*STORES, OURS])
def test_another_seed_is_another_order(name: str, tmp_path: Path) -> None:
    try:
        store = Plain() if name == OURS else STORES[name]()
    except PeerMissing as reason:
        pytest.skip(str(reason))
    store.write(some_frames(12), tmp_path)
    orders = {
        tuple(np.concatenate([b[NUMBER] for b in store.batches(tmp_path, 5, seed)]).tolist()) for seed in range(3)
    }
    assert len(orders) == 3


def test_a_lost_or_changed_frame_is_told() -> None:
    frames = some_frames(4)
    epoch = [
        {name: values[rows] for name, values in frames.items()} | {NUMBER: rows} for rows in shuffled_rows(4, 2, 0)
    ]
    assert same_frames(epoch, epoch[::-1])
    with pytest.raises(Disagreement):
        same_frames(epoch, epoch[:1])
    changed = {**epoch[0], "depth": epoch[0]["depth"] + np.uint16(1)}
    with pytest.raises(Disagreement, match="depth"):
        same_frames(epoch, [changed, epoch[1]])


def test_torchmetrics_counts_what_we_count_on_boundaries_too(tmp_path: Path) -> None:
    frames = store_frames(tmp_path, 10, 64)
    ours = our_confusion(frames)
    assert np.array_equal(ours.sum(axis=(0, 1)), torchmetrics_confusion(frames))
    assert np.array_equal(ours, torchmetrics_with_boundaries(frames))
    assert ours[1, 1].sum() > 0
    assert ours[0, 0].sum() > 0
    assert ours.sum() == np.count_nonzero(frames.truth)
    with pytest.raises(Disagreement, match="1 pixels"):
        same_counts(ours, torchmetrics_confusion(frames) + np.eye(40, dtype=int) * (np.arange(40) == 3))


def test_the_plain_loop_gives_the_scores_of_our_resamples() -> None:
    samples = simulated_samples(2, 6)
    ours, theirs = our_draws(samples, 50), looped_draws(samples, 50, 20)
    assert ours.shape == (2, 50)
    assert np.allclose(ours[:, :20], theirs, rtol=0, atol=1e-12)
    assert len(np.unique(ours)) > 50


def test_simulated_models_have_scores_between_none_and_all_right() -> None:
    sums = simulated_samples(1, 3)[0].sum(axis=(0, 1, 2, 3))
    assert 0.3 < mean_iou(overlap_sums(sums, np.ones(len(sums), bool))) < 1


def test_as_many_tokens_reach_the_encoder_of_tst_as_the_bare_vit(tmp_path: Path) -> None:
    ours = Pretraining(SENSED, encoder_config("tiny", image_size=32), 2, tmp_path, CPU)
    model, shapes = MaskedModelling(ours.config), set()
    model.encoder().blocks[0].register_forward_hook(lambda module, inputs, found: shapes.add(found.shape))
    pretrain(model, LoopConfig(steps=1, batch=2), [ours.frames], tmp_path / "one", device=CPU)
    assert bare_step(ours.config.encoder, ours.visible, 2, CPU)().shape in shapes


def test_rounds_of_steps_are_taken_within_one_run_of_pretraining(tmp_path: Path) -> None:
    ours = Pretraining(("rgb",), encoder_config("tiny", image_size=32), 2, tmp_path, CPU)
    steps = []
    sides = (Side(OURS, "", lambda: None), Side("bare", "", lambda: steps.append(1)))
    rounds = list(between_steps(ours, 2, CPU, sides, rounds=3))
    assert len(rounds) == 3
    assert len(ours.results) == 1
    assert ours.results[0].steps == len(steps) == 7  # one warms up
    assert all(taken[OURS].processor_s > 0 for taken in rounds)


def test_help_names_every_command() -> None:
    text = show_help()
    assert all(command in text for command in ("run", "report", "bench", "doctor"))


# How they are timed.


def sides(names: Sequence[str], order: list[str]) -> list[Side]:
    return [Side(name, "", lambda name=name: order.append(name)) for name in names]  # type: ignore[misc]


def test_sides_take_turns_and_each_begins_a_round() -> None:
    order: list[str] = []
    rounds = list(in_turns(sides("abc", order), 3))
    assert "".join(order) == "abcbcacab"
    assert all(set(taken) == set("abc") for taken in rounds)


def test_a_side_that_does_a_part_counts_as_often_as_it_takes() -> None:
    clock = iter([1.0, 3.0])
    taken = timed(Side("loop", "", lambda: None, times=10, processor=lambda: next(clock)))
    assert taken.processor_s == 20


def contest_of(goal: Goal | None = None, peers: Sequence[str] = ("fast", "slow")) -> Contest:
    ours, *others = sides([OURS, *peers], [])
    return Contest("work", 2, "frames", ours, tuple(others), goal=goal)


def rounds_of(**seconds: tuple[float, float]) -> list[dict[str, Took]]:
    return [{name.replace("ours", OURS): Took(9, t[i]) for name, t in seconds.items()} for i in range(2)]


def test_ratios_are_of_the_same_round_and_the_goal_is_measured_at_the_fastest_peer() -> None:
    rounds = rounds_of(ours=(1, 2), fast=(2, 8), slow=(5, 20))
    found = summarised(contest_of(Goal("ratio", 3)), rounds, ["alike", "alike"])
    fast, slow = (side.ratio for side in found.sides[1:])
    assert fast is not None
    assert slow is not None
    assert (fast.lowest, fast.median, fast.highest) == (2, 3, 4)
    assert (slow.lowest, slow.median, slow.highest) == (5, 7.5, 10)
    assert (found.best, found.met) == (3, True)
    assert summarised(contest_of(Goal("ratio", 3.1)), rounds, ["", ""]).met is False


def test_a_goal_in_seconds_needs_no_peer_and_a_ratio_without_one_is_left_open() -> None:
    rounds = rounds_of(ours=(0.2, 0.3))
    assert summarised(contest_of(Goal("seconds", 0.25), ()), rounds, []).met is True
    assert summarised(contest_of(Goal("seconds", 0.2), ()), rounds, []).met is False
    assert summarised(contest_of(Goal("ratio", 2), ()), rounds, []).met is None


def test_a_peer_with_other_results_is_not_timed() -> None:
    def differ(ours: object, theirs: object) -> str:
        raise Disagreement("3 pixels")

    with pytest.raises(Disagreement, match="fast gave something else than we did: 3 pixels"):
        run_contest(replace(contest_of(), agree=differ), 1)


def test_a_peer_that_is_not_installed_is_named_with_how_to_get_it() -> None:
    found, missing = present({"it": lambda: Side(package("no-such-peer"), "", lambda: None)})
    assert found == ()
    assert missing[0].name == "it"
    assert "pip install" in missing[0].why
    assert "[bench]" in missing[0].why


def test_a_peer_that_lacks_a_library_of_the_system_is_named_with_what_it_said() -> None:
    def opened() -> Side:
        raise ImportError("libGL.so.1: cannot open shared object file")

    assert present({"it": opened})[1][0].why == "cannot be imported: libGL.so.1: cannot open shared object file"


# What is written and shown.


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> BenchReport:
    """All jobs but ``render``, whose sides are compared above, in a tiny size."""
    home = tmp_path_factory.mktemp("home")
    return run_bench([name for name in JOBS if name != "render"], TINY, home=home, scenes=(), device="cpu")


def contests(report: BenchReport) -> list[MeasuredContest]:
    return [found for job in report.jobs for found in job.contests]


def test_every_job_runs_and_its_sides_agree(report: BenchReport) -> None:
    assert [job.name for job in report.jobs] == ["encode", "help", "read", "score", "step"]
    for found in contests(report):
        assert not found.failure
        assert found.sides[0].name == OURS
        compared = [side.agreement for side in found.sides[1:]]
        assert all(compared) or found.name.startswith("write")


def test_the_file_holds_every_round_the_machine_and_the_sizes(report: BenchReport, tmp_path: Path) -> None:
    report.save(tmp_path / "bench.json")
    text = (tmp_path / "bench.json").read_text()
    jsonschema.validate(json.loads(text), BenchReport.model_json_schema())
    again = BenchReport.model_validate_json(text)
    assert again == report
    assert asdict(again.sizes) == asdict(TINY)
    assert again.environment.hardware.cores >= 1
    assert all(len(side.wall_s) == len(side.processor_s) == 2 for c in contests(again) for side in c.sides)


def test_the_file_is_named_after_the_hardware() -> None:
    plain = Hardware(cpu="Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", cores=8, memory_gb=1)
    assert file_name(plain) == "bench-intel-xeon-cpu-e5-2680-v4-8cores.json"
    gpu = Hardware(cpu="AMD EPYC 7763 64-Core Processor", cores=16, memory_gb=1, gpus=("NVIDIA H100 80GB HBM3",) * 2)
    assert file_name(gpu) == "bench-amd-epyc-7763-64-core-16cores-nvidia-h100-80gb-hbm3.json"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "quick", TINY)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")


@pytest.mark.usefixtures("tiny")
def test_the_command_prints_ratios_and_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "bench", "encode", "--quick", "--out", tmp_path / "b.json", "--home", tmp_path)
    assert done.code == 0
    assert "times ours" in done.out
    assert "goal ≥ 0.98×" in done.out
    assert str(tmp_path / "b.json") in done.err.replace("\n", "")
    assert BenchReport.model_validate_json((tmp_path / "b.json").read_text()).jobs[0].name == "encode"


@pytest.mark.usefixtures("tiny")
def test_without_peers_the_command_says_how_to_get_them_and_ends_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(distribution: str) -> str:
        raise PackageNotFoundError(distribution)

    monkeypatch.setattr(contest, "version", nothing)
    done = run_command(capsys, "bench", "read", "--quick", "--home", tmp_path)
    assert done.code == 0
    for peer in STORES:
        assert f"{peer}: not installed; pip install -c constraints.txt -e '.[bench]'" in done.out
    assert "no peer to compare with" in done.out
    assert len(list((tmp_path / "bench").glob("bench-*cores*.json"))) == 1


@pytest.mark.usefixtures("tiny")
def test_a_peer_that_differs_is_exit_code_1_and_the_other_jobs_are_still_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(settings: Settings, stack: object) -> list[Contest]:
        return [replace(contest_of(), agree=lambda ours, theirs: str(1 / 0) if ours else _disagree())]

    monkeypatch.setattr("benchmark.bench.encode.JOB", replace(JOBS["encode"], contests=wrong))
    done = run_command(capsys, "bench", "encode", "help", "--quick", "--home", tmp_path)
    assert done.code == 1
    assert "failed: fast gave something else than we did: wrong" in done.out
    assert "goal ≤ 0.3 s" in done.out


def _disagree() -> str:
    raise Disagreement("wrong")


def test_the_jobs_are_listed_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "bench", "--list", "--home", tmp_path)
    assert done.code == 0
    assert all(name in done.out for name in JOBS)
    assert "torchmetrics" in done.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rendr",), "Unknown job of the bench 'rendr'. Did you mean render"),
        (("render", "--scene", "builtin/castle"), "builtin/castle"),
        (("encode", "--device", "abacus"), "abacus"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_command(capsys, "bench", *arguments, "--home", tmp_path)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.rglob("*.json"))
