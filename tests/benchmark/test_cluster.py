"""Jobs on a Ray cluster of two nodes on this machine: as on one machine, and a node may die."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.jobs import Failure, Pool, Report, Watcher, run_jobs
from benchmark.jobs.cluster import RayPool
from benchmark.jobs.local import LocalPool
from benchmark.jobs.sharing import SharedHome
from benchmark.plan import plan_run
from benchmark.runner import jobs_of, open_recordings, recording_jobs
from benchmark.suites import load_suite
from sim_envs.errors import UserError
from sim_envs.storage import digest_file
from tests.benchmark.test_jobs import job, refuse, write

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:ray.*")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 << 20})
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def pool(cluster: Any, tmp_path: Path) -> RayPool:
    return RayPool(cluster.address, SharedHome(tmp_path), threads=1, gpus=0)


def meet(path: Path, beside: Path, report: Report) -> None:
    """Wait for another job that runs at the same time, on the other node."""
    path.write_text(ray.get_runtime_context().get_node_id())
    until = time.monotonic() + 60
    while not beside.exists():
        assert time.monotonic() < until, "the other job never ran at the same time"
        time.sleep(0.05)


def linger(path: Path, release: Path, report: Report) -> None:
    """Note the node and wait until it is over."""
    with path.open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()}\n")
    while not release.exists():
        time.sleep(0.05)


def report_slowly(report: Report) -> None:
    report(1, 2)
    time.sleep(2)


def crash_once(path: Path, report: Report) -> None:
    if not path.exists():
        path.touch()
        os._exit(1)


def crash(report: Report) -> None:
    os._exit(1)


def test_jobs_run_after_what_they_need_and_report_progress(pool: RayPool, tmp_path: Path) -> None:
    moves: list[tuple[str, int, int]] = []
    jobs = [
        job("second", write, tmp_path, ("first",), path=tmp_path / "b"),
        job("first", write, tmp_path, path=tmp_path / "a"),
        job("slow", report_slowly, tmp_path),
    ]
    assert run_jobs(jobs, pool, Watcher(moved=lambda *m: moves.append(m))) == []
    assert float((tmp_path / "a").read_text()) < float((tmp_path / "b").read_text())
    assert "wrote a" in (tmp_path / "first.log").read_text()
    assert ("slow", 1, 2) in moves


def test_a_failure_stops_only_what_needs_it_and_a_process_that_died_is_started_again(
    pool: RayPool, tmp_path: Path
) -> None:
    jobs = [
        job("bad", refuse, tmp_path),
        job("dependant", write, tmp_path, ("bad",), path=tmp_path / "never"),
        job("once", crash_once, tmp_path, path=tmp_path / "crashed"),
        job("good", write, tmp_path, path=tmp_path / "good"),
    ]
    failures = {failure.job: failure for failure in run_jobs(jobs, pool, Watcher())}
    assert failures.keys() == {"bad", "dependant"}
    assert failures["bad"].message == "no such thing"
    assert (tmp_path / "crashed").exists()
    assert (tmp_path / "good").exists()


@pytest.mark.slow
def test_a_job_that_kills_its_process_each_time_fails(pool: RayPool, tmp_path: Path) -> None:
    (failure,) = run_jobs([job("killed", crash, tmp_path)], pool, Watcher())
    assert "lost 4 times" in failure.message


def test_jobs_are_spread_over_the_nodes(pool: RayPool, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    jobs = [job("a", meet, tmp_path, path=one, beside=two), job("b", meet, tmp_path, path=two, beside=one)]
    assert run_jobs(jobs, pool, Watcher()) == []
    assert one.read_text() != two.read_text()


def test_a_home_that_a_node_does_not_see_is_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every node of this cluster is this machine; only the driver's own folder of processes differs between them.
    gone = Path("/proc/self/task") / str(threading.get_native_id()) / "cwd" / "gone"
    with pytest.raises(UserError, match="does not see"):
        RayPool(cluster.address, SharedHome(gone), 1, 0)


@pytest.mark.slow
def test_a_node_that_is_killed_costs_nothing_but_time(cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1, resources={"doomed": 1}, object_store_memory=80 << 20)
    pool = RayPool(cluster.address, SharedHome(tmp_path), threads=1, gpus=0)
    doomed = next(n["NodeID"] for n in ray.nodes() if n["Alive"] and "doomed" in n["Resources"])
    release, busy = tmp_path / "release", [tmp_path / f"busy{number}" for number in range(3)]
    jobs = [job(path.name, linger, tmp_path, path=path, release=release) for path in busy]
    failed: list[Failure] = []
    run = threading.Thread(target=lambda: failed.extend(run_jobs(jobs, pool, Watcher())), daemon=True)
    run.start()
    until = time.monotonic() + 60
    while not (there := [path for path in busy if path.exists() and path.read_text().strip() == doomed]):
        assert time.monotonic() < until
        time.sleep(0.1)
    cluster.remove_node(node, allow_graceful=False)
    release.touch()  # the others make room
    run.join(120)
    assert not run.is_alive()
    assert failed == []
    first, *later = there[0].read_text().split()
    assert first == doomed
    assert later
    assert doomed not in later


SUITE = """
name: mini
version: 1
summary: seconds
test_spaces: [builtin/flat-01]
transfer: [builtin/flat-11]
held_out: [builtin/flat-31]
rig: {width: 32, height: 32}
recordings:
  test: {train: [2, 5], test: [2, 4]}
  transfer: {train: [2, 8], val: [1, 4]}
  held_out: {test: [2, 4]}
models: [tst]
tasks: [semseg]
protocols: [frozen]
pretrain: {encoder: tiny, frames: 10, steps: 2, batch: 4}
transfer_budget: {frames: 12, steps: 2, batch: 4, evaluations: 1, encoder_lrs: [1.0e-3]}
"""


@pytest.mark.slow
def test_a_cluster_makes_the_bytes_that_one_machine_makes(cluster: Any, tmp_path: Path) -> None:
    def run(home: Path, open_pool: Callable[[Path], Pool]) -> dict[str, str]:
        home.mkdir()
        (home / "mini.yaml").write_text(SUITE, encoding="utf-8")
        plan = plan_run(load_suite(str(home / "mini.yaml")), "builtin/flat-01")
        assert run_jobs(recording_jobs(plan, home), open_pool(home), Watcher()) == []
        jobs = jobs_of(plan, open_recordings(plan, home), plan.suite.tasks, home, "cpu")
        assert run_jobs(jobs, open_pool(home), Watcher()) == []
        made = (path for kind in ("npy", "npz", "safetensors") for path in home.rglob(f"*.{kind}"))
        return {path.relative_to(home).as_posix(): digest_file(path) for path in made}

    on_cluster = run(tmp_path / "cluster", lambda home: RayPool(cluster.address, SharedHome(home), threads=1, gpus=0))
    assert len(on_cluster) > 10
    assert on_cluster == run(tmp_path / "local", lambda home: LocalPool(1, 1))


def test_no_cluster_is_said_plainly(tmp_path: Path) -> None:
    ray.shutdown()
    with pytest.raises(UserError, match="ray start --head"):
        RayPool("127.0.0.1:1", SharedHome(tmp_path), 1, 0)
