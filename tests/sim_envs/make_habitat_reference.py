"""Make the reference frames that ``test_habitat_reference.py`` holds the ray caster against. Run by hand::

    TST_BENCH_HABITAT_PYTHON=… python -m tests.sim_envs.make_habitat_reference

A bare habitat-sim loop renders the tiny room; nothing of our engine ``habitat`` takes part but the scene files.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from sim_envs.engines.habitat import HabitatEngine
from sim_envs.habitat.interpreter import habitat_python, habitat_versions
from sim_envs.habitat.scene_files import STAGE_CONFIG, write_scene_files
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.storage import digest_file
from tests.sim_envs.habitat_scene import RIG, cameras, tiny_room

DATA = Path(__file__).parent / "data"
FRAMES, PROVENANCE = DATA / "habitat-tiny-room.npz", DATA / "habitat-tiny-room.json"
SOURCE_COMMIT = "57ee4941dc4765240f0f91f70b2c97a919bf9038"  # of facebookresearch/habitat-sim


def bare_frames(space: Space, rig: Rig, camera_to_world: np.ndarray, folder: Path) -> dict[str, np.ndarray]:
    """Return what ``bare_habitat.py`` renders: ``rgb``, ``depth_m``, ``ids``, ``poses`` and ``fps``."""
    files = folder / "scene"
    files.mkdir()
    write_scene_files(space, files)
    np.save(folder / "poses.npy", camera_to_world)
    script = Path(__file__).with_name("bare_habitat.py")
    camera = [str(rig.width), str(rig.height), str(rig.hfov)]
    command = [habitat_python(), str(script), str(files / STAGE_CONFIG), str(folder / "poses.npy"), *camera]
    subprocess.run([*command, str(folder / "out.npz")], cwd=files, check=True)
    with np.load(folder / "out.npz") as made:
        return dict(made)


def main() -> None:
    """Write the frames and where they came from."""
    space = tiny_room()
    with tempfile.TemporaryDirectory() as folder:
        made = bare_frames(space, RIG, cameras(), Path(folder))
    made.pop("fps")
    engine = HabitatEngine(space, RIG)
    renderer = engine.renderer
    engine.close()
    np.savez_compressed(FRAMES, **made)
    provenance = {
        "what": "frames of tests/sim_envs/habitat_scene.py, rendered by tests/sim_envs/bare_habitat.py",
        "versions": habitat_versions().model_dump(),
        "source": f"https://github.com/facebookresearch/habitat-sim at {SOURCE_COMMIT}",
        "renderer": renderer,
        "made": datetime.date.today().isoformat(),
        "rig": {"width": RIG.width, "height": RIG.height, "hfov": RIG.hfov},
        "camera_to_world": cameras().tolist(),
        "space_digest": space.digest,
        "frames_sha256": digest_file(FRAMES),
        "licence": "habitat-sim is MIT; the room is ours",
    }
    PROVENANCE.write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")
    print(f"{FRAMES}: {FRAMES.stat().st_size} bytes")


if __name__ == "__main__":
    main()
