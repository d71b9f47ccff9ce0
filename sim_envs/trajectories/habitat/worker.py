"""Run in the interpreter that has habitat-sim: navigation meshes, shortest paths, and agents that follow them.

Needs numpy and habitat_sim, and habitat (habitat-lab) where episodes are followed as it does; Python 3.9 or later.
See :mod:`sim_envs.habitat.host` for how it is asked. Nothing is rendered.

Requests, all lengths in metres, positions [x, y, z], rotations [x, y, z, w] (agent to world):
    {"open": stage config, "radius", "height"}  → {"islands": [{"index", "area", "points"}], "lab": bool, …}
    {"walk": island, "seed", "length"}          → points of shortest paths strung together
    {"path": start, "goal"}                     → {"points", "distance"} of one shortest path, or None
    {"follow": start, "rotation", "goals", "radius", "steps"} → {"poses": [[x, y, z, qx, qy, qz, qw]], "left"}
"""

import math
from types import SimpleNamespace

import habitat_sim
import numpy as np

CELL_HEIGHT = 0.05  # the default of 0.2 m puts the floor up to 0.1 m too high
SHORTEST_LEG = 1.0
ISLAND_POINTS = 16
MAX_TRIES = 200
TURN_DEGREES, STEP_METRES = 10.0, 0.25  # habitat-lab's defaults, where it is not installed
SENSOR_HEIGHT = 1.25

_open = {}


def answer(request):
    """Answer one request; see the head of this file."""
    if "open" in request:
        return _start(request)
    if "walk" in request:
        return _walk(request["walk"], request["seed"], request["length"])
    if "path" in request:
        return _path(request["path"], request["goal"])
    return _follow(request)


def _start(request):
    lab = _lab_settings()
    settings = habitat_sim.SimulatorConfiguration()
    settings.scene_id = request["open"]
    settings.create_renderer = False
    settings.enable_physics = False
    settings.load_semantic_mesh = False
    settings.gpu_device_id = -1
    agent = habitat_sim.agent.AgentConfiguration(
        height=request["height"], radius=request["radius"], sensor_specifications=[], action_space=_actions(lab)
    )
    sim = habitat_sim.Simulator(habitat_sim.Configuration(settings, [agent]))
    mesh = habitat_sim.NavMeshSettings()
    mesh.set_defaults()
    mesh.agent_radius = request["radius"]
    mesh.agent_height = request["height"]
    mesh.cell_height = CELL_HEIGHT
    if not sim.recompute_navmesh(sim.pathfinder, mesh):
        raise ValueError("no navigation mesh could be built")
    _open.update(sim=sim, lab=lab, follower=None, radius=None)
    return {
        "islands": _islands(sim.pathfinder),
        "lab": lab["version"],
        "sensor_height": lab["sensor_height"],
        "agent_radius": lab["agent_radius"],
        "agent_height": lab["agent_height"],
    }


def _lab_settings():
    """Return habitat-lab's defaults, read from it where it is installed; ``version`` is None where it is not."""
    try:
        import habitat
        from habitat.config.default_structured_configs import (
            AgentConfig,
            SimulatorConfig,
            SimulatorSensorConfig,
        )
        from habitat.sims.habitat_simulator.actions import HabitatSimActions
        from habitat.tasks.nav.shortest_path_follower import ShortestPathFollower
    except ImportError:
        return {
            "version": None,
            "keys": ("stop", "move_forward", "turn_left", "turn_right"),
            "step": STEP_METRES,
            "turn": TURN_DEGREES,
            "sensor_height": SENSOR_HEIGHT,
            "agent_radius": 0.1,
            "agent_height": 1.5,
        }
    actions = HabitatSimActions
    return {
        "version": habitat.__version__,
        "follower": ShortestPathFollower,
        "keys": (actions.stop, actions.move_forward, actions.turn_left, actions.turn_right),
        "step": float(SimulatorConfig().forward_step_size),
        "turn": float(SimulatorConfig().turn_angle),
        "sensor_height": float(SimulatorSensorConfig().position[1]),
        "agent_radius": float(AgentConfig().radius),
        "agent_height": float(AgentConfig().height),
    }


def _actions(lab):
    _, forward, left, right = lab["keys"]
    spec, actuation = habitat_sim.ActionSpec, habitat_sim.ActuationSpec
    return {
        forward: spec("move_forward", actuation(amount=lab["step"])),
        left: spec("turn_left", actuation(amount=lab["turn"])),
        right: spec("turn_right", actuation(amount=lab["turn"])),
    }


