"""Tiny captures of a furnished room, written as the devices and data sets write them, to the letter."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from sim_envs.engines.raycast import RaycastEngine
from sim_envs.rig import Rig
from sim_envs.space import Space
from tests.sim_envs.recording_kit import room

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
"""Takes a Y-up world to a Z-up one."""
SMALL = Rig(64, 48, 60)


@dataclass(frozen=True, eq=False)
class Shot:
    """What a device took: rgb (h, w, 3) uint8, depth (h, w) uint16 millimetres, OpenGL camera-to-world, Y up."""

    rgb: np.ndarray
    depth_mm: np.ndarray
    camera_to_world: np.ndarray

    @property
    def opencv(self) -> np.ndarray:
        """The pose with OpenCV camera axes."""
        return self.camera_to_world @ FLIP


@cache
def the_room() -> Space:
    """The labelled room that is captured."""
    return room()


def poses(count: int) -> np.ndarray:
    """Return (count, 4, 4) poses of a camera that walks and turns, every view apart from the others."""
    out = np.tile(np.eye(4), (count, 1, 1))
    for i in range(count):
        turn = Rotation.from_euler("YXZ", [40 + 9 * i, -15 + 3 * np.sin(i), 2 * np.cos(i)], degrees=True)
        out[i, :3, :3] = turn.as_matrix()
        out[i, :3, 3] = 2.2 + 0.7 * np.sin(0.3 * i), 1.4 + 0.05 * np.sin(i), 1.6 + 0.4 * np.cos(0.3 * i)
    return out


@cache
def shots(count: int, rig: Rig = SMALL) -> tuple[Shot, ...]:
    """Render what the device would take."""
    engine = RaycastEngine(the_room(), rig)
    frames = [(engine.render(pose), pose) for pose in poses(count)]
    engine.close()
    return tuple(Shot(frame["rgb"], frame["depth"], pose) for frame, pose in frames)


def opencv_matrix(rig: Rig) -> np.ndarray:
    """Return (3, 3) intrinsics with pixel centres at whole numbers."""
    return rig.intrinsics - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])


def write_picture(path: Path, rgb: np.ndarray) -> None:
    """Write a colour picture; the suffix says how."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98] if path.suffix == ".jpg" else [])


def write_depth(path: Path, depth: np.ndarray) -> None:
    """Write a 16-bit picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), depth.astype(np.uint16))


def write_matrix(path: Path, matrix: np.ndarray) -> None:
    """Write numbers row by row, tab-separated as 7-Scenes does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("\t".join(f"{v:.9e}" for v in row) for row in matrix) + "\n")


def seven_scenes(folder: Path, taken: tuple[Shot, ...], rig: Rig = SMALL, start: int = 0) -> Path:
    """``frame-XXXXXX.color.png``, ``.depth.png`` (65535 = invalid), ``.pose.txt``."""
    for i, shot in enumerate(taken, start=start):
        write_picture(folder / f"frame-{i:06d}.color.png", shot.rgb)
        write_depth(folder / f"frame-{i:06d}.depth.png", np.where(shot.depth_mm == 0, 65535, shot.depth_mm))
        write_matrix(folder / f"frame-{i:06d}.pose.txt", shot.opencv)
    if (rig.width, rig.height) != (640, 480):
        write_matrix(folder / "camera-intrinsics.txt", opencv_matrix(rig))
    return folder


def scannet(folder: Path, taken: tuple[Shot, ...], rig: Rig = SMALL) -> Path:
    """The folders of SensReader, one camera for colour and depth."""
    for i, shot in enumerate(taken):
        write_picture(folder / "color" / f"{i}.jpg", shot.rgb)
        write_depth(folder / "depth" / f"{i}.png", shot.depth_mm)
        write_matrix(folder / "pose" / f"{i}.txt", Z_UP @ shot.opencv)
    write_scannet_intrinsics(folder, rig, rig)
    return folder


def write_scannet_intrinsics(folder: Path, colour: Rig, depth: Rig, depth_to_colour: np.ndarray | None = None) -> None:
    """Write ScanNet's four 4 × 4 matrices."""
    for name, rig in (("color", colour), ("depth", depth)):
        matrix = np.eye(4)
        matrix[:3, :3] = opencv_matrix(rig)
        write_matrix(folder / "intrinsic" / f"intrinsic_{name}.txt", matrix)
    write_matrix(folder / "intrinsic" / "extrinsic_color.txt", np.eye(4))
    write_matrix(
        folder / "intrinsic" / "extrinsic_depth.txt", np.eye(4) if depth_to_colour is None else depth_to_colour
    )


