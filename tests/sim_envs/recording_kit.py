"""What the tests of recordings share: a small coloured room, its recipe, and third-party engines that misbehave."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from sim_envs.recordings.format import Recipe
from sim_envs.space import Space
from tests.sim_envs.rooms import furnished_room

ROOT = Path(__file__).parents[2]
SPLITS = {"train": (3, 4), "val": (1, 4), "test": (2, 4)}
TRAJECTORIES, FRAMES = 6, 24


def room(labels: bool = True) -> Space:
    """Return a furnished room with a random colour at every corner."""
    plain = furnished_room()
    colours = np.random.default_rng(0).integers(0, 256, plain.vertex_rgb.shape).astype(np.uint8)
    instance = plain.face_instance if labels else np.zeros_like(plain.face_instance)
    return replace(plain, vertex_rgb=colours, face_instance=instance)


def recipe(engine: str = "raycast", **changes: object) -> Recipe:
    """Return a recipe of 24 small frames of the room."""
    fields = {"space": "test/room", "engine": engine, "width": 32, "height": 32, "splits": SPLITS}
    return Recipe.model_validate(fields | changes)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a recording that is promised to be the same bytes from run to run."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "log.json"}


def install_engine(site: Path, body: str) -> Path:
    """Install a package with a third-party engine named ``third``, and return the folder for ``sys.path``.

    Args:
        site: a folder to be made.
        body: the lines of ``render(self, camera_to_world)`` before it returns ``super().render(...)``;
            ``self.frames`` counts the calls, ``os`` and ``time`` are imported.
    """
    module = "third_" + hashlib.sha256(str(site).encode()).hexdigest()[:8]  # modules are imported once a process
    (site / "third-1.dist-info").mkdir(parents=True)
    (site / "third-1.dist-info" / "METADATA").write_text("Name: third\nVersion: 1\n")
    (site / "third-1.dist-info" / "entry_points.txt").write_text(f"[tst_bench.engines]\nthird = {module}:Third\n")
    lines = "\n".join("        " + line for line in body.splitlines())
    (site / f"{module}.py").write_text(
        "import errno, os, time\n"
        "from sim_envs.engines.raycast import RaycastEngine\n"
        "class Third(RaycastEngine):\n"
        "    name, frames = 'third', 0\n"
        "    def render(self, camera_to_world):\n"
        f"        self.frames += 1\n{lines}\n"
        "        return super().render(camera_to_world)\n"
    )
    return site


def start(code: str, *paths: Path, pace: float = 0) -> subprocess.Popen[str]:
    """Start Python in a session of its own, with the repository and some folders on its path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT))), "PACE": str(pace)}
    command = [sys.executable, "-c", "from tests.sim_envs.recording_kit import *\n" + code]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def generating(home: Path, workers: int, engine: str = "raycast") -> str:
    """Return the code that records the room."""
    return (
        "from sim_envs.generate import record\n"
        f"record(room(), recipe({engine!r}), home=Path({str(home)!r}), workers={workers})\n"
    )


def ended(pid: int) -> bool:
    """Return whether a process ends within ten seconds; one that nobody has waited for counts."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
