"""A capture on disk: two plain arrays, a table of frames and ``capture.json``, which comes last.

::

    <folder>/rgb.npy  depth.npy   (N, H, W, 3) uint8 sRGB, (N, H, W) uint16 millimetres
    <folder>/frames.parquet       one row a frame: name, timestamp, pose, SHA-256 of its rgb and of its depth
    <folder>/capture.json         camera, labels, provenance, digests
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from pydantic import BaseModel, ConfigDict

from sim_envs.captures.camera import Camera
from sim_envs.captures.capture import STORED, Capture
from sim_envs.captures.labels import ScanLabels
from sim_envs.errors import UserError
from sim_envs.headers import read_header
from sim_envs.recordings.arrays import allocate, array_file, array_problem, total_bytes
from sim_envs.recordings.format import FRAMES_FILE, POSE_COLUMNS, StoredArray, modality_file
from sim_envs.space import Space
from sim_envs.storage import digest_arrays, digest_file, disk_error, write_json, write_whole

FORMAT_VERSION = 1
CAPTURE_FILE = "capture.json"
_COLUMNS = ("name", "timestamp", *POSE_COLUMNS, *STORED)
_ADVICE = "Remove {folder} and import the capture again."


class CameraFields(BaseModel):
    """The pinhole camera of all frames; pixel centres at +0.5."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


