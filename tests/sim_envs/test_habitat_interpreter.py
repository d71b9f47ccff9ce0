"""Finding the interpreter that has habitat-sim, or saying what is missing and how to get it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sim_envs.engines import RENDER_PROCESS_VARIABLE
from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import PYTHON_VARIABLE, habitat_python, habitat_versions
from sim_envs.habitat.renderer import GPUS_VARIABLE, NO_GPU, gpu_of_this_process

FAKE = """\
#!/bin/sh
# An interpreter whose habitat-sim is the package beside it, and talks as it is imported.
PYTHONPATH="$(dirname "$0")" exec {python} "$@"
"""


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that runs this Python with a package ``habitat_sim`` in reach, and is named by the variable."""
    path = tmp_path / "python"
    path.write_text(FAKE.format(python=sys.executable))
    path.chmod(0o755)
    (tmp_path / "habitat_sim.py").write_text("print('PluginManager: hello')\n__version__ = '0.2.9'\n")
    monkeypatch.setenv(PYTHON_VARIABLE, str(path))
    return path


def test_the_variable_names_the_interpreter_and_its_versions_are_read(interpreter: Path) -> None:
    assert habitat_python() == str(interpreter)
    found = habitat_versions()
    assert (found.habitat_sim, found.cuda, found.bullet) == ("0.2.9", False, False)
    assert found.python == sys.version.split()[0]


def test_without_the_variable_the_message_says_how_to_get_habitat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not os.path.exists(f"{path}/habitat_sim")])
    with pytest.raises(UserError, match=r"(?s)TST_BENCH_HABITAT_PYTHON is not set.*aihabitat.*built from"):
        habitat_python()


def test_a_variable_that_names_no_program_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="is not a program that can be run"):
        habitat_python()


def test_an_interpreter_without_habitat_is_told_with_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    with pytest.raises(UserError, match=r"(?s)cannot import habitat_sim .exit code 1.*No module named 'habitat_sim'"):
        habitat_versions()


def test_a_habitat_that_breaks_on_import_is_told(interpreter: Path) -> None:
    (interpreter.parent / "habitat_sim.py").write_text("import os\nprint('libEGL.so.1: not found')\nos.abort()\n")
    with pytest.raises(UserError, match=r"(?s)exit code -6.*libEGL.so.1: not found"):
        habitat_versions()


@pytest.mark.parametrize(
    ("gpus", "process", "wanted"), [("0,2", "0", 0), ("0,2", "1", 2), ("0,2", "4", 0), ("", "3", NO_GPU), ("5", "9", 5)]
)
def test_render_processes_take_turns_with_the_gpus(
    gpus: str, process: str, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPUS_VARIABLE, gpus)
    monkeypatch.setenv(RENDER_PROCESS_VARIABLE, process)
    assert gpu_of_this_process() == wanted


def test_gpus_that_are_no_numbers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GPUS_VARIABLE, "cuda:0")
    with pytest.raises(UserError, match="TST_BENCH_HABITAT_GPUS is 'cuda:0': give numbers of GPUs"):
        gpu_of_this_process()
