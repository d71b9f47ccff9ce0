"""Import a scene of a habitat dataset; it is kept as a scan, ``scan/<name>``, like any other."""

from __future__ import annotations

import re
from pathlib import Path

from sim_envs.space import Space
from sim_envs.spaces.habitat.compose import compose
from sim_envs.spaces.habitat.dataset import read_dataset
from sim_envs.spaces.scans.source import SOURCE, checked_name, keep_scan


def import_scene(config: Path, *, home: Path, scene: str | None = None, name: str | None = None) -> Space:
    """Compose a scene and keep it as ``scan/<name>``.

    Args:
        config: a ``*.scene_dataset_config.json``.
        home: the data home.
        scene: which scene; None: the only one.
        name: default: the name of the scene.

    Returns:
        The space as kept; ``provenance["notes"]`` says what was left out.

    Raises:
        UserError: wrong input, missing files, or a name that is taken by another scan. Nothing is left half-written.
    """
    dataset = read_dataset(config)
    proposed = re.sub(r"[^A-Za-z0-9._-]+", "-", dataset.scene(scene).name).strip("-._")
    space = compose(dataset, scene, f"{SOURCE}/{checked_name(name, proposed)}")
    keep_scan(space, home)
    return space
