"""Questions asked in a process of its own: the answer comes back, and nothing else does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmark.doctor.probe import ProbeFailed, ask
from sim_envs.errors import UserError
from tests.benchmark import doctor_kit


def alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits for its parent's last look does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_answer_comes_back_whatever_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(doctor_kit.add, 2, 3) == {"sum": 5}
    assert capfd.readouterr().out == ""


def test_an_error_meant_for_people_comes_back_as_such() -> None:
    with pytest.raises(UserError, match=r"^There is no simulator\. Install one\.$"):
        ask(doctor_kit.refuse)


def test_an_exception_is_told_by_its_first_line_and_where_it_happened() -> None:
    with pytest.raises(ProbeFailed) as failed:
        ask(doctor_kit.break_down)
    assert str(failed.value) == "it failed at: opening the device: RuntimeError: no kernel image is available"


def test_a_crash_is_told_by_its_signal_where_it_happened_and_the_last_words() -> None:
    with pytest.raises(ProbeFailed) as failed:
        ask(doctor_kit.crash)
    assert str(failed.value) == "it was ended by SIGSEGV at: opening the device: libGL: driver lost"


def test_a_process_that_leaves_is_told_by_its_code_and_last_words() -> None:
    with pytest.raises(ProbeFailed, match=r"it ended with code 3: fatal: unable to find EGL device"):
        ask(doctor_kit.leave)


def test_what_hangs_is_ended_in_time_with_everything_it_started(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ProbeFailed, match=r"no answer within 5 s at: opening the device"):
        ask(doctor_kit.hang, str(tmp_path / "pid"), limit_s=5)
    assert time.monotonic() - started < 20
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not alive(pid):
            return
        time.sleep(0.1)
    pytest.fail("a process that it started is still there")


def test_the_environment_can_be_given() -> None:
    assert ask(doctor_kit.variable, "DOCTOR_TEST", environment={"DOCTOR_TEST": "yes"}) == "yes"
    assert ask(doctor_kit.variable, "DOCTOR_TEST") is None
