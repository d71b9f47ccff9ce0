"""What benchmarks share: the spaces they run in, and a list of what each measured in its own units."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.spaces.scans.source import read_scan

SCAN = Path(__file__).parents[2].parent / "shared" / "real" / "redkitchen" / "scan"


@pytest.fixture(scope="module", params=["builtin/flat-01", "scan/redkitchen"])
def space(request: pytest.FixtureRequest) -> Space:
    """Return a built-in flat, or the real scan where it is at hand."""
    if request.param.startswith("builtin/"):
        return load_space(request.param)
    if not SCAN.exists():
        pytest.skip("the RedKitchen scan is not here")
    return read_scan(SCAN, name="redkitchen")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the figures that benchmarks left in ``extra_info``."""
    session = getattr(config, "_benchmarksession", None)
    measured = [bench for bench in session.benchmarks if bench.extra_info] if session else []
    if measured:
        terminalreporter.section("in their own units")
    for bench in measured:
        figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in bench.extra_info.items())
        terminalreporter.write_line(f"{bench.name}: {figures}")
