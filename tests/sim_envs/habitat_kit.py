"""What tests need that ask the real habitat-sim or habitat-lab; they are skipped where it is not installed."""

from __future__ import annotations

import subprocess

import pytest

from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import habitat_python


def habitat_interpreter() -> str:
    """Return the interpreter with habitat-sim, or skip the test."""
    try:
        return habitat_python()
    except UserError as error:
        pytest.skip(str(error))


def lab_interpreter() -> str:
    """Return the interpreter with habitat-sim and habitat-lab, or skip the test."""
    python = habitat_interpreter()
    if subprocess.run([python, "-c", "import habitat"], capture_output=True).returncode:
        pytest.skip(f"{python} has no habitat-lab")
    return python
