"""The client of worker processes, against real small workers that this interpreter runs."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.habitat.process import Worker, WorkerFault, WorkerRefusal
from sim_envs.habitat.shared_memory import SharedMemory
from tests.sim_envs.recording_kit import ended

ROOT = Path(__file__).parents[2]

WORKER = """
import json, mmap, os, pathlib, sys, time

def lives():
    return int(pathlib.Path("lives").read_text())

def answer(request):
    do = request["do"]
    if do == "open":
        path = pathlib.Path("lives")
        path.write_text(str(1 + (int(path.read_text()) if path.exists() else 0)))
        return {"scene": request.get("scene"), "life": lives()}
    if do == "echo":
        return request["value"]
    if do == "raise":
        raise ValueError("no such scene")
    if do == "print":
        os.write(1, b"native noise on fd 1" + bytes([10]))
        print("noise in Python")
        return "printed"
    if do == "fill":
        memory = mmap.mmap(request["descriptor"], request["size"])
        memory[:] = bytes([request["value"]]) * request["size"]
        return os.getpid()
    if do == "misbehave" and lives() <= request["times"]:
        how = request["how"]
        print("about to", how, flush=True)
        if how == "die":
            os._exit(3)
        if how == "crash":
            os.kill(os.getpid(), 11)
        if how == "hang":
            time.sleep(60)
        if how == "garbage":
            os.write(int(sys.argv[2]), b"%% not json" + bytes([10]))
            time.sleep(60)
        if how == "wrong number":
            os.write(int(sys.argv[2]), b'{"number": 99, "ok": 1}' + bytes([10]))
            time.sleep(60)
    return {"life": lives(), "value": request.get("value")}
