"""Which Python has habitat-sim, and what it has."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError

from sim_envs.errors import UserError

PYTHON_VARIABLE = "TST_BENCH_HABITAT_PYTHON"
HOW_TO_GET_IT = (
    "habitat-sim comes from conda (conda create -n habitat -c conda-forge -c aihabitat habitat-sim headless) or is "
    f"built from https://github.com/facebookresearch/habitat-sim; then set {PYTHON_VARIABLE} to the python of that "
    "environment."
)
_QUERY_SECONDS = 180
_MARK = "tst-bench-habitat:"
_QUERY = f"""
import json, platform
import numpy, habitat_sim
found = {{
    "habitat_sim": habitat_sim.__version__,
    "python": platform.python_version(),
    "numpy": numpy.__version__,
    "cuda": bool(getattr(habitat_sim, "cuda_enabled", False)),
    "bullet": bool(getattr(habitat_sim, "built_with_bullet", False)),
}}
print("\\n{_MARK}" + json.dumps(found), flush=True)
"""


class HabitatVersions(BaseModel):
    """What the interpreter with habitat-sim says of itself.

    Attributes:
        habitat_sim, python, numpy: versions.
        cuda: whether habitat-sim was built with CUDA (rendering on a GPU does not need it).
        bullet: whether it was built with physics.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    habitat_sim: str
    python: str
    numpy: str
    cuda: bool
    bullet: bool


def habitat_python() -> str:
    """Return the path of the interpreter that ``TST_BENCH_HABITAT_PYTHON`` names, or of this one if it will do.

    Raises:
        UserError: the variable names nothing that can be run, or it is not set and this interpreter has no
            habitat-sim.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        path = shutil.which(os.path.expanduser(named))
        if path is None:
            raise UserError(f"{PYTHON_VARIABLE} is {named}, which is not a program that can be run. {HOW_TO_GET_IT}")
        return path
    if importlib.util.find_spec("habitat_sim") is None:
        raise UserError(
            f"{PYTHON_VARIABLE} is not set, and this Python ({sys.executable}) has no habitat-sim. {HOW_TO_GET_IT}"
        )
    return sys.executable


def habitat_versions(python: str | None = None) -> HabitatVersions:
    """Import habitat-sim in its interpreter and return what is there; asked once a process.

    Args:
        python: the interpreter; :func:`habitat_python` finds it otherwise.

    Raises:
        UserError: there is none, or habitat-sim cannot be imported in it; the message holds its last output.
    """
    return _versions(python or habitat_python())


@lru_cache
def _versions(python: str) -> HabitatVersions:
    try:
        done = subprocess.run(
            [python, "-c", _QUERY],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_QUERY_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{python} did not import habitat_sim within {_QUERY_SECONDS} seconds.") from error
    except OSError as error:
        raise UserError(f"{python} cannot be run: {error.strerror or error}. {HOW_TO_GET_IT}") from error
    marked = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    try:
        return HabitatVersions.model_validate(json.loads(marked[-1][len(_MARK) :]))
    except (IndexError, ValueError, ValidationError) as error:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:]) or "nothing"
        raise UserError(
            f"{python} cannot import habitat_sim (exit code {done.returncode}). It said:\n{said}\n{HOW_TO_GET_IT}"
        ) from error
