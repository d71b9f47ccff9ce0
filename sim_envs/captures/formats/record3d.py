"""Record3D (iPhone and iPad with LiDAR): a ``.r3d`` file, which is a ZIP archive, or the folder unpacked from it.

``metadata`` is JSON: ``w``, ``h`` of the pictures, ``dw``, ``dh`` of the depth, ``K`` (3 × 3, column by column),
``poses`` (qx qy qz qw x y z each: camera-to-world of ARKit, so OpenGL axes and gravity along −Y, metres), and, from
newer versions, ``perFrameIntrinsicCoeffs`` (fx, fy, cx, cy) and ``frameTimestamps`` (seconds). Intrinsics are for
``w`` × ``h``, also where the pictures are larger. ``rgbd/0.jpg`` is a picture, ``rgbd/0.depth`` its depth
(LZFSE-compressed float32 metres, NaN = none) and ``rgbd/0.conf`` how sure ARKit is of it (LZFSE-compressed bytes, 0
low, 1 medium, 2 high). Depth of low confidence counts as not measured. Depth is registered to colour.

LZFSE is Apple's; the extra ``record3d`` brings a library for it.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.spatial.transform import Rotation

from sim_envs.captures.camera import Camera
from sim_envs.captures.sequence import RawFrame, RawSequence, decode_picture, missing_files
from sim_envs.errors import UserError

LOW_CONFIDENCE = 0
METADATA = "metadata"


class Metadata(BaseModel):
    """What is used of ``metadata``; the rest is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    w: int = Field(ge=1)
    h: int = Field(ge=1)
    dw: int | None = Field(default=None, ge=1)
    dh: int | None = Field(default=None, ge=1)
    K: tuple[float, ...] = Field(min_length=9, max_length=9)
    poses: list[tuple[float, float, float, float, float, float, float]] = Field(min_length=1)
    perFrameIntrinsicCoeffs: list[tuple[float, float, float, float]] | None = None
    frameTimestamps: list[float] | None = None


@dataclass(frozen=True)
class Archive:
    """The files of a ``.r3d``, packed or unpacked. It opens the archive anew for each file: that costs little."""

    path: Path

    def names(self) -> dict[str, int]:
        """Return the files and their sizes in bytes."""
        if self.path.is_dir():
            return {f.relative_to(self.path).as_posix(): f.stat().st_size for f in self.path.rglob("*") if f.is_file()}
        try:
            with zipfile.ZipFile(self.path) as archive:
                return {info.filename: info.file_size for info in archive.infolist()}
        except (zipfile.BadZipFile, OSError):
            raise UserError(f"{self.path} is no .r3d file: it is not a ZIP archive, or is cut short.") from None

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            UserError: they are damaged.
        """
        try:
            if self.path.is_dir():
                return (self.path / name).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(name)
        except (zipfile.BadZipFile, OSError, KeyError) as error:
            raise UserError(f"{self.path}: {name} is damaged ({error}).") from None


def read_record3d(path: Path) -> RawSequence:
    """Read a recording; see the module."""
    _lzfse()  # say that it is missing before anything else is done
    archive = Archive(path)
    names = archive.names()
    if METADATA not in names:
        raise UserError(f"{path} holds no 'metadata': is it an .r3d file exported by Record3D?")
    metadata = _metadata(path, archive.read(METADATA))
    count = len(metadata.poses)
    missing = [name for i in range(count) for name in (f"rgbd/{i}.jpg", f"rgbd/{i}.depth") if name not in names]
    if missing:
        raise missing_files("files", path, missing, f"There are {count} poses.")
    first = decode_picture(archive.read("rgbd/0.jpg"), f"{path}, rgbd/0.jpg")
    cameras = [camera.resized(first.shape[1], first.shape[0]) for camera in _cameras(metadata)]
    common = max(cameras, key=lambda camera: camera.fx)  # the one that sees least, so that all fill it
    frames = []
    for i, (qx, qy, qz, qw, x, y, z) in enumerate(metadata.poses):
        pose = np.eye(4)
        if np.linalg.norm((qx, qy, qz, qw)) < 1e-6:
            raise UserError(f"{path}: pose {i} has a quaternion of length 0.")
        pose[:3, :3], pose[:3, 3] = Rotation.from_quat((qx, qy, qz, qw)).as_matrix(), (x, y, z)
        frames.append(
            RawFrame(
                name=str(i),
                camera_to_world=pose,
                load=partial(_load, archive, metadata, i, f"rgbd/{i}.conf" in names),
                size=names[f"rgbd/{i}.jpg"] + names[f"rgbd/{i}.depth"],
                timestamp=_time(metadata, i),
                colour=None if cameras[i] == common else cameras[i],
            )
        )
    return RawSequence(frames=tuple(frames), colour=common, world_to_yup=np.eye(4))


def _metadata(path: Path, data: bytes) -> Metadata:
    try:
        return Metadata.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: metadata: {where}: {first['msg']}.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: metadata is not JSON ({error}).") from None


def _cameras(metadata: Metadata) -> list[Camera]:
    """Return the camera of every frame: autofocus moves the lens."""
    shared = (metadata.K[0], metadata.K[4], metadata.K[6], metadata.K[7])
    own = (metadata.perFrameIntrinsicCoeffs or [])[: len(metadata.poses)]
    own += [shared] * (len(metadata.poses) - len(own))
    return [Camera(metadata.w, metadata.h, *coefficients) for coefficients in own]


def _time(metadata: Metadata, number: int) -> float:
    times = metadata.frameTimestamps or []
    return times[number] if number < len(times) else float("nan")


def _load(archive: Archive, metadata: Metadata, number: int, rated: bool) -> tuple[np.ndarray, np.ndarray]:
    rgb = decode_picture(archive.read(f"rgbd/{number}.jpg"), f"{archive.path}, rgbd/{number}.jpg")
    depth = _unpacked(archive, metadata, f"rgbd/{number}.depth", np.dtype("<f4")).copy()
    depth[~np.isfinite(depth)] = 0
    if rated:
        depth[_unpacked(archive, metadata, f"rgbd/{number}.conf", np.dtype(np.uint8)) == LOW_CONFIDENCE] = 0
    return rgb, depth


def _unpacked(archive: Archive, metadata: Metadata, name: str, dtype: np.dtype) -> np.ndarray:
    """Return (dh, dw) values of an LZFSE-compressed file."""
    lzfse = _lzfse()
    try:
        data = lzfse.decompress(archive.read(name))
    except lzfse.error:
        data = b""
    count = len(data) // dtype.itemsize
    width = metadata.dw or max(1, round((count * metadata.w / metadata.h) ** 0.5))  # older files leave it out
    height = metadata.dh or max(1, count // width)
    if len(data) != height * width * dtype.itemsize:
        raise UserError(f"{archive.path}: {name} is damaged: it does not unpack to {width} × {height} pixels.")
    return np.frombuffer(data, dtype).reshape(height, width)


def _lzfse() -> Any:
    try:
        import liblzfse
    except ImportError:
        raise UserError("Record3D depth is LZFSE-compressed: pip install 'tst-bench[record3d]' to read it.") from None
    return liblzfse
