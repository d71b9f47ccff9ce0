"""The first stage: what a device would sense in a space, on disk."""

from __future__ import annotations

from pathlib import Path

from benchmark.jobs import Report
from sim_envs.engines import ENGINES
from sim_envs.generate import generate
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import recording_folder
from sim_envs.spaces import load_place


def run_generate(recipe: Recipe, home: Path, report: Report) -> None:
    """Record a space, or continue a recording that was interrupted; one process a recording."""
    generate(recipe, home=home, workers=1, progress=report)


def space_read(recipe: Recipe, home: Path) -> tuple[Path, ...]:
    """Return where a space lies that was imported; a built-in one that nobody made yet is made where it is recorded."""
    folder = home / "spaces" / recipe.space
    return (folder,) if folder.is_dir() else ()


def recording_written(recipe: Recipe, home: Path) -> tuple[Path, ...]:
    """Return where the recording will lie. The space is loaded for it, as its folder's name says what the space is."""
    place = load_place(recipe.space, home)
    return (recording_folder(home, recipe, place, ENGINES[recipe.engine].version),)
