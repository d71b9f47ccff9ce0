"""The composed space against habitat-sim itself, which opens the same dataset files its own way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter
from scipy.spatial.transform import Rotation

from sim_envs.engines.raycast import RaycastEngine
from sim_envs.habitat.process import Worker
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.spaces.habitat.compose import compose
from sim_envs.spaces.habitat.dataset import read_dataset
from sim_envs.trajectories.gaze import rotations
from tests.sim_envs.dataset_files import write_hm3d, write_mp3d_habitat
from tests.sim_envs.habitat_dataset_kit import crate_config, scene, write_dataset, write_json
from tests.sim_envs.habitat_kit import habitat_interpreter
from tests.sim_envs.test_habitat_stages import HM3D_STAGES, MP3D_STAGES, write_config

WORKER = Path(__file__).with_name("habitat_dataset_worker.py")
SIZE, VIEWS = 96, 24


def views() -> np.ndarray:
    """Return (N, 4, 4) poses in the tiny dataset's room, looking all around."""
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (VIEWS, 1, 1))
    poses[:, :3, :3] = rotations(
        rng.uniform(-np.pi, np.pi, VIEWS), rng.uniform(-0.6, 0.4, VIEWS), rng.uniform(-0.1, 0.1, VIEWS)
    )
    poses[:, :3, 3] = rng.uniform([-2.5, 1.4, -2], [2.5, 2.2, 2], (VIEWS, 3))
    return poses


def seen_by_habitat(config: Path, poses: np.ndarray, folder: Path, scene: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, H, W) depth in millimetres and semantic ids."""
    quaternions = Rotation.from_matrix(poses[:, :3, :3]).as_quat()
    opening = {"config": str(config), "scene": scene, "size": SIZE, "hfov": 90.0}
    worker = Worker(WORKER, habitat_interpreter(), opening, folder=folder)
    try:
        rows = np.hstack([poses[:, :3, 3], quaternions]).tolist()
        worker.ask({"poses": rows, "out": str(folder / "seen.npz")})
    finally:
        worker.close()
    with np.load(folder / "seen.npz") as seen:
        return seen["depth"] * 1000.0, seen["semantic"]


def seen_by_raycast(space: Space, poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, H, W) depth in millimetres and the dataset's semantic ids."""
    engine = RaycastEngine(space, Rig(SIZE, SIZE, 90.0))
    frames = [engine.render(pose) for pose in poses]
    ids = space.provenance["semantic_ids"]
    table = np.array([0, *(ids[name] for name in space.categories)])
    return (
        np.stack([frame["depth"] for frame in frames]).astype(float),
        table[np.stack([frame["semantic"] for frame in frames])],
    )


@pytest.mark.parametrize("com", [None, [0.1, 0.0, 0.3]])
@pytest.mark.parametrize("origin", ["asset_local", "com"])
def test_habitat_sim_sees_the_same_things_at_the_same_places(
    tmp_path: Path, origin: str, com: list[float] | None
) -> None:
    habitat_interpreter()
    config = write_dataset(tmp_path / "data")
    crate = crate_config(up=[0, 0, 1], front=[0, 1, 0]) | ({"COM": com} if com else {})
    write_json(tmp_path / "data/configs/objects/crate.object_config.json", crate)
    whole = scene(articulated_object_instances=[], translation_origin=origin)
    write_json(tmp_path / "data/configs/scenes/flat.scene_instance.json", whole)
    poses = views()
    depth, semantic = seen_by_habitat(config, poses, tmp_path, "flat")
    our_depth, our_semantic = seen_by_raycast(compose(read_dataset(config), None, "scan/flat"), poses)
    assert set(np.unique(semantic)) == {0, 4, 9}
    flat = np.stack([maximum_filter(ids, 3) == minimum_filter(ids, 3) for ids in semantic])
    assert (our_semantic == semantic)[flat].mean() > 0.9995
    error = np.abs(our_depth - depth)[flat]
    assert np.median(error) < 0.5
    assert np.quantile(error, 0.99) < 2


@pytest.mark.parametrize("scene_id", ["TEEsavR23oF", "17DRP5sb8fy"])
def test_habitat_sim_sees_the_same_labels_on_stages_of_hm3d_and_matterport3d(tmp_path: Path, scene_id: str) -> None:
    """HM3D painted in vertex colours; its textures need an option of the simulator."""
    habitat_interpreter()
    if scene_id == "TEEsavR23oF":
        write_hm3d(tmp_path, painted="vertices")
        config = write_config(tmp_path, HM3D_STAGES)
    else:
        write_mp3d_habitat(tmp_path)
        config = write_config(tmp_path, MP3D_STAGES)
    space = compose(read_dataset(config), None, "scan/x")
    rng = np.random.default_rng(0)
    poses = views()
    poses[:, :3, 3] = rng.uniform(space.bounds[0] - 1, space.bounds[1] + 1, (VIEWS, 3))
    depth, semantic = seen_by_habitat(config, poses, tmp_path, scene_id)
    engine = RaycastEngine(space, Rig(SIZE, SIZE, 90.0))
    frames = [engine.render(pose) for pose in poses]
    our_depth, instance = (np.stack([frame[name] for frame in frames]) for name in ("depth", "instance"))
    same = (depth > 0) & (np.abs(depth - our_depth) < 5)  # habitat-sim does not show the backs of faces
    assert same.mean() > 0.05
    pairs = np.unique(np.stack([instance[same], semantic[same]]), axis=1).T.tolist()
    assert {ours for ours, _ in pairs} == {0, 1, 2, 3}
    assert len(pairs) == 4, "each of our instances is one id of habitat-sim's"