def _islands(pathfinder):
    pathfinder.seed(0)
    found = []
    for index in range(pathfinder.num_islands):
        points = [pathfinder.get_random_navigable_point(island_index=index) for _ in range(ISLAND_POINTS)]
        inside = [[float(x) for x in point] for point in points if np.isfinite(point).all()]
        if inside:
            area = float(pathfinder.island_area(index))
            found.append({"index": index, "area": area, "points": inside})
    return found


def _walk(island, seed, length):
    """String together shortest paths between random points of an island until they are long enough."""
    pathfinder = _open["sim"].pathfinder
    pathfinder.seed(seed)
    points, walked, tries = [], 0.0, 0
    while walked < length:
        tries += 1
        if tries > MAX_TRIES and not points:
            raise ValueError("no two points of the navigation mesh are a metre apart")
        goal = pathfinder.get_random_navigable_point(island_index=island)
        if not points:
            points.append(goal)
            continue
        found = _path(points[-1], goal)
        if found is None or (found["distance"] < SHORTEST_LEG and tries % MAX_TRIES):
            continue
        points += [np.array(point) for point in found["points"][1:]]
        walked += found["distance"]
    return [[float(x) for x in point] for point in points]


def _path(start, goal):
    path = habitat_sim.ShortestPath()
    path.requested_start = np.array(start, np.float32)
    path.requested_end = np.array(goal, np.float32)
    if not _open["sim"].pathfinder.find_path(path) or not math.isfinite(path.geodesic_distance):
        return None
    points = [[float(x) for x in point] for point in path.points]
    return {"points": points, "distance": float(path.geodesic_distance)}


def _follow(request):
    """Let the agent act until it stops, and return where it stood after every action."""
    sim = _open["sim"]
    agent = sim.get_agent(0)
    state = habitat_sim.AgentState()
    state.position = sim.pathfinder.snap_point(np.array(request["follow"], np.float32))
    x, y, z, w = request["rotation"]
    state.rotation = np.quaternion(w, x, y, z)
    if not np.isfinite(state.position).all():
        return {"poses": [], "left": None, "snapped": None}
    agent.set_state(state)
    goal = _nearest(state.position, request["goals"])
    if goal is None:
        return {"poses": [], "left": None, "snapped": None}
    follower = _follower(request["radius"])
    stop = _open["lab"]["keys"][0]
    poses = [_pose(agent)]
    for _ in range(request["steps"]):
        action = follower(goal)
        if action is None or action == stop:
            break
        agent.act(action)
        poses.append(_pose(agent))
    left = _path(agent.state.position, goal)
    return {
        "poses": poses,
        "left": None if left is None else left["distance"],
        "snapped": float(np.linalg.norm(state.position - np.array(request["follow"]))),
    }


def _nearest(start, goals):
    """Return the goal with the shortest way to it, on the navigation mesh; None where none can be reached."""
    pathfinder = _open["sim"].pathfinder
    best, least = None, math.inf
    for goal in goals:
        snapped = pathfinder.snap_point(np.array(goal, np.float32))
        found = _path(start, snapped) if np.isfinite(snapped).all() else None
        if found is not None and found["distance"] < least:
            best, least = snapped, found["distance"]
    return best


def _follower(radius):
    """Return goal → next action: habitat-lab's ShortestPathFollower, or what it is made of."""
    if _open["radius"] != radius:
        sim, lab = _open["sim"], _open["lab"]
        stop, forward, left, right = lab["keys"]
        if lab["version"] is not None:
            sim.habitat_config = SimpleNamespace(scene=sim.config.sim_cfg.scene_id)  # all it asks of a HabitatSim
            follower = lab["follower"](sim, radius, return_one_hot=False, stop_on_error=True)
            _open["follower"] = follower.get_next_action
        else:
            greedy = sim.make_greedy_follower(
                0, radius, stop_key=stop, forward_key=forward, left_key=left, right_key=right
            )
            _open["follower"] = greedy.next_action_along
        _open["radius"] = radius
    return _open["follower"]


def _pose(agent):
    state = agent.state
    q = state.rotation
    return [float(v) for v in (*state.position, q.x, q.y, q.z, q.w)]