def sens(folder: Path, taken: tuple[Shot, ...], rig: Rig = SMALL) -> Path:
    """ScanNet's binary file, version 4: JPEG colour, zlib depth."""
    matrix = np.eye(4)
    matrix[:3, :3] = opencv_matrix(rig)
    name = b"StructureSensor"
    head = struct.pack("<IQ", 4, len(name)) + name
    for part in (matrix, np.eye(4), matrix, np.eye(4)):
        head += part.astype("<f4").tobytes()
    head += struct.pack("<ii4IfQ", 2, 1, *(rig.width, rig.height) * 2, 1000.0, len(taken))
    body = b""
    for i, shot in enumerate(taken):
        colour = cv2.imencode(".jpg", shot.rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
        depth = zlib.compress(shot.depth_mm.astype("<u2").tobytes())
        body += (Z_UP @ shot.opencv).astype("<f4").tobytes()
        body += struct.pack("<4Q", 33_000 * i, 33_000 * i, len(colour), len(depth)) + colour + depth
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scene.sens").write_bytes(head + body + struct.pack("<Q", 0))
    return folder / "scene.sens"


def nerfstudio(folder: Path, taken: tuple[Shot, ...], rig: Rig = SMALL, **top: Any) -> Path:
    """``transforms.json`` with ``images/`` and ``depths/``."""
    frames = []
    for i, shot in enumerate(taken):
        write_picture(folder / "images" / f"frame_{i:05d}.png", shot.rgb)
        write_depth(folder / "depths" / f"frame_{i:05d}.png", shot.depth_mm)
        frames.append(
            {
                "file_path": f"images/frame_{i:05d}.png",
                "depth_file_path": f"depths/frame_{i:05d}.png",
                "transform_matrix": shot.camera_to_world.tolist(),
            }
        )
    camera = {"fl_x": rig.focal, "fl_y": rig.focal, "cx": rig.width / 2, "cy": rig.height / 2}
    content = {"camera_model": "OPENCV", **camera, "w": rig.width, "h": rig.height, **top, "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(content))
    return folder


def record3d(folder: Path, taken: tuple[Shot, ...], rig: Rig = SMALL, **changes: Any) -> Path:
    """A ``.r3d`` archive; confidence is low (0) in the left quarter of every picture."""
    import liblzfse

    metadata: dict[str, Any] = {
        "w": rig.width,
        "h": rig.height,
        "dw": rig.width,
        "dh": rig.height,
        "K": rig.intrinsics.T.ravel().tolist(),  # column by column
        "fps": 60,
        "cameraType": 1,
        "initPose": [0, 0, 0, 1, 0, 0, 0],
        "poses": [
            [*Rotation.from_matrix(s.camera_to_world[:3, :3]).as_quat().tolist(), *s.camera_to_world[:3, 3].tolist()]
            for s in taken
        ],
        "frameTimestamps": [i / 60 for i in range(len(taken))],
    }
    confidence = np.full((rig.height, rig.width), 2, np.uint8)
    confidence[:, : rig.width // 4] = 0
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "room.r3d", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata", json.dumps(metadata | changes))
        archive.writestr("icon", b"")
        for i, shot in enumerate(taken):
            metres = np.where(shot.depth_mm > 0, shot.depth_mm / 1000, np.nan).astype("<f4")
            jpeg = cv2.imencode(".jpg", shot.rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
            archive.writestr(f"rgbd/{i}.jpg", jpeg)
            archive.writestr(f"rgbd/{i}.depth", liblzfse.compress(metres.tobytes()))
            archive.writestr(f"rgbd/{i}.conf", liblzfse.compress(confidence.tobytes()))
    return folder / "room.r3d"


def tum(folder: Path, taken: tuple[Shot, ...], world: np.ndarray = Z_UP, body: np.ndarray | None = None) -> Path:
    """``rgb.txt``, ``depth.txt`` and ``groundtruth.txt``; depth comes 5 ms and poses 2 ms after their picture.

    Args:
        world: takes the room's world to that of the poses.
        body: (4, 4) takes what the poses are of to the OpenCV camera; default: they are of the camera.
    """
    lists: dict[str, list[str]] = {"rgb": ["# color images"], "depth": ["# depth maps"], "groundtruth": ["# poses"]}
    for i, shot in enumerate(taken):
        time = 1305031102.175304 + i / 10
        write_picture(folder / "rgb" / f"{time:.6f}.png", shot.rgb)
        write_depth(folder / "depth" / f"{time + 0.005:.6f}.png", 5 * shot.depth_mm.astype(int))
        lists["rgb"].append(f"{time:.6f} rgb/{time:.6f}.png")
        lists["depth"].append(f"{time + 0.005:.6f} depth/{time + 0.005:.6f}.png")
        pose = world @ shot.opencv @ np.linalg.inv(np.eye(4) if body is None else body)
        numbers = [*pose[:3, 3], *Rotation.from_matrix(pose[:3, :3]).as_quat()]
        lists["groundtruth"].append(f"{time + 0.002:.6f} " + " ".join(f"{v:.9f}" for v in numbers))
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return folder
