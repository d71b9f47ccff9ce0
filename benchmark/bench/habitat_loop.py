"""habitat-sim in software, in a bare loop in its own process: the fastest way to have its frames in memory."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from benchmark.bench.contest import PeerMissing
from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import habitat_python
from sim_envs.habitat.process import Worker
from sim_envs.habitat.renderer import RENDERER_ENVIRONMENT
from sim_envs.habitat.scene_files import STAGE_CONFIG, scene_files
from sim_envs.rig import Rig
from sim_envs.space import Space

WORKER = Path(__file__).with_name("habitat_loop_worker.py")
RENDER_SECONDS = 600.0


class HabitatLoop:
    """Renders RGB, depth (float metres) and instance ids of given poses, and keeps the arrays in its process.

    It does not bring them into the stored types, and makes no normals, edges and categories: less than all others do.

    Args:
        folder: an empty one, for poses and frames.

    Raises:
        PeerMissing: there is no habitat-sim here, or it does not open the space.
    """

    def __init__(self, space: Space, rig: Rig, camera_to_world: np.ndarray, folder: Path) -> None:
        poses = folder / "poses.npy"
        quaternions = Rotation.from_matrix(camera_to_world[:, :3, :3]).as_quat()
        np.save(poses, np.concatenate([camera_to_world[:, :3, 3], quaternions], axis=1))
        self._frames = folder / "frames.npz"
        self._seconds = 0.0
        try:
            files = scene_files(space)
            camera = {"width": rig.width, "height": rig.height, "hfov": rig.hfov}
            opening = {"do": "open", "stage": str(files / STAGE_CONFIG), "poses": str(poses), **camera}
            self._worker = Worker(
                WORKER,
                habitat_python(),
                opening,
                name="habitat-sim",
                environment=RENDERER_ENVIRONMENT | {"LP_NUM_THREADS": "0"},
                folder=files,
            )
        except UserError as error:
            raise PeerMissing(str(error)) from error
        self.name = f"habitat-sim {self._worker.opened}"

    def render(self) -> None:
        """Render all poses."""
        self._seconds = self._worker.ask({"do": "render"}, RENDER_SECONDS)

    def processor_seconds(self) -> float:
        """Return the processor time of this process and, as of the last frame, of habitat-sim's."""
        return time.process_time() + self._seconds

    def frames(self) -> dict[str, np.ndarray]:
        """Return what was rendered last: rgb (N, H, W, 3), depth (N, H, W) uint16 millimetres, instance."""
        self._worker.ask({"do": "save", "path": str(self._frames)})
        with np.load(self._frames) as arrays:
            depth = np.rint(arrays["depth_m"] * np.float32(1000)).astype(np.uint16)
            return {"rgb": arrays["rgb"], "depth": depth, "instance": arrays["instance"]}

    def close(self) -> None:
        """End its process."""
        self._worker.close()
