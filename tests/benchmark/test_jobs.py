"""Jobs run when what they need is done, report, fail alone, and end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchmark.jobs import Failure, Job, Report, Watcher, run_jobs
from benchmark.jobs.local import LocalPool
from sim_envs.errors import UserError


def write(path: Path, report: Report) -> None:
    report(1, 2)
    path.write_text(str(time.monotonic()))
    print("wrote", path.name)


def refuse(report: Report) -> None:
    raise UserError("no such thing")


def crash(report: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(path: Path, report: Report) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


def job(name: str, function: object, folder: Path, needs: tuple[str, ...] = (), **arguments: object) -> Job:
    return Job(name, function, dict(arguments), folder / f"{name}.log", needs)  # type: ignore[arg-type]


def test_jobs_run_after_what_they_need_and_report_progress(tmp_path: Path) -> None:
    moves: list[tuple[str, int, int]] = []
    jobs = [
        job("second", write, tmp_path, ("first",), path=tmp_path / "b"),
        job("first", write, tmp_path, path=tmp_path / "a"),
    ]
    assert run_jobs(jobs, LocalPool(2, 1), Watcher(moved=lambda *m: moves.append(m))) == []
    assert float((tmp_path / "a").read_text()) < float((tmp_path / "b").read_text())
    assert ("first", 1, 2) in moves
    assert "wrote a" in (tmp_path / "first.log").read_text()


def test_a_failure_stops_only_what_needs_it(tmp_path: Path) -> None:
    jobs = [
        job("bad", refuse, tmp_path),
        job("dependant", write, tmp_path, ("bad",), path=tmp_path / "never"),
        job("killed", crash, tmp_path),
        job("good", write, tmp_path, path=tmp_path / "good"),
    ]
    ended: list[tuple[str, Failure | None]] = []
    failures = {f.job: f for f in run_jobs(jobs, LocalPool(2, 1), Watcher(ended=lambda *e: ended.append(e)))}
    assert failures.keys() == {"bad", "dependant", "killed"}
    assert failures["bad"].message == "no such thing"
    assert "bad failed" in failures["dependant"].message
    assert "-9" in failures["killed"].message
    assert (tmp_path / "good").exists()
    assert not (tmp_path / "never").exists()
    assert ("good", None) in ended


def test_a_failure_that_leaves_nothing_to_run_ends_the_run(tmp_path: Path) -> None:
    jobs = [
        job("bad", refuse, tmp_path),
        job("next", write, tmp_path, ("bad",), path=tmp_path / "never"),
        job("last", write, tmp_path, ("next",), path=tmp_path / "never"),
    ]
    failed: list[Failure] = []
    run = threading.Thread(target=lambda: failed.extend(run_jobs(jobs, LocalPool(2, 1), Watcher())), daemon=True)
    run.start()
    run.join(60)
    assert not run.is_alive()
    assert [failure.job for failure in failed] == ["bad", "next", "last"]


def test_workers_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; import test_jobs as t;"
        "p = Path(sys.argv[1]); t.run_jobs([t.job('s', t.sleep, p, path=p / 'pid')], t.LocalPool(1, 1), t.Watcher())"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)])
    pid_file = tmp_path / "pid"
    while not pid_file.exists() or not pid_file.read_text():
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid_file.read_text()}").exists() or is_zombie(pid_file.read_text()):
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent by ten seconds")


def is_zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def note_gpu(path: Path, beside: Path, report: Report) -> None:
    path.write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    for _ in range(600):  # until the other one runs as well, so that both hold a GPU at a time
        if beside.exists():
            return
        time.sleep(0.05)
    raise AssertionError("the other job never ran at the same time")


def test_jobs_at_the_same_time_see_different_gpus_and_later_ones_take_those_that_are_free(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    jobs = [
        job("a", note_gpu, tmp_path, path=one, beside=two),
        job("b", note_gpu, tmp_path, path=two, beside=one),
        job("c", note_gpu, tmp_path, needs=("a", "b"), path=three, beside=one),
    ]
    assert run_jobs(jobs, LocalPool(2, 1, ["4,5", "6,7"]), Watcher()) == []
    assert {one.read_text(), two.read_text()} == {"4,5", "6,7"}
    assert three.read_text() in ("4,5", "6,7")
