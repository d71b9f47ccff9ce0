"""Print what each benchmark measured in its own units, beside pytest-benchmark's table of seconds."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the figures that benchmarks left in ``extra_info``."""
    session = getattr(config, "_benchmarksession", None)
    measured = [bench for bench in session.benchmarks if bench.extra_info] if session else []
    if measured:
        terminalreporter.section("in their own units")
    for bench in measured:
        figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in bench.extra_info.items())
        terminalreporter.write_line(f"{bench.name}: {figures}")
