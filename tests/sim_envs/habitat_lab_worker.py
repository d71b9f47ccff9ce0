"""Run by the interpreter that has habitat-lab: read a PointNav dataset with its classes; ``habitat.Env`` runs it.

Started in a folder with ``data/default.pbr_config.json``. Needs habitat_sim and habitat.
"""

import habitat
from habitat.datasets.pointnav.pointnav_dataset import PointNavDatasetV1
from habitat.tasks.nav.shortest_path_follower import ShortestPathFollower


def answer(request):
    """Return what habitat-lab reads of a ``split`` in ``folder``, and how its follower fares there."""
    if "start" in request:
        return habitat.__version__
    folder, split = request["folder"], request["split"]
    overrides = [
        f"habitat.dataset.data_path={folder}/pointnav/{split}/{split}.json.gz",
        f"habitat.dataset.scenes_dir={folder}/scene_datasets",
        "habitat.simulator.habitat_sim_v0.gpu_device_id=-1",
        "habitat.simulator.agents.main_agent.sim_sensors.rgb_sensor.width=32",
        "habitat.simulator.agents.main_agent.sim_sensors.rgb_sensor.height=32",
        "habitat.environment.iterator_options.shuffle=False",
    ]
    config = habitat.get_config("benchmark/nav/pointnav/pointnav_habitat_test.yaml", overrides)
    episodes = PointNavDatasetV1(config.habitat.dataset).episodes
    read = [
        {
            "kind": type(episode).__name__,
            "goal": type(episode.goals[0]).__name__,
            "corner": type(episode.shortest_paths[0][0]).__name__,
            "scene": episode.scene_id,
        }
        for episode in episodes
    ]
    return {"read": read, "runs": _run(config)}


def _run(config):
    runs = []
    with habitat.Env(config) as env:
        for _ in env.episodes:
            env.reset()
            episode = env.current_episode
            goal = episode.goals[0]
            follower = ShortestPathFollower(env.sim, goal.radius, return_one_hot=False)
            distance = env.sim.geodesic_distance(episode.start_position, [goal.position])
            while not env.episode_over:
                env.step(follower.get_next_action(goal.position))
            metrics = env.get_metrics()
            runs.append({"success": metrics["success"], "spl": metrics["spl"], "distance": float(distance)})
    return runs
