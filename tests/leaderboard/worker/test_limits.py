"""Programs that take too much are ended, and the limit that ended them is known."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from leaderboard.worker.limits import STDERR, Allowance, Ended, run_limited

ENOUGH = Allowance(seconds=30, memory_bytes=512 << 20, disk_bytes=64 << 20)


def run(
    program: str,
    scratch: Path,
    allowance: Allowance = ENOUGH,
    hear: Callable[[bytes], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Ended:
    return run_limited([sys.executable, "-c", program, str(scratch)], allowance, scratch, hear, stop)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_program_within_its_limits_is_heard_line_by_line_and_ends_as_it_likes(tmp_path: Path) -> None:
    heard: list[bytes] = []
    ended = run("print('one'); print('two', flush=True); raise SystemExit(3)", tmp_path, hear=heard.append)
    assert (heard, ended) == ([b"one", b"two"], Ended(3))
    assert ended.in_words == "exit status 3"


def test_lines_are_heard_while_the_program_runs(tmp_path: Path) -> None:
    at: list[float] = []
    run(
        "import time; print(1, flush=True); time.sleep(0.8); print(2)",
        tmp_path,
        hear=lambda _: at.append(time.monotonic()),
    )
    assert at[1] - at[0] > 0.5


def test_a_loop_is_ended_when_its_cpu_time_is_over(tmp_path: Path) -> None:
    start = time.monotonic()
    ended = run("while True: pass", tmp_path, Allowance(1, 512 << 20, 64 << 20))
    assert ended.exceeded == "time"
    assert time.monotonic() - start < 10


def test_a_program_that_sleeps_is_ended_by_the_clock(tmp_path: Path) -> None:
    ended = run("import time; time.sleep(60)", tmp_path, Allowance(1, 512 << 20, 64 << 20))
    assert (ended.status, ended.exceeded) == (-signal.SIGKILL, "time")
    assert ended.in_words == "signal SIGKILL"


def test_memory_is_refused_beyond_the_limit_and_given_below_it(tmp_path: Path) -> None:
    assert run("bytearray(100 << 20)", tmp_path).status == 0
    assert run("bytearray(600 << 20)", tmp_path).status == 1
    assert b"MemoryError" in (tmp_path / STDERR).read_bytes()


def test_files_that_are_mapped_for_reading_do_not_count_as_memory(tmp_path: Path) -> None:
    large = tmp_path / "sparse"
    with large.open("wb") as file:
        file.truncate(3 << 30)
    program = (
        "import mmap, sys; f = open(sys.argv[1] + '/sparse', 'rb'); mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)"
    )
    assert run(program, tmp_path, Allowance(30, 512 << 20, 64 << 20, mapped_bytes=3 << 30)).status == 0


def test_one_file_cannot_grow_beyond_the_disk_that_is_allowed(tmp_path: Path) -> None:
    run("import sys; open(sys.argv[1] + '/large', 'wb').write(bytes(100 << 20))", tmp_path)
    assert (tmp_path / "large").stat().st_size <= ENOUGH.disk_bytes
    assert b"File too large" in (tmp_path / STDERR).read_bytes()


def test_many_files_that_fill_the_disk_together_end_the_program(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfor i in range(9): open(f'{sys.argv[1]}/{i}', 'wb').write(bytes(1 << 20))\ntime.sleep(60)"
    )
    ended = run(program, tmp_path, Allowance(30, 512 << 20, 8 << 20))
    assert (ended.status, ended.exceeded) == (-signal.SIGKILL, "disk")


def test_a_disk_that_was_filled_at_the_very_end_is_noticed(tmp_path: Path) -> None:
    program = "import sys\nfor i in range(9): open(f'{sys.argv[1]}/{i}', 'wb').write(bytes(1 << 20))"
    assert run(program, tmp_path, Allowance(30, 512 << 20, 8 << 20)).exceeded == "disk"


def test_open_files_are_few_and_no_core_is_written(tmp_path: Path) -> None:
    heard: list[bytes] = []
    names = ("RLIMIT_NOFILE", "RLIMIT_CORE")
    run(
        f"import resource\nfor n in {names}: print(*resource.getrlimit(getattr(resource, n)))",
        tmp_path,
        hear=heard.append,
    )
    assert heard == [b"256 256", b"0 0"]


def test_endless_output_ends_the_program_and_overlong_lines_are_left_out(tmp_path: Path) -> None:
    heard: list[bytes] = []
    program = "import sys\nprint('x' * 100_000)\nprint('short')\nwhile True: sys.stdout.write('y' * (1 << 20))"
    ended = run(program, tmp_path, hear=heard.append)
    assert (heard, ended.exceeded) == ([b"short"], "output")


def test_secrets_of_the_worker_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hush")
    heard: list[bytes] = []
    run("import json, os; print(json.dumps(dict(os.environ)))", tmp_path, hear=heard.append)
    seen = json.loads(heard[0])
    assert "hush" not in seen.values()
    assert (seen["HOME"], seen["TMPDIR"], seen["OMP_NUM_THREADS"]) == (str(tmp_path), str(tmp_path), "1")


def test_standard_input_is_closed(tmp_path: Path) -> None:
    heard: list[bytes] = []
    run("import sys; print(len(sys.stdin.read()))", tmp_path, hear=heard.append)
    assert heard == [b"0"]


def test_a_program_is_stopped_when_it_is_not_wanted_any_more(tmp_path: Path) -> None:
    start = time.monotonic()
    ended = run("import time; time.sleep(60)", tmp_path, stop=lambda: time.monotonic() - start > 0.3)
    assert ended.stopped
    assert time.monotonic() - start < 5


def test_what_a_program_started_ends_with_it_and_is_not_waited_for(tmp_path: Path) -> None:
    heard: list[bytes] = []
    program = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    start = time.monotonic()
    assert run(program, tmp_path, hear=heard.append).status == 0
    assert time.monotonic() - start < 10
    wait_until(lambda: not is_running(int(heard[0])))


def test_no_program_outlives_a_killed_worker(tmp_path: Path) -> None:
    program = "import os, sys, time; open(sys.argv[1] + '/pid', 'w').write(str(os.getpid())); time.sleep(60)"
    starter = (
        "import sys; from pathlib import Path; from leaderboard.worker.limits import Allowance, run_limited\n"
        f"run_limited([sys.executable, '-c', {program!r}, sys.argv[1]], Allowance(30, 1 << 29, 1 << 26), "
        "Path(sys.argv[1]), print)"
    )
    worker = subprocess.Popen([sys.executable, "-c", starter, str(tmp_path)])
    pid = tmp_path / "pid"
    wait_until(lambda: pid.is_file() and pid.read_text() != "")
    assert is_running(int(pid.read_text()))
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not is_running(int(pid.read_text())))


def test_a_crash_is_no_limit(tmp_path: Path) -> None:
    ended = run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path)
    assert (ended.status, ended.exceeded, ended.in_words) == (-signal.SIGSEGV, "", "signal SIGSEGV")
