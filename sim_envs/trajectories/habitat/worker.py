"""Navigation meshes, shortest paths and agents that follow them. Nothing is rendered.

Runs in the interpreter that has habitat-sim, started by :mod:`sim_envs.habitat.host`. Needs numpy and habitat-sim and
nothing of this package, and habitat-lab where episodes are to be followed as it does; Python 3.9 or later.
Lengths are metres, positions [x, y, z], rotations [x, y, z, w] from agent to world.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import habitat_sim
import numpy as np
from habitat_sim.utils.common import quat_from_coeffs

SHORTEST_LEG = 1.0
ISLAND_POINTS = 16
TRIES = 200  # goals nearer than SHORTEST_LEG are taken after so many

_simulator: Any = None
_lab: Any = None
_followers: dict[float, Any] = {}


def answer(request: dict[str, Any]) -> Any:
    """Do what a request asks for: ``open`` first, the others any number of times."""
    do: dict[str, Any] = {"open": _open, "walk": _walk, "snap": _snap, "ways": _ways, "follow": _follow}
    return do[request.pop("do")](**request)


def _open(stage: str, radius: float | None, height: float | None, cell_height: float) -> dict[str, Any]:
    """Build the navigation mesh of a scene, for an agent of this size; None: for habitat-lab's agent."""
    global _simulator, _lab
    settings = habitat_sim.SimulatorConfiguration()
    settings.scene_id = stage
    settings.create_renderer = False
    settings.enable_physics = False
    settings.load_semantic_mesh = False
    settings.gpu_device_id = -1
    _lab = _lab_settings() if radius is None or height is None else _bare_settings()
    radius = _lab.agent_radius if radius is None else radius
    height = _lab.agent_height if height is None else height
    agent = habitat_sim.agent.AgentConfiguration(
        height=height, radius=radius, sensor_specifications=[], action_space=_actions()
    )
    _simulator = habitat_sim.Simulator(habitat_sim.Configuration(settings, [agent]))
    mesh = habitat_sim.NavMeshSettings()
    mesh.set_defaults()
    mesh.agent_radius, mesh.agent_height, mesh.cell_height = radius, height, cell_height
    walkable = _simulator.recompute_navmesh(_simulator.pathfinder, mesh)
    return {"islands": _islands() if walkable else [], "lab": _lab.version, "sensor_height": _lab.sensor_height}


def _lab_settings() -> SimpleNamespace:
    """Return the defaults of habitat-lab, read from it where it is."""
    try:
        from habitat.config import default_structured_configs as defaults
        from habitat.sims.habitat_simulator.actions import HabitatSimActions as Actions
        from habitat.tasks.nav.shortest_path_follower import ShortestPathFollower
    except ImportError:
        return _bare_settings()
    return SimpleNamespace(
        version=version("habitat-lab"),
        follower=ShortestPathFollower,
        keys=(Actions.stop, Actions.move_forward, Actions.turn_left, Actions.turn_right),
        step=float(defaults.SimulatorConfig().forward_step_size),
        turn=float(defaults.SimulatorConfig().turn_angle),
        sensor_height=float(defaults.SimulatorSensorConfig().position[1]),
        agent_radius=float(defaults.AgentConfig().radius),
        agent_height=float(defaults.AgentConfig().height),
    )


def _bare_settings() -> SimpleNamespace:
    """Return the same defaults without habitat-lab, which takes seconds to import; ``version`` is None."""
    return SimpleNamespace(
        version=None,
        keys=("stop", "move_forward", "turn_left", "turn_right"),
        step=0.25,
        turn=10.0,
        sensor_height=1.25,
        agent_radius=0.1,
        agent_height=1.5,
    )


def _actions() -> dict[Any, Any]:
    spec, actuation = habitat_sim.ActionSpec, habitat_sim.ActuationSpec
    _, forward, left, right = _lab.keys
    return {
        forward: spec("move_forward", actuation(amount=_lab.step)),
        left: spec("turn_left", actuation(amount=_lab.turn)),
        right: spec("turn_right", actuation(amount=_lab.turn)),
    }


def _islands() -> list[dict[str, Any]]:
    """Return the connected pieces of the mesh, each with its area and some points at random."""
    pathfinder = _simulator.pathfinder
    pathfinder.seed(0)
    found = []
    for index in range(pathfinder.num_islands):
        points = [pathfinder.get_random_navigable_point(island_index=index) for _ in range(ISLAND_POINTS)]
        finite = [_floats(point) for point in points if np.isfinite(point).all()]
        if finite:
            found.append({"index": index, "area": float(pathfinder.island_area(index)), "points": finite})
    return found


