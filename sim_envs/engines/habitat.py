"""The engine ``habitat``: habitat-sim, on a GPU or in software, in a process and an interpreter of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from sim_envs.engines.raycast import MAX_DEPTH_MM
from sim_envs.habitat.interpreter import habitat_python, habitat_versions
from sim_envs.habitat.process import Worker, WorkerFault
from sim_envs.habitat.renderer import GPUS_VARIABLE, RENDERER, RENDERER_ENVIRONMENT, gpu_of_this_process
from sim_envs.habitat.scene_files import STAGE_CONFIG, scene_files
from sim_envs.habitat.shared_memory import SharedMemory
from sim_envs.rig import Rig
from sim_envs.sensors.normals import encoded_normals_from_depth
from sim_envs.space import Space

# Requests under way while this process deals with the frames of one; few frames each, or it would wait long for the
# first and have much to do after the last.
AHEAD = 2
FRAMES_A_REQUEST = 4
PIXELS_A_REQUEST = 1 << 21  # larger frames go one by one, to keep the shared memory small
BYTES_A_PIXEL = 4 + 4 + 2  # RGBA, float32 depth, uint16 id

WHAT_TO_DO = (
    f"`tst-bench doctor` looks for what is missing. {GPUS_VARIABLE}=0 chooses a GPU; an empty value renders in "
    "software."
)


class HabitatEngine:
    """Renders a space with habitat-sim's colour, depth and semantic sensors.

    All modalities are point samples through the centres of the pixels, as habitat-sim rasterises; textures are
    mip-mapped, edges are not antialiased. That is nearly all in which RGB differs from ``raycast``: PSNR at 256² is
    36 dB in builtin/flat-01, 34 in flat-07, 32 in home-01 and 38 in a real scan, at 128² 34, 31, 29 and 34. The
    mean of a picture twice as large would add 4 dB in flats and take 6 in the scan, whose holes would get dark rims;
    in software, drawing it takes longer than all three sensors do now.

    Depth is right to about 0.1 mm in a room. Normals are derived from the depth before it is rounded to millimetres
    (:func:`sim_envs.sensors.normals.normals_from_depth`). Beyond 65.535 m depth, ids and colour are 0, as in
    ``raycast``; nearer than 1 cm nothing is seen.

    habitat-sim gives the same bytes for the same pose on the same renderer; another GPU or driver may round
    otherwise.
    """

    name = "habitat"
    version = "1"

    def __init__(self, space: Space, rig: Rig) -> None:
        """Start habitat-sim with the files of a space.

        Raises:
            UserError: there is no interpreter with habitat-sim, or it does not open the space; the message holds
                its last output.
        """
        python, files = habitat_python(), scene_files(space)
        self._rig = rig
        self._category = space.instance_category
        frames = max(1, min(FRAMES_A_REQUEST, PIXELS_A_REQUEST // (rig.height * rig.width)))
        shape = (AHEAD + 1, frames, rig.height, rig.width)
        pixels = int(np.prod(shape))
        self._memory = SharedMemory(BYTES_A_PIXEL * pixels)
        self._rgba = np.frombuffer(self._memory.buffer, np.uint8, 4 * pixels).reshape(*shape, 4)
        self._depth_m = np.frombuffer(self._memory.buffer, np.float32, pixels, 4 * pixels).reshape(shape)
        self._ids = np.frombuffer(self._memory.buffer, np.uint16, pixels, 8 * pixels).reshape(shape)
        opening = {
            "do": "open",
            "stage": str(files / STAGE_CONFIG),
            "width": rig.width,
            "height": rig.height,
            "hfov": rig.hfov,
            "gpu": gpu_of_this_process(),
            "memory": self._memory.descriptor,
            "memory_size": self._memory.size,
            "slots": shape[0],
            "frames": frames,
        }
        try:
            self._worker = Worker(
                RENDERER,
                python,
                opening,
                name="habitat-sim",
                descriptors=[self._memory.descriptor],
                environment=RENDERER_ENVIRONMENT,
                folder=files,
            )
        except BaseException as error:
            self._memory.close()
            if isinstance(error, WorkerFault):
                raise WorkerFault(f"{error}\n{WHAT_TO_DO}") from error
            raise

    @staticmethod
    def libraries() -> dict[str, str]:
        """Return what recordings should say they were rendered with."""
        return {"habitat-sim": habitat_versions().habitat_sim}

    @property
    def renderer(self) -> str:
        """What OpenGL calls the device and driver, e.g. ``llvmpipe (LLVM 15.0.6, 256 bits)``."""
        return str(self._worker.opened["renderer"])

    @property
    def pid(self) -> int:
        """Id of the process that renders."""
        return self._worker.pid

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every rendered modality; see :class:`sim_envs.engines.Engine`."""
        return next(self.render_many(camera_to_world[None]))

    def render_many(self, camera_to_world: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Yield the frames of (N, 4, 4) poses in order; the next are rendered while the caller has one in hand."""
        for slot, count in self._worker.answers(self._requests(camera_to_world), ahead=AHEAD):
            for frame in range(count):
                yield self._frame(self._rgba[slot, frame], self._depth_m[slot, frame], self._ids[slot, frame])

    def close(self) -> None:
        """End habitat-sim; the engine cannot render afterwards."""
        self._worker.close()
        self._memory.close()

    def _requests(self, camera_to_world: np.ndarray) -> Iterator[dict[str, Any]]:
        """Yield requests of a few poses each, which take turns with the slots of the shared memory."""
        slots, frames = self._ids.shape[:2]
        position = camera_to_world[:, :3, 3]
        quaternion = Rotation.from_matrix(camera_to_world[:, :3, :3]).as_quat()
        for number, start in enumerate(range(0, len(camera_to_world), frames)):
            few = slice(start, start + frames)
            yield {
                "do": "render",
                "positions": position[few].tolist(),
                "rotations": quaternion[few].tolist(),
                "slot": number % slots,
            }

    def _frame(self, rgba: np.ndarray, depth_m: np.ndarray, ids: np.ndarray) -> dict[str, np.ndarray]:
        """Return a frame in the stored types, as copies: the shared memory is written again."""
        rgb, instance = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), ids.copy()
        millimetres = np.rint(depth_m * np.float32(1000))
        beyond = millimetres > MAX_DEPTH_MM
        if beyond.any():
            depth_m = np.where(beyond, np.float32(0), depth_m)
            millimetres[beyond] = rgb[beyond] = instance[beyond] = 0
        return {
            "rgb": rgb,
            "depth": millimetres.astype(np.uint16),
            "normals": encoded_normals_from_depth(depth_m, self._rig),
            "semantic": self._category.take(instance),
            "instance": instance,
        }
