"""The table of checks, and what comes of them all."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmark.doctor.engines import look_at_embree, look_at_engine
from benchmark.doctor.findings import Check, Report
from benchmark.doctor.graphics import look_at_driver, look_at_egl
from benchmark.doctor.habitat import ENGINE as HABITAT
from benchmark.doctor.habitat import look_at_habitat
from benchmark.doctor.machine import look_at_furniture, look_at_home, look_at_memory, look_at_python, look_at_torch
from benchmark.environment import environment
from sim_envs.engines import ENGINES

CHECKS: tuple[Check, ...] = (
    Check("Python", look_at_python),
    Check("torch", look_at_torch),
    Check("memory", look_at_memory),
    Check("data home", look_at_home),
    Check("Embree", look_at_embree),
    Check("EGL", look_at_egl),
    Check("driver", look_at_driver),
    Check("furniture", look_at_furniture),
    Check(HABITAT, look_at_habitat),
)


def all_checks() -> tuple[Check, ...]:
    """Return ``CHECKS`` and one check for every other engine, third-party ones too."""
    others = [name for name in ENGINES if name != HABITAT]
    return *CHECKS, *(Check(f"engine {name}", partial(look_at_engine, name)) for name in others)


def diagnose(home: Path, checks: Sequence[Check] | None = None) -> Report:
    """Look at everything, several things at a time.

    Args:
        home: the data home.
        checks: what to look at; default: everything.
    """
    checks = all_checks() if checks is None else checks
    # Most of a check is waiting for a process of its own; the slowest are importing torch and drawing.
    with ThreadPoolExecutor(max_workers=4) as pool:
        findings = [finding for found in pool.map(lambda check: check.look(home), checks) for finding in found]
    return Report(
        main_job=not any(finding.status == "failure" for finding in findings),
        findings=tuple(findings),
        environment=environment(),
    )
