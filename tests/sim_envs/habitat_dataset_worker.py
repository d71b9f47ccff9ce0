"""Run by the interpreter that has habitat-sim: open a scene dataset as it is, and say what its sensors see.

Depth and semantic id only, from poses in world coordinates. Needs numpy and habitat_sim.
"""

import json
import os

import habitat_sim
import numpy as np

_open = {}


def answer(request):
    """Open (``config``, ``scene``, ``size``, ``hfov``) or render (``poses``: position and x, y, z, w; ``out``)."""
    if "config" in request:
        return _start(request)
    depth, semantic = [], []
    agent = _open["sim"].get_agent(0)
    for pose in request["poses"]:
        state = habitat_sim.AgentState()
        state.position = np.array(pose[:3], np.float32)
        state.rotation = np.quaternion(pose[6], *pose[3:6]) if hasattr(np, "quaternion") else pose[3:]
        agent.set_state(state, reset_sensors=True)
        seen = _open["sim"].get_sensor_observations()
        depth.append(seen["depth"].copy())
        semantic.append(seen["semantic"].astype(np.int64))
    np.savez(request["out"], depth=np.stack(depth), semantic=np.stack(semantic))
    return len(depth)


def _start(request):
    # Without this file in the current directory, lighting tables are built for many seconds.
    os.makedirs("data", exist_ok=True)
    with open("data/default.pbr_config.json", "w") as file:
        json.dump({"enable_ibl": False, "ibl_envmap_filename": "none.hdr"}, file)
    settings = habitat_sim.SimulatorConfiguration()
    settings.scene_dataset_config_file = request["config"]
    settings.scene_id = request["scene"]
    settings.gpu_device_id = -1
    settings.enable_physics = False
    settings.load_semantic_mesh = True
    sensors = []
    for name in ("DEPTH", "SEMANTIC"):
        spec = habitat_sim.CameraSensorSpec()
        spec.uuid = name.lower()
        spec.sensor_type = getattr(habitat_sim.SensorType, name)
        spec.resolution = [request["size"], request["size"]]
        spec.position = [0.0, 0.0, 0.0]
        spec.hfov = request["hfov"]
        sensors.append(spec)
    agent = habitat_sim.agent.AgentConfiguration(sensor_specifications=sensors)
    _open["sim"] = habitat_sim.Simulator(habitat_sim.Configuration(settings, [agent]))
    return habitat_sim.__version__
