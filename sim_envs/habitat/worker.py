"""Render poses with habitat-sim. Runs in the interpreter that has it, started by :mod:`sim_envs.habitat.host`.

Needs numpy and habitat-sim (0.2.2 or later) and nothing of this package; Python 3.9 or later. One process holds one
simulator: several in one process are known to crash (habitat-sim issues 1741, 1784).
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import habitat_sim
import magnum.gl
import numpy as np

NEAR_M, FAR_M = 0.01, 1000.0
GL_RENDERER, GL_VERSION = 0x1F01, 0x1F02
SENSORS = {
    "rgb": habitat_sim.SensorType.COLOR,
    "depth": habitat_sim.SensorType.DEPTH,
    "semantic": habitat_sim.SensorType.SEMANTIC,
}

_simulator: Any = None
_frames: dict[str, np.ndarray] = {}


def answer(request: dict[str, Any]) -> Any:
    """Do what a request asks for: ``open`` first, ``render`` any number of times."""
    do: dict[str, Any] = {"open": _open, "render": _render}
    return do[request.pop("do")](**request)


def _open(
    stage: str, width: int, height: int, hfov: float, gpu: int, memory: int, memory_size: int, slots: int, frames: int
) -> dict[str, str]:
    """Open a scene and map the shared memory.

    Args:
        stage: path of a stage config.
        width, height, hfov: the camera; pixels and degrees.
        gpu: number of the GPU, −1 for none.
        memory: inherited descriptor of the memory for frames, of ``memory_size`` bytes.
        slots, frames: it holds so many times so many frames.

    Returns:
        What renders: habitat-sim's version, OpenGL's renderer and version.
    """
    global _simulator
    settings = habitat_sim.SimulatorConfiguration()
    settings.scene_id = stage
    settings.gpu_device_id = gpu
    settings.enable_physics = False
    settings.load_semantic_mesh = True
    agent = habitat_sim.agent.AgentConfiguration()
    agent.sensor_specifications = [_camera(name, width, height, hfov) for name in SENSORS]
    _simulator = habitat_sim.Simulator(habitat_sim.Configuration(settings, [agent]))
    # Both sides of a face are to be seen. The other way, every face twice, would cost half the frames per second.
    magnum.gl.Renderer.disable(magnum.gl.Renderer.Feature.FACE_CULLING)

    pixels = slots * frames * height * width
    mapped = mmap.mmap(memory, memory_size)
    shape = (slots, frames, height, width)
    _frames["rgb"] = np.frombuffer(mapped, np.uint8, 4 * pixels).reshape(*shape, 4)
    _frames["depth"] = np.frombuffer(mapped, np.float32, pixels, 4 * pixels).reshape(shape)
    _frames["semantic"] = np.frombuffer(mapped, np.uint16, pixels, 8 * pixels).reshape(shape)
    return {"habitat_sim": habitat_sim.__version__, "renderer": _gl_text(GL_RENDERER), "opengl": _gl_text(GL_VERSION)}


def _gl_text(name: int) -> str:
    """Ask OpenGL, in the context that habitat-sim has made current, what it is; "" where its library is elsewhere."""
    for library in ("libOpenGL.so.0", "libGL.so.1"):
        try:
            get_string = ctypes.CDLL(library).glGetString
        except (OSError, AttributeError):
            continue
        get_string.restype = ctypes.c_char_p
        return (get_string(name) or b"").decode(errors="replace")
    return ""


def _camera(name: str, width: int, height: int, hfov: float) -> Any:
    camera = habitat_sim.CameraSensorSpec()
    camera.uuid = name
    camera.sensor_type = SENSORS[name]
    camera.resolution = [height, width]
    camera.position = [0.0, 0.0, 0.0]
    camera.orientation = [0.0, 0.0, 0.0]
    camera.hfov = hfov
    camera.near = NEAR_M
    camera.far = FAR_M
    return camera


def _render(positions: list[list[float]], rotations: list[list[float]], slot: int) -> list[int]:
    """Render poses into a slot of the shared memory.

    Args:
        positions: of the camera, metres.
        rotations: unit quaternions x, y, z, w.
        slot: which.

    Returns:
        The slot and the number of frames in it.
    """
    agent = _simulator.get_agent(0)
    for frame, (position, rotation) in enumerate(zip(positions, rotations)):  # noqa: B905 (Python 3.9 has no strict)
        state = habitat_sim.AgentState(np.array(position, np.float32), np.array(rotation))
        agent.set_state(state, reset_sensors=True)
        seen = _simulator.get_sensor_observations()
        for name, frames in _frames.items():
            frames[slot, frame] = seen[name]
    return [slot, len(positions)]
