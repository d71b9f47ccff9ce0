"""Is there an interpreter with habitat-sim, what is in it, and does the engine that uses it draw what is there?"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmark.doctor.engines import look_at_engine, one_line
from benchmark.doctor.findings import Finding, Status
from benchmark.doctor.probe import ProbeFailed, ask, step
from sim_envs.engines import ENGINES
from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import HOW_TO_GET_IT, PYTHON_VARIABLE, habitat_python, habitat_versions

ENGINE = "habitat"
LIMIT_S = 90.0
TRY_IT = f"See what `${PYTHON_VARIABLE} -c 'import habitat_sim'` does in a shell, and mend that environment."
MISSING_LIBRARY = (
    "habitat-sim is there, and a library that it needs is not: install the package that holds it (for libEGL and "
    "libOpenGL: `apt-get install libegl1 libopengl0`), see the row EGL."
)
LAB = "from importlib.metadata import version; print(version('habitat-lab'))"
LAB_NUMPY = "habitat-lab's semantic sensor overflows with numpy 2: install numpy 1.26 into that interpreter."


def look_at_habitat(home: Path) -> list[Finding]:
    """Import habitat-sim in its interpreter; where that works, let the engine draw."""
    try:
        found = ask(find_habitat, limit_s=LIMIT_S)
    except UserError as reason:
        status: Status = "warning" if os.environ.get(PYTHON_VARIABLE) else "absent"
        said = one_line(str(reason).replace(HOW_TO_GET_IT, ""), last=1)
        advice = MISSING_LIBRARY if "cannot open shared object file" in said else HOW_TO_GET_IT
        return [Finding(name=ENGINE, status=status, found=said, advice=advice)]
    except ProbeFailed as failed:
        return [Finding(name=ENGINE, status="warning", found=str(failed), advice=TRY_IT)]
    parts = [f"{name} {found[name]}" for name in ("habitat-sim", "Python", "numpy", "habitat-lab") if found[name]]
    unfit = bool(found["habitat-lab"]) and int(found["numpy"].partition(".")[0]) >= 2
    row = Finding(
        name=ENGINE,
        status="warning" if unfit else "ok",
        found=", ".join([*parts, *found["built_with"]]),
        advice=LAB_NUMPY if unfit else "",
    )
    return [row, *(look_at_engine(ENGINE, home, unavailable="warning") if ENGINE in ENGINES else [])]


def find_habitat() -> dict[str, Any]:
    """Ask the interpreter what it has, in a process of its own.

    Raises:
        UserError: there is none, or habitat-sim cannot be imported in it.
    """
    step(f"looking for {PYTHON_VARIABLE}")
    python = habitat_python()
    step(f"importing habitat_sim with {python}")
    versions = habitat_versions(python)
    return {
        "habitat-sim": versions.habitat_sim,
        "Python": versions.python,
        "numpy": versions.numpy,
        "habitat-lab": _lab_version(python),
        "built_with": [
            f"{'with' if there else 'without'} {part}"
            for part, there in (("CUDA", versions.cuda), ("Bullet", versions.bullet))
        ],
    }


def _lab_version(python: str) -> str:
    """Return the version of habitat-lab in an interpreter, "" where it has none."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([python, "-c", LAB], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()
    return ""
