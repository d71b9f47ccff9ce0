"""TUM RGB-D (Sturm et al., IROS 2012): ``rgb.txt``, ``depth.txt`` and ``groundtruth.txt``, paired by their times.

Each line is a time in seconds and a file, or a time and ``tx ty tz qx qy qz qw``: the colour camera in the world of
the motion-capture system (Z up), OpenCV axes. Depth is registered to colour; 5000 units are a metre. A picture is
paired with the depth and the pose nearest in time, at most 0.02 s away, as the ``associate.py`` of the data set does;
pictures without either are left out.

Intrinsics are not in the files. For Kinects the data set recommends those of the ROS driver (525, 525, 319.5, 239.5),
without undistortion, since depth was registered with them; sequences of ``freiburg3`` are rectified already and
have their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from sim_envs.captures.camera import Camera
from sim_envs.captures.sequence import (
    RawFrame,
    RawSequence,
    missing_files,
    opengl_pose,
    picture_size,
    read_depth,
    read_picture,
    size_of,
)
from sim_envs.errors import UserError
from sim_envs.spaces.scans.orientation import to_y_up

UNITS_PER_METRE = 5000
MOST_APART_S = 0.02
LISTS = ("rgb.txt", "depth.txt", "groundtruth.txt")
ROS_DEFAULT = (525.0, 525.0, 319.5, 239.5)
FREIBURG3 = (535.4, 539.2, 320.1, 247.6)
_SIZE = (640, 480)


def read_tum(path: Path) -> RawSequence:
    """Read one sequence; see the module."""
    moments, left_out = associate(path)
    fx, fy, cx, cy = FREIBURG3 if "freiburg3" in path.resolve().name else ROS_DEFAULT
    check_size(moments[0].colour, _SIZE)
    to_yup = np.eye(4)
    to_yup[:3, :3] = to_y_up("z")
    return RawSequence(
        frames=tuple(
            moment.frame(opengl_pose(path / LISTS[2], f"the pose at {moment.time:.6f}", moment.camera_to_world))
            for moment in moments
        ),
        colour=Camera.opencv(_SIZE, np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])),
        world_to_yup=to_yup,
        left_out=left_out,
        files=tuple(path / name for name in LISTS),
    )


@dataclass(frozen=True, eq=False)
class Moment:
    """A picture, the depth nearest to it in time, and the pose nearest to it as the file has it (4, 4)."""

    time: float
    colour: Path
    depth: Path
    camera_to_world: np.ndarray

    def frame(self, camera_to_world: np.ndarray) -> RawFrame:
        """Return the frame, with its pose as this project takes it."""
        return RawFrame(
            name=self.colour.stem,
            camera_to_world=camera_to_world,
            load=partial(_load, self.colour, self.depth),
            size=size_of(self.colour, self.depth),
            timestamp=self.time,
        )


def associate(path: Path) -> tuple[list[Moment], dict[str, int]]:
    """Pair the lines of the three lists.

    Returns:
        What has both, in the order of time; and why how many pictures were left out.

    Raises:
        UserError: a list or a listed picture is missing, a line does not fit, or nothing is paired.
    """
    missing = [name for name in LISTS if not (path / name).is_file()]
    if missing:
        raise missing_files("files", path, missing, "A sequence of TUM RGB-D has rgb.txt, depth.txt, groundtruth.txt.")
    colours, depths = (_listed(path / name) for name in LISTS[:2])
    poses = _poses(path / LISTS[2])
    absent = [name for _, name in (*colours, *depths) if not (path / name).is_file()]
    if absent:
        raise missing_files("listed pictures", path, absent)
    depth_times, pose_times = np.array([time for time, _ in depths]), np.array([time for time, _ in poses])
    moments, left_out = [], {"no depth in time": 0, "no pose in time": 0}
    for time, name in colours:
        depth, pose = _nearest(depth_times, time), _nearest(pose_times, time)
        if depth is None:
            left_out["no depth in time"] += 1
        elif pose is None:
            left_out["no pose in time"] += 1
        else:
            moments.append(Moment(time, path / name, path / depths[depth][1], poses[pose][1]))
    if not moments:
        raise UserError(
            f"{path}: none of the {len(colours)} pictures has a depth and a pose within {MOST_APART_S} s of its time."
        )
    return moments, left_out


def check_size(picture: Path, size: tuple[int, int]) -> None:
    """Refuse pictures that are not of the size the intrinsics of the data set are for."""
    found = picture_size(picture)
    if found != size:
        raise UserError(f"{picture} has {found[0]} × {found[1]} pixels; the data set's intrinsics are for 640 × 480.")


def _nearest(times: np.ndarray, time: float) -> int | None:
    if not len(times):
        return None
    nearest = int(np.abs(times - time).argmin())
    return nearest if abs(times[nearest] - time) <= MOST_APART_S else None


def _listed(path: Path) -> list[tuple[float, str]]:
    """Return the (time, file) of each line."""
    rows = []
    for number, words in _lines(path):
        if len(words) != 2:
            raise UserError(f"{path}, line {number}: not a time and a file.")
        rows.append((_numbers(path, number, words[:1])[0], words[1]))
    return sorted(rows)


def _poses(path: Path) -> list[tuple[float, np.ndarray]]:
    """Return the (time, 4×4) of each line with a pose: trackers that lost it write NaN or a quaternion of zeros."""
    rows = []
    for number, words in _lines(path):
        values = _numbers(path, number, words)
        if len(values) != 8:
            raise UserError(f"{path}, line {number}: not a time, tx ty tz and a quaternion qx qy qz qw.")
        if not np.isfinite(values).all() or np.linalg.norm(values[4:]) < 1e-6:
            continue
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_quat(values[4:]).as_matrix()
        pose[:3, 3] = values[1:4]
        rows.append((values[0], pose))
    return sorted(rows, key=lambda row: row[0])


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return (number, words) of the lines that are no comment."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}") from None
    split = ((number, line.split("#")[0].split()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, words) for number, words in split if words]


def _numbers(path: Path, number: int, words: list[str]) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise UserError(f"{path}, line {number}: something is not a number.") from None


def _load(colour: Path, depth: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_picture(colour), read_depth(depth, UNITS_PER_METRE)
