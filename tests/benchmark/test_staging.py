"""Jobs on machines that share only a store: each in a home of its own, and what they read and write travels."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.jobs import Job, Report
from benchmark.jobs.sharing import Sharing
from benchmark.jobs.shelf import Shelf
from benchmark.jobs.staging import ThroughStore, pack, unpack
from sim_envs.errors import UserError

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


def test_a_store_asks_for_a_cluster(tmp_path: Path) -> None:
    from benchmark.machine import Resources, find_machine

    with pytest.raises(UserError, match="--executor ray"):
        find_machine(Resources(1, store="s3://bucket"), tmp_path)


def test_a_shelf_and_a_home_may_be_the_same_disk(machines: Machines) -> None:
    machines.there = machines.here  # a node on the machine that sends
    assert machines.run(job_in(machines.here)) == ""
    assert (machines.out / "value").read_text() == "abab"
    assert Shelf(machines.url).holds("stages/out")