class LabelFields(BaseModel):
    """The scan that labels come from, and where the capture lies in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    space: str
    digest: str
    capture_to_space: list[list[float]]
    agreement: dict[str, float]


class CaptureFile(BaseModel):
    """What ``capture.json`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int
    id: str
    digest: str
    camera: CameraFields
    frames: int
    arrays: dict[str, StoredArray]
    table: str
    labels: LabelFields | None
    provenance: dict[str, Any]


@dataclass(frozen=True)
class CaptureDraft:
    """The folder of a capture in the making.

    Attributes:
        folder: beside where the capture will be.
        camera: of every frame.
        count: number of frames.
    """

    folder: Path
    camera: Camera
    count: int
    _digests: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in STORED})

    @property
    def arrays(self) -> dict[str, StoredArray]:
        """Headers of the two arrays."""
        shape = (self.count, self.camera.height, self.camera.width)
        return {
            "rgb": StoredArray(dtype=np.dtype(np.uint8).str, shape=(*shape, 3)),
            "depth": StoredArray(dtype=np.dtype(np.uint16).str, shape=shape),
        }

    def allocate(self) -> None:
        """Set the room of both arrays aside.

        Raises:
            UserError: the disk has not that much, or is not writable.
        """
        needed = sum(map(total_bytes, self.arrays.values()))
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise UserError(
                f"The capture needs {needed / 1e6:,.0f} MB, and the disk of {self.folder.parent} has "
                f"{free / 1e6:,.0f} MB free. Import it smaller (--size), free some space or set TST_BENCH_HOME."
            )
        try:
            for name, stored in self.arrays.items():
                allocate(self.folder / modality_file(name), stored)
        except OSError as error:
            raise disk_error(self.folder, error) from error

    def write(self, rgb: np.ndarray, depth_mm: np.ndarray) -> None:
        """Write the next frame.

        Raises:
            UserError: the disk refused.
        """
        for name, array in (("rgb", rgb), ("depth", depth_mm)):
            data = np.ascontiguousarray(array).data.cast("B")
            file = array_file(self.folder / modality_file(name), self.arrays[name])
            first, size = file.span(len(self._digests[name]), 1)
            assert len(data) == size
            try:
                with file.path.open("rb+") as out:
                    out.seek(first)
                    out.write(data)
            except OSError as error:
                raise disk_error(file.path, error) from error
            self._digests[name].append(hashlib.sha256(data).hexdigest())

    def mapped(self, name: str) -> np.ndarray:
        """Map what is written of ``rgb`` or ``depth`` read-only."""
        return array_file(self.folder / modality_file(name), self.arrays[name]).map_without_path()

    def finish(
        self,
        capture_id: str,
        camera_to_world: np.ndarray,
        timestamps: np.ndarray,
        names: Sequence[str],
        labels: ScanLabels | None,
        provenance: dict[str, Any],
    ) -> None:
        """Write the table of frames, then ``capture.json``."""
        table = pa.table(
            {
                "name": list(names),
                "timestamp": np.asarray(timestamps, np.float64),
                **{column: camera_to_world.reshape(-1, 16)[:, i] for i, column in enumerate(POSE_COLUMNS)},
                **self._digests,
            }
        )
        write_whole(self.folder / FRAMES_FILE, lambda path: pa.parquet.write_table(table, path, compression="zstd"))
        for name in STORED:
            with (self.folder / modality_file(name)).open("rb+") as file:
                os.fsync(file.fileno())
        fields = self.camera.described()
        del fields["distortion"]
        camera = CameraFields(**fields)
        joined = LabelFields.model_validate(labels.described()) if labels else None
        head = CaptureFile(
            format_version=FORMAT_VERSION,
            id=capture_id,
            digest=_digest(camera_to_world, self._digests, camera, joined),
            camera=camera,
            frames=self.count,
            arrays=self.arrays,
            table=digest_file(self.folder / FRAMES_FILE),
            labels=joined,
            provenance=provenance,
        )
        write_json(self.folder / CAPTURE_FILE, head.model_dump(mode="json"))


def load_capture_folder(folder: Path, labelled_by: dict[str, Space] | None = None) -> Capture:
    """Open a capture; the pixels are checked against their digests as they are read, everything else here.

    Args:
        folder: where it lies.
        labelled_by: space id → space, holding the one that labels are to come from, if any.

    Raises:
        UserError: a file is missing or damaged (it is named), or the labelling scan is another one now.
    """
    head = read_head(folder)
    advice = _ADVICE.format(folder=folder)
    for name, stored in head.arrays.items():
        if problem := array_problem(folder / modality_file(name), stored):
            raise UserError(f"{problem} {advice}")
    path = folder / FRAMES_FILE
    if not path.is_file():
        raise UserError(f"{path} is missing. {advice}")
    if digest_file(path) != head.table:
        raise UserError(f"{path} is damaged: it is not what was saved. {advice}")
    columns = pa.parquet.read_table(path, use_threads=False).to_pydict()
    poses = np.array([columns[column] for column in POSE_COLUMNS], np.float64).T.reshape(-1, 4, 4)
    digests = {name: tuple(columns[name]) for name in STORED}
    if _digest(poses, digests, head.camera, head.labels) != head.digest or len(poses) != head.frames:
        raise UserError(f"{folder / CAPTURE_FILE} is damaged: it is not what was saved. {advice}")
    return Capture(
        id=head.id,
        folder=folder,
        camera=Camera(**head.camera.model_dump()),
        camera_to_world=poses,
        timestamps=np.array(columns["timestamp"], np.float64),
        names=tuple(columns["name"]),
        frame_digests=digests,
        arrays=head.arrays,
        labels=_labels(head, labelled_by or {}),
        digest=head.digest,
        provenance=head.provenance,
    )


def read_head(folder: Path) -> CaptureFile:
    """Read ``capture.json``.

    Raises:
        UserError: it is missing, damaged, or of a later version.
    """
    return read_header(folder / CAPTURE_FILE, CaptureFile, FORMAT_VERSION, "capture", _ADVICE.format(folder=folder))


def put_in_place(partial: Path, folder: Path) -> None:
    """Rename a finished draft to its place; a damaged capture there makes way."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    partial.rename(folder)


def _labels(head: CaptureFile, spaces: dict[str, Space]) -> ScanLabels | None:
    if head.labels is None:
        return None
    space = spaces[head.labels.space]
    if space.digest != head.labels.digest:
        raise UserError(
            f"{head.id} takes its labels from {head.labels.space}, which is another scan now "
            f"({space.digest[:12]}…, not {head.labels.digest[:12]}…). Import the capture again."
        )
    return ScanLabels(space, np.array(head.labels.capture_to_space))


def _digest(camera_to_world: np.ndarray, digests: Any, camera: CameraFields, labels: LabelFields | None) -> str:
    everything = {
        "frames": {name: list(digests[name]) for name in STORED},
        "camera": camera.model_dump(),
        "labels": labels.model_dump() if labels else None,
    }
    return digest_arrays({"camera_to_world": camera_to_world}, extra=everything)
