"""Poses are read from files exactly, whatever the axes, and wrong files are refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim_envs.errors import UserError
from sim_envs.rig import Rig
from sim_envs.trajectories.plan import plan_trajectories
from sim_envs.trajectories.pose_files import cut_poses, read_poses
from tests.sim_envs.rooms import empty_room

REDKITCHEN = Path(__file__).parents[2].parent / "shared" / "real" / "redkitchen"


def some_poses(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, random_state=seed).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(count, 3))
    return poses


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def nerfstudio(poses: np.ndarray) -> dict[str, object]:
    return {"frames": [{"file_path": f"{i}.png", "transform_matrix": p.tolist()} for i, p in enumerate(poses)]}


def test_nerfstudio_transforms_round_trip(tmp_path: Path) -> None:
    poses = some_poses(7)
    np.testing.assert_allclose(read_poses(write(tmp_path / "transforms.json", nerfstudio(poses))), poses, atol=1e-12)


def test_text_with_sixteen_numbers_per_line_round_trips(tmp_path: Path) -> None:
    poses = some_poses(5)
    lines = ["# x y z", "", *(" ".join(map(repr, p.ravel().tolist())) for p in poses)]
    np.testing.assert_allclose(read_poses(write(tmp_path / "poses.txt", "\n".join(lines))), poses, atol=1e-12)


@given(seed=st.integers(0, 1000))
def test_opencv_axes_look_along_plus_z(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    opencv = some_poses(3, seed)
    file = {"convention": "OpenCV", "frames": [{"camera_to_world": p.tolist()} for p in opencv]}
    read = read_poses(write(tmp_path_factory.mktemp("poses") / "p.json", file))
    np.testing.assert_allclose(-read[:, :3, 2], opencv[:, :3, 2], atol=1e-12)  # forward
    np.testing.assert_allclose(-read[:, :3, 1], opencv[:, :3, 1], atol=1e-12)  # down
    np.testing.assert_allclose(read[:, :3, 3], opencv[:, :3, 3], atol=1e-12)


def test_opengl_camera_to_world_is_taken_as_it_is_and_turned_upright(tmp_path: Path) -> None:
    poses, up = some_poses(3), some_poses(1, seed=9)[0]
    frames = [{"camera_to_world": p.tolist()} for p in poses]
    file = {"convention": "opengl", "world_to_yup": up.tolist(), "frames": frames}
    np.testing.assert_allclose(read_poses(write(tmp_path / "p.json", file)), up @ poses, atol=1e-9)


def test_slightly_off_rotations_are_made_orthonormal(tmp_path: Path) -> None:
    poses = some_poses(4)
    poses[:, :3, :3] += np.random.default_rng(1).uniform(-1e-3, 1e-3, (4, 3, 3))
    rotation = read_poses(write(tmp_path / "t.json", nerfstudio(poses)))[:, :3, :3]
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (4, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(rotation, poses[:, :3, :3], atol=3e-3)


def test_the_real_scan_s_cameras_stand_upright_and_look_slightly_down() -> None:
    file = REDKITCHEN / "rgbd" / "transforms.json"
    if not file.is_file():
        pytest.skip("the real scan is not on this machine")
    poses = read_poses(file)
    assert poses.shape == (200, 4, 4)
    assert (poses[:, 1, 1] > 0.7).all()  # camera up is world up
    down = np.degrees(np.arcsin(-poses[:, 1, 2]))  # elevation of −z
    assert ((down > -45) & (down < 0)).all()
    assert ((poses[:, 1, 3] > 1.2) & (poses[:, 1, 3] < 1.7)).all()


def mirrored() -> np.ndarray:
    poses = some_poses(3)
    poses[1, :3, 0] *= -1
    return poses


def scaled() -> np.ndarray:
    poses = some_poses(3)
    poses[1, :3, :3] *= 1.05
    return poses


def with_nan() -> np.ndarray:
    poses = some_poses(3)
    poses[1, 0, 3] = np.nan
    return poses


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.json", "{not json", "not valid JSON"),
        ("t.json", {"poses": []}, "no list 'frames'"),
        ("t.json", {"frames": []}, "holds no pose"),
        ("t.json", {"frames": [3]}, "frame 0 is not an object"),
        ("t.json", {"frames": [{"file_path": "a.png"}]}, "neither 'transform_matrix' nor 'camera_to_world'"),
        ("t.json", {"frames": [{"camera_to_world": np.eye(4).tolist()}]}, "'convention' must name"),
        ("t.json", {"frames": [{"transform_matrix": [[1, 2], [3, 4]]}]}, "frame 0 has 4 numbers"),
        ("t.json", {"frames": [{"transform_matrix": "identity"}]}, "not a number"),
        ("t.json", nerfstudio(mirrored()), "frame 1 is not rigid .*mirrored"),
        ("t.json", nerfstudio(scaled()), "frame 1 is not rigid .*off orthonormal"),
        ("t.json", nerfstudio(with_nan()), "frame 1 has values that are not finite"),
        ("p.txt", "1 0 0 0\n", "line 1 has 4 numbers"),
        ("p.txt", "# nothing\n", "holds no pose"),
        ("p.txt", " ".join(["1"] * 16), "line 1 has .* as its last row"),
        ("p.txt", "one two", "line 1 holds something that is not a number"),
    ],
)
def test_a_wrong_file_is_refused_by_name(name: str, content: object, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(UserError, match=message) as caught:
        read_poses(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(UserError, match="Cannot read the pose file"):
        read_poses(tmp_path / "p.txt")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No pose file at"):
        read_poses(tmp_path / "none.json")


@given(
    train=st.tuples(st.integers(0, 5), st.integers(1, 6)),
    val=st.tuples(st.integers(0, 3), st.integers(1, 6)),
    test=st.tuples(st.integers(0, 3), st.integers(1, 6)),
    spare=st.integers(0, 90),
)
def test_splits_are_contiguous_parts_in_order(
    train: tuple[int, int], val: tuple[int, int], test: tuple[int, int], spare: int
) -> None:
    counts = {"train": train, "val": val, "test": test}
    wanted = sum(n * frames for n, frames in counts.values())
    poses = np.tile(np.eye(4), (wanted + spare, 1, 1))
    poses[:, 0, 3] = np.arange(wanted + spare)
    cut = cut_poses(poses, counts, Path("poses.txt"))
    assert [t.id for t in cut] == list(range(len(cut)))
    for split, (number, frames) in counts.items():
        assert [len(t.camera_to_world) for t in cut if t.split == split] == [frames] * number
    order = np.concatenate([np.zeros(0), *(t.camera_to_world[:, 0, 3] for t in cut)])
    assert (np.diff(order) > 0).all()
    for trajectory in cut:
        assert len(np.unique(np.diff(trajectory.camera_to_world[:, 0, 3]))) <= 1


def test_too_few_poses_are_refused() -> None:
    with pytest.raises(UserError, match=r"holds 10 poses, but 12 are asked for \(train 2×3, test 1×6\)"):
        cut_poses(some_poses(10), {"train": (2, 3), "test": (1, 6)}, Path("poses.txt"))


def test_a_plan_can_be_a_pose_file(tmp_path: Path) -> None:
    poses = some_poses(9)
    path = write(tmp_path / "transforms.json", nerfstudio(poses))
    planned = plan_trajectories(empty_room(), Rig(), str(path), {"train": (2, 3), "test": (1, 3)}, seed=0)
    assert [t.split for t in planned] == ["train", "train", "test"]
    np.testing.assert_allclose(np.concatenate([t.camera_to_world for t in planned]), poses, atol=1e-12)
