"""A bare habitat-sim loop, as its documentation has it. Runs in the interpreter that has habitat-sim.

Needs numpy and habitat-sim and nothing of this package; started by :mod:`sim_envs.habitat.host`. Renders colour, depth
and semantic with three sensors, and keeps copies of the arrays.
"""

from __future__ import annotations

import time
from typing import Any

import habitat_sim
import magnum.gl
import numpy as np

SENSORS = ("COLOR", "DEPTH", "SEMANTIC")

_held: dict[str, Any] = {}


def answer(request: dict[str, Any]) -> Any:
    """Do what a request asks for: ``open`` first, then ``render`` and ``save`` any number of times."""
    do: dict[str, Any] = {"open": _open, "render": _render, "save": _save}
    return do[request.pop("do")](**request)


def _open(stage: str, poses: str, width: int, height: int, hfov: float) -> str:
    """Open a scene in software, read the poses ((N, 7): position, quaternion x, y, z, w); return the version."""
    settings = habitat_sim.SimulatorConfiguration()
    settings.scene_id = stage
    settings.gpu_device_id = -1
    settings.enable_physics = False
    settings.load_semantic_mesh = True
    agent = habitat_sim.agent.AgentConfiguration()
    agent.sensor_specifications = []
    for name in SENSORS:
        sensor = habitat_sim.CameraSensorSpec()
        sensor.uuid = name
        sensor.sensor_type = getattr(habitat_sim.SensorType, name)
        sensor.resolution = [height, width]
        sensor.position = [0.0, 0.0, 0.0]
        sensor.hfov = hfov
        agent.sensor_specifications.append(sensor)
    _held["simulator"] = habitat_sim.Simulator(habitat_sim.Configuration(settings, [agent]))
    magnum.gl.Renderer.disable(magnum.gl.Renderer.Feature.FACE_CULLING)  # a space shows both sides of its faces
    _held["poses"] = np.load(poses)
    return habitat_sim.__version__


def _render() -> float:
    """Render all poses; return the processor time of this process so far."""
    agent = _held["simulator"].get_agent(0)
    frames = []
    for pose in _held["poses"]:
        state = habitat_sim.AgentState(pose[:3].astype(np.float32), pose[3:])
        agent.set_state(state, reset_sensors=True)
        seen = _held["simulator"].get_sensor_observations()
        frames.append([seen[name].copy() for name in SENSORS])
    _held["frames"] = frames
    return time.process_time()


def _save(path: str) -> None:
    """Write what was rendered last as ``.npz``: rgb, depth_m, instance."""
    colour, depth_m, ids = (np.stack(arrays) for arrays in zip(*_held["frames"]))  # noqa: B905 (Python 3.9: no strict)
    np.savez(path, rgb=colour[..., :3], depth_m=depth_m, instance=ids.astype(np.uint16))
