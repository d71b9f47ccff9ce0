"""A bare habitat-sim loop, as its documentation has it. Run by the interpreter with habitat-sim, not by ours::

    python bare_habitat.py STAGE_CONFIG POSES.npy WIDTH HEIGHT HFOV OUT.npz

Renders colour, depth and semantic of (N, 4, 4) poses, keeps the arrays, and writes them with the frames per second.
"""

from __future__ import annotations

import sys
import time

import habitat_sim
import magnum as mn
import magnum.gl
import numpy as np
from habitat_sim.utils.common import quat_from_magnum

stage, poses_path, width, height, hfov, out = sys.argv[1:]
poses = np.load(poses_path)

settings = habitat_sim.SimulatorConfiguration()
settings.scene_id = stage
settings.gpu_device_id = -1
settings.enable_physics = False
settings.load_semantic_mesh = True
sensors = []
for name in ("COLOR", "DEPTH", "SEMANTIC"):
    sensor = habitat_sim.CameraSensorSpec()
    sensor.uuid = name
    sensor.sensor_type = getattr(habitat_sim.SensorType, name)
    sensor.resolution = [int(height), int(width)]
    sensor.position = [0.0, 0.0, 0.0]
    sensor.hfov = float(hfov)
    sensors.append(sensor)
agent_settings = habitat_sim.agent.AgentConfiguration()
agent_settings.sensor_specifications = sensors
simulator = habitat_sim.Simulator(habitat_sim.Configuration(settings, [agent_settings]))
magnum.gl.Renderer.disable(magnum.gl.Renderer.Feature.FACE_CULLING)  # a space shows both sides of its faces
agent = simulator.get_agent(0)


def render(pose: np.ndarray) -> list[np.ndarray]:
    """Return copies of the three arrays: the next frame overwrites what the sensors return."""
    state = habitat_sim.AgentState()
    state.position = pose[:3, 3].astype(np.float32)
    state.rotation = quat_from_magnum(mn.Quaternion.from_matrix(mn.Matrix3(pose[:3, :3].astype(np.float32))))
    agent.set_state(state, reset_sensors=True)
    seen = simulator.get_sensor_observations()
    return [seen[name].copy() for name in ("COLOR", "DEPTH", "SEMANTIC")]


render(poses[0])
started = time.perf_counter()
frames = [render(pose) for pose in poses]
fps = len(frames) / (time.perf_counter() - started)
colour, depth_m, ids = (np.stack(arrays) for arrays in zip(*frames))  # noqa: B905 (Python 3.9 has no strict)
np.savez_compressed(out, rgb=colour[..., :3], depth_m=depth_m, ids=ids.astype(np.uint16), poses=poses, fps=fps)
print(f"{fps:.1f} frames/s", flush=True)