"""

WAYS = {
    "die": "ended with exit code 3",
    "crash": "was killed by SIGSEGV",
    "hang": "did not answer within",
    "garbage": "gave an answer that is none: '%% not json'",
    "wrong number": "gave an answer to something else",
}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "small_worker.py"
    path.write_text(WORKER)
    return path


@pytest.fixture
def worker(module: Path, tmp_path: Path) -> Iterator[Worker]:
    running = Worker(module, sys.executable, {"do": "open", "scene": "a"}, folder=tmp_path)
    yield running
    running.close()


def test_requests_are_answered_in_order_after_the_opening_one(worker: Worker) -> None:
    assert worker.opened == {"scene": "a", "life": 1}
    assert worker.ask({"do": "echo", "value": [1, "ü", None]}) == [1, "ü", None]
    assert list(worker.answers([{"do": "echo", "value": i} for i in range(20)], ahead=3)) == list(range(20))


def test_requests_are_taken_no_earlier_than_needed_and_run_ahead_of_their_answers(worker: Worker) -> None:
    taken: list[int] = []

    def requests() -> Iterator[dict[str, Any]]:
        for i in count():
            taken.append(i)
            yield {"do": "echo", "value": i}

    answers = worker.answers(requests(), ahead=2)
    assert next(answers) == 0
    assert taken == [0, 1, 2]
    assert next(answers) == 1
    assert taken == [0, 1, 2, 3]


def test_answers_nobody_waited_for_do_not_reach_the_next_caller(worker: Worker) -> None:
    for answer in worker.answers([{"do": "echo", "value": i} for i in range(9)], ahead=4):
        if answer == 2:
            break
    assert worker.ask({"do": "echo", "value": "mine"}) == "mine"


def test_a_loop_that_another_call_cut_into_says_so_instead_of_waiting(worker: Worker) -> None:
    answers = worker.answers([{"do": "echo", "value": i} for i in range(9)])
    assert next(answers) == 0
    assert worker.ask({"do": "echo", "value": "mine"}) == "mine"
    with pytest.raises(RuntimeError, match="in the middle of a loop"):
        next(answers)


def test_what_native_code_prints_stays_out_of_the_answers(worker: Worker) -> None:
    assert worker.ask({"do": "print"}) == "printed"
    assert worker.ask({"do": "echo", "value": 1}) == 1


def test_a_request_that_raises_is_told_in_words_and_the_worker_lives_on(worker: Worker) -> None:
    pid = worker.pid
    with pytest.raises(WorkerRefusal, match=r"(?s)ValueError: no such scene.*Traceback.*line \d+, in answer"):
        worker.ask({"do": "raise"})
    assert worker.ask({"do": "echo", "value": 5}) == 5
    assert worker.pid == pid


@pytest.mark.parametrize("how", WAYS)
def test_a_fault_is_reported_and_the_worker_restarted_with_what_was_not_answered(
    how: str, worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    requests = [
        {"do": "echo", "value": 0},
        {"do": "misbehave", "how": how, "times": 1, "value": 1},
        {"do": "echo", "value": 2},
        {"do": "echo", "value": 3},
    ]
    assert list(worker.answers(requests, seconds=2, ahead=2)) == [0, {"life": 2, "value": 1}, 2, 3]
    warning = capfd.readouterr().err
    assert WAYS[how] in warning
    assert f"It said last:\nabout to {how}" in warning
    assert "Starting it again." in warning


@pytest.mark.parametrize("how", ["die", "hang"])
def test_a_second_fault_is_raised_with_the_last_output(how: str, worker: Worker) -> None:
    with pytest.raises(WorkerFault, match=rf"(?s){WAYS[how]}.*about to {how}.*restarted once before"):
        worker.ask({"do": "misbehave", "how": how, "times": 2}, seconds=1)


def test_a_worker_killed_from_outside_is_restarted(worker: Worker, capfd: pytest.CaptureFixture[str]) -> None:
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.ask({"do": "echo", "value": 7}) == 7
    assert "was killed by SIGKILL. Memory may have run out." in capfd.readouterr().err


def test_a_module_that_cannot_be_imported_is_reported_with_its_traceback(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import a_library_that_is_not_there\n")
    with pytest.raises(WorkerFault, match=r"(?s)ended with exit code 1.*No module named 'a_library_that_is_not_there'"):
        Worker(broken, sys.executable, {"do": "open"})


def test_a_worker_whose_opening_request_fails_is_not_left_behind(module: Path, tmp_path: Path) -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = set(children.read_text().split())
    with pytest.raises(WorkerRefusal, match="no such scene"):
        Worker(module, sys.executable, {"do": "raise"}, folder=tmp_path)
    assert set(children.read_text().split()) <= before


def test_a_program_that_is_no_python_is_reported(module: Path) -> None:
    with pytest.raises(WorkerFault, match="ended with exit code 1"):
        Worker(module, "/bin/false", {"do": "open"})
    with pytest.raises(UserError, match="cannot be run: No such file"):
        Worker(module, "/no/such/python", {"do": "open"})


def test_arrays_go_through_shared_memory_and_nothing_is_left_of_it(module: Path, tmp_path: Path) -> None:
    memory = SharedMemory(10_000)
    worker = Worker(module, sys.executable, {"do": "open"}, folder=tmp_path, descriptors=[memory.descriptor])
    worker.ask({"do": "fill", "descriptor": memory.descriptor, "size": memory.size, "value": 42})
    assert (np.frombuffer(memory.buffer, np.uint8) == 42).all()
    worker.close()
    with mmap.mmap(memory.descriptor, memory.size) as again:
        assert again[9_999] == 42
    memory.close()


def test_the_worker_ends_when_it_is_closed_even_if_it_hangs(worker: Worker) -> None:
    pid = worker.pid
    with pytest.raises(WorkerFault):
        worker.ask({"do": "misbehave", "how": "hang", "times": 9}, seconds=0.3)
    worker.close()
    assert ended(pid)


@pytest.mark.parametrize("doing", ["waiting", "hanging"])
def test_the_worker_ends_when_its_parent_is_killed(doing: str, module: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom sim_envs.habitat.process import Worker\n"
        f"worker = Worker(Path({str(module)!r}), sys.executable, {{'do': 'open'}}, folder=Path({str(tmp_path)!r}))\n"
        "print(worker.pid, flush=True)\n"
        f"worker.ask({{'do': 'misbehave', 'how': 'hang', 'times': {int(doing == 'hanging')}}})\n"
        "input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert ended(pid)