def _walk(island: int, seed: int, length: float) -> list[list[float]]:
    """String shortest paths between random points of an island together until they are long enough."""
    pathfinder = _simulator.pathfinder
    pathfinder.seed(seed)
    points = [_floats(pathfinder.get_random_navigable_point(island_index=island))]
    walked, tries = 0.0, 0
    while walked < length:
        tries += 1
        if tries > TRIES * (len(points) + 9):
            raise ValueError(f"no way was found between random points of island {island}")
        found = _path(points[-1], _floats(pathfinder.get_random_navigable_point(island_index=island)))
        if found is None or found["distance"] < (SHORTEST_LEG if tries % TRIES else 1e-3):
            continue
        points += found["points"][1:]
        walked += found["distance"]
    return points


def _snap(points: list[list[float]], island: int) -> list[list[float] | None]:
    """Return the points of an island that are nearest to some points."""
    return [_snapped(point, island) for point in points]


def _ways(start: list[float], goals: list[list[float]]) -> list[dict[str, Any] | None]:
    """Return the shortest path from a point of the mesh to each of some others."""
    return [_path(start, goal) for goal in goals]


def _path(start: list[float], goal: list[float]) -> dict[str, Any] | None:
    """Return the corners and the length of the shortest path, None where there is none."""
    path = habitat_sim.ShortestPath()
    path.requested_start = np.array(start, np.float32)
    path.requested_end = np.array(goal, np.float32)
    if not _simulator.pathfinder.find_path(path) or not math.isfinite(path.geodesic_distance):
        return None
    return {"points": [_floats(point) for point in path.points], "distance": float(path.geodesic_distance)}


def _follow(
    start: list[float], rotation: list[float], goals: list[list[float]], radius: float, steps: int
) -> dict[str, Any]:
    """Let the agent act until it stops; return where it stood after every action, and how far it came."""
    snapped = _snapped(start)
    goal = None if snapped is None else _nearest(snapped, goals)
    if snapped is None or goal is None:
        return {"poses": [], "left": None, "snapped": None}
    agent = _simulator.get_agent(0)
    state = habitat_sim.AgentState()
    state.position, state.rotation = np.array(snapped, np.float32), quat_from_coeffs(np.array(rotation))
    agent.set_state(state)
    next_action, stop = _follower(radius), _lab.keys[0]
    poses = [_pose(agent)]
    for _ in range(steps):
        action = next_action(np.array(goal, np.float32))
        if action == stop:
            break
        agent.act(action)
        poses.append(_pose(agent))
    way = _path(_floats(agent.state.position), goal)
    return {"poses": poses, "left": way and way["distance"], "snapped": math.dist(snapped, start)}


def _snapped(point: list[float], island: int = -1) -> list[float] | None:
    found = _floats(_simulator.pathfinder.snap_point(np.array(point, np.float32), island_index=island))
    return found if all(map(math.isfinite, found)) else None


def _nearest(start: list[float], goals: list[list[float]]) -> list[float] | None:
    """Return the goal with the shortest way to it, on the mesh; None where none can be reached."""
    best, least = None, math.inf
    for goal in filter(None, map(_snapped, goals)):
        found = _path(start, goal)
        if found is not None and found["distance"] < least:
            best, least = goal, found["distance"]
    return best


def _follower(radius: float) -> Any:
    """Return goal → next action: habitat-lab's ShortestPathFollower, or the greedy follower that it is made of."""
    if radius not in _followers:
        stop, forward, left, right = _lab.keys
        if _lab.version is not None:
            _simulator.habitat_config = SimpleNamespace(scene=_simulator.config.sim_cfg.scene_id)  # all it asks for
            lab = _lab.follower(_simulator, radius, return_one_hot=False, stop_on_error=True)
            _followers[radius] = lab.get_next_action
        else:
            greedy = _simulator.make_greedy_follower(
                0, radius, stop_key=stop, forward_key=forward, left_key=left, right_key=right
            )
            _followers[radius] = _stopping(greedy, stop)
    return _followers[radius]


def _stopping(follower: Any, stop: str) -> Any:
    """Return the follower's next action; stop where it finds none, as habitat-lab does."""

    def next_action(goal: Any) -> Any:
        try:
            return follower.next_action_along(goal)
        except habitat_sim.errors.GreedyFollowerError:
            return stop

    return next_action


def _pose(agent: Any) -> list[float]:
    q = agent.state.rotation
    return [*_floats(agent.state.position), float(q.x), float(q.y), float(q.z), float(q.w)]


def _floats(values: Any) -> list[float]:
    return [float(value) for value in values]
