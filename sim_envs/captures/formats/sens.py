"""ScanNet's ``.sens`` file: all frames of a scan in one file, little-endian, as its SensReader defines it.

::

    uint32 version = 4    uint64 n, char[n] name of the sensor
    float32[16] × 4       intrinsic colour, extrinsic colour, intrinsic depth, extrinsic depth (row by row)
    int32 × 2             compression of colour (0 raw, 1 png, 2 jpeg) and of depth (0 raw, 1 zlib, 2 occi)
    uint32 × 4            width and height of colour, of depth
    float32               depth units a metre    uint64 number of frames, then for each:
    float32[16]           camera-to-world        uint64 × 2 times of colour and depth, microseconds
    uint64 × 2            bytes of colour and depth, followed by these bytes

(IMU readings follow; they are not used.) Frames are indexed here and decoded when they are asked for: such a file has
gigabytes.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sim_envs.captures.sequence import decode_picture, scaled_depth
from sim_envs.errors import UserError

VERSION = 4
_ENCODED_COLOUR = {1: "png", 2: "jpeg"}
_RAW, _ZLIB = 0, 1


@dataclass(frozen=True, eq=False)
class SensFrame:
    """Where one frame lies in the file, and where it was taken from.

    Attributes:
        camera_to_world: (4, 4) float64, OpenCV axes; −inf where tracking was lost.
        offset: of the first byte of its colour; its depth follows.
    """

    camera_to_world: np.ndarray
    timestamp_us: int
    offset: int
    colour_bytes: int
    depth_bytes: int


@dataclass(frozen=True, eq=False)
class Sens:
    """The head and the index of a file; matrices are (4, 4) float64, sizes (width, height)."""

    path: Path
    intrinsic_colour: np.ndarray
    extrinsic_colour: np.ndarray
    intrinsic_depth: np.ndarray
    extrinsic_depth: np.ndarray
    colour_compression: int
    depth_compression: int
    colour_size: tuple[int, int]
    depth_size: tuple[int, int]
    units_per_metre: float
    frames: tuple[SensFrame, ...]

    def load(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rgb (h, w, 3) uint8 and depth (h', w') float32 metres of a frame.

        Raises:
            UserError: its bytes cannot be decoded.
        """
        frame, name = self.frames[number], f"{self.path}, frame {number}"
        with self.path.open("rb") as file:
            file.seek(frame.offset)
            colour, depth = file.read(frame.colour_bytes), file.read(frame.depth_bytes)
        if self.colour_compression in _ENCODED_COLOUR:
            rgb = decode_picture(colour, name)
        else:
            rgb = _shaped(name, colour, np.dtype(np.uint8), (*self.colour_size[::-1], 3))
        try:
            raw = zlib.decompress(depth) if self.depth_compression == _ZLIB else depth
        except zlib.error as error:
            raise UserError(f"{name} is damaged: its depth cannot be unpacked ({error}).") from None
        return rgb, scaled_depth(_shaped(name, raw, np.dtype("<u2"), self.depth_size[::-1]), self.units_per_metre)


def read_sens(path: Path) -> Sens:
    """Read the head of a file and where its frames lie.

    Raises:
        UserError: no such file, another version or compression, or cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        (version,) = _take(path, file, "<I")
        if version != VERSION:
            raise UserError(f"{path} is no .sens file of version {VERSION} (it begins with {version}).")
        (length,) = _take(path, file, "<Q")
        if length > 1000:
            raise UserError(f"{path} is damaged: its sensor has a name of {length} characters.")
        file.seek(length, os.SEEK_CUR)
        matrices = [np.array(_take(path, file, "<16f"), np.float64).reshape(4, 4) for _ in range(4)]
        colour_compression, depth_compression = _take(path, file, "<ii")
        if colour_compression not in (_RAW, *_ENCODED_COLOUR) or depth_compression not in (_RAW, _ZLIB):
            raise UserError(
                f"{path} has colour of compression {colour_compression} and depth of {depth_compression}; read are "
                "raw, PNG and JPEG colour, raw and zlib depth. Export it with ScanNet's own SensReader."
            )
        sizes = _take(path, file, "<4I")
        (units,) = _take(path, file, "<f")
        (count,) = _take(path, file, "<Q")
        frames: list[SensFrame] = []
        for _ in range(count):
            pose = np.array(_take(path, file, "<16f"), np.float64).reshape(4, 4)
            time, _, colour_bytes, depth_bytes = _take(path, file, "<4Q")
            offset = file.tell()
            if offset + colour_bytes + depth_bytes > size:
                raise UserError(
                    f"{path} is cut short: it has {len(frames)} whole frames of {count}. Download it again."
                )
            frames.append(SensFrame(pose, time, offset, colour_bytes, depth_bytes))
            file.seek(offset + colour_bytes + depth_bytes)
    return Sens(
        path=path,
        intrinsic_colour=matrices[0],
        extrinsic_colour=matrices[1],
        intrinsic_depth=matrices[2],
        extrinsic_depth=matrices[3],
        colour_compression=colour_compression,
        depth_compression=depth_compression,
        colour_size=(sizes[0], sizes[1]),
        depth_size=(sizes[2], sizes[3]),
        units_per_metre=units,
        frames=tuple(frames),
    )


def _take(path: Path, file: BinaryIO, layout: str) -> tuple[Any, ...]:
    data = file.read(struct.calcsize(layout))
    if len(data) < struct.calcsize(layout):
        raise UserError(f"{path} is cut short, or no .sens file. Download it again.")
    return struct.unpack(layout, data)


def _shaped(name: str, data: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if len(data) != dtype.itemsize * int(np.prod(shape)):
        raise UserError(f"{name} is damaged: {len(data)} bytes are not a picture of {shape[1]} × {shape[0]} pixels.")
    return np.frombuffer(data, dtype).reshape(shape)
