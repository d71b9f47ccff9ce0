"""The first stage: what a device would sense in a space, on disk."""

from __future__ import annotations

from pathlib import Path

from benchmark.jobs import Report
from sim_envs.generate import generate
from sim_envs.recordings.format import Recipe


def run_generate(recipe: Recipe, home: Path, report: Report) -> None:
    """Record a space, or continue a recording that was interrupted; one process a recording."""
    generate(recipe, home=home, workers=1, progress=report)
