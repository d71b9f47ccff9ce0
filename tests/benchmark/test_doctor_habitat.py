"""What the doctor says of the interpreter with habitat-sim, when there is none, a broken one, a working one."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from benchmark.doctor import habitat
from benchmark.doctor.findings import Finding
from sim_envs.habitat.interpreter import PYTHON_VARIABLE

HERE = os.environ.get(PYTHON_VARIABLE)
posix = pytest.mark.skipif(os.name != "posix", reason="the interpreters are shell scripts")


def program(path: Path, lines: str) -> Path:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def look(monkeypatch: pytest.MonkeyPatch, interpreter: object) -> Finding:
    """Return the row about the interpreter when it is the one that was named."""
    monkeypatch.setenv(PYTHON_VARIABLE, str(interpreter))
    finding, *_ = habitat.look_at_habitat(Path())
    assert finding.name == "habitat"
    return finding


@pytest.mark.skipif(importlib.util.find_spec("habitat_sim") is not None, reason="this Python has habitat-sim")
def test_without_an_interpreter_it_is_absent_and_how_to_get_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    (finding,) = habitat.look_at_habitat(Path())
    assert finding.status == "absent"
    assert f"{PYTHON_VARIABLE} is not set" in finding.found
    assert "conda" in finding.advice


def test_a_named_interpreter_that_is_not_there_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = look(monkeypatch, tmp_path / "python")
    assert finding.status == "warning"
    assert f"{PYTHON_VARIABLE} is {tmp_path / 'python'}" in finding.found
    assert "conda" in finding.advice
    assert "conda" not in finding.found


@pytest.mark.skipif(importlib.util.find_spec("habitat_sim") is not None, reason="this Python has habitat-sim")
def test_a_python_without_habitat_sim_is_told_in_its_own_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = look(monkeypatch, sys.executable)
    assert finding.status == "warning"
    assert finding.found.endswith("ModuleNotFoundError: No module named 'habitat_sim'")


@posix
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("exit 1", "exit code 1"),
        ("echo '{\"habitat_sim\": 3'", "habitat_sim"),
        ("echo libGLX.so.0: cannot open shared object file >&2; exit 1", "libGLX.so.0: cannot open shared object file"),
        ("kill -SEGV $$", "exit code -11"),
    ],
)
def test_an_interpreter_that_fails_or_prints_garbage_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, said: str
) -> None:
    finding = look(monkeypatch, program(tmp_path / "python", lines))
    assert finding.status == "warning"
    assert said in finding.found
    assert len(finding.found.splitlines()) == 1


@posix
def test_a_missing_library_of_the_system_is_told_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "echo 'ImportError: libEGL.so.1: cannot open shared object file: No such file or directory' >&2; exit 1"
    finding = look(monkeypatch, program(tmp_path / "python", lines))
    assert "libEGL.so.1: cannot open shared object file" in finding.found
    assert "apt-get install libegl1" in finding.advice
    assert "conda" not in finding.advice


@posix
def test_an_interpreter_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(habitat, "LIMIT_S", 5)
    finding = look(monkeypatch, program(tmp_path / "python", "sleep 60"))
    assert finding.status == "warning"
    assert "no answer within 5 s at: importing habitat_sim with" in finding.found


@pytest.mark.skipif(HERE is None, reason=f"{PYTHON_VARIABLE} names no habitat-sim")
def test_a_working_interpreter_is_told_with_its_versions_and_its_engine_draws_what_is_there() -> None:
    interpreter, engine = habitat.look_at_habitat(Path())
    assert interpreter.status in ("ok", "warning")
    assert "habitat-sim 0." in interpreter.found
    assert "numpy" in interpreter.found
    assert (engine.name, engine.status) == ("engine habitat", "ok")
