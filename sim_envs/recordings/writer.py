"""A recording in the making: room set aside, trajectories written in any order, each either done or not.

::

    <recipe-hash>.partial/plan.npz        the poses, and the library versions they are rendered with
    <recipe-hash>.partial/<modality>.npy  at full size from the start
    <recipe-hash>.partial/done/<id>.json  written once a trajectory is whole, with the SHA-256 of its bytes

Nobody trusts a trajectory but by its marker *and* its digests, so a crash of any kind costs the trajectories
in flight and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from sim_envs.errors import UserError
from sim_envs.modalities import MODALITIES
from sim_envs.recordings.arrays import ArrayFile, allocate, array_file, array_problem, total_bytes
from sim_envs.recordings.format import (
    FRAMES_FILE,
    LOG_FILE,
    META_FILE,
    Meta,
    StoredArray,
    modality_file,
)
from sim_envs.recordings.plan import Job
from sim_envs.rig import Rig
from sim_envs.storage import digest_file, disk_error, write_json

DONE_FOLDER = "done"
MIN_MEASURED = 0.3  # of the pixels must have a depth
MIN_CONTRAST = 4  # levels between the lowest and highest byte of some channel of rgb or normals

Frame = dict[str, np.ndarray]
VALID = "valid"  # an entry of frames that were judged already: noise would make a plain wall look varied


class Marker(BaseModel):
    """``done/<id>.json``: modality → SHA-256 of the trajectory's bytes, and which of its frames are valid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trajectory: int
    digests: dict[str, str]
    valid: list[bool]


@dataclass(frozen=True)
class Draft:
    """The folder of an unfinished recording, and what will be in it. Goes to worker processes as it is.

    Attributes:
        folder: ``<recipe-hash>.partial``.
        rig: the camera.
        arrays: modality → header of its file.
    """

    folder: Path
    rig: Rig
    arrays: dict[str, StoredArray]

    @classmethod
    def of(cls, folder: Path, rig: Rig, modalities: Sequence[str], frames: int) -> Draft:
        """Describe a recording of so many frames."""
        rows = {name: MODALITIES[name] for name in modalities}
        arrays = {
            name: StoredArray(dtype=np.dtype(row.dtype).str, shape=(frames, *row.frame_shape(rig.height, rig.width)))
            for name, row in rows.items()
        }
        return cls(folder, rig, arrays)

    def file(self, name: str) -> ArrayFile:
        """Return the file of a modality."""
        return array_file(self.folder / modality_file(name), self.arrays[name])

    def check_room(self) -> None:
        """Compare what the recording needs with what the disk has, before anything is rendered.

        Raises:
            UserError: names both.
        """
        missing = {n: a for n, a in self.arrays.items() if array_problem(self.folder / modality_file(n), a)}
        needed = sum(total_bytes(stored) for stored in missing.values())
        existing = next(parent for parent in (self.folder, *self.folder.parents) if parent.is_dir())
        free = shutil.disk_usage(existing).free
        if needed > free:
            raise UserError(
                f"The recording needs {needed / 1e6:,.0f} MB, and the disk of {self.folder.parent} has "
                f"{free / 1e6:,.0f} MB free. Ask for less, free some space or set TST_BENCH_HOME."
            )

    def allocate(self) -> None:
        """Set the room of every array aside.

        Raises:
            UserError: the disk is full or not writable.
        """
        try:
            (self.folder / DONE_FOLDER).mkdir(parents=True, exist_ok=True)
            for name, stored in self.arrays.items():
                allocate(self.folder / modality_file(name), stored)
        except OSError as error:
            if not any((self.folder / DONE_FOLDER).glob("*")):
                shutil.rmtree(self.folder, ignore_errors=True)
            raise disk_error(self.folder, error) from error

    def write(self, job: Job, frames: Iterable[Frame]) -> None:
        """Write one trajectory frame by frame, then its marker.

        Raises:
            UserError: the disk refused.
            ValueError: the engine returned something else than the modality table says.
        """
        files = {name: self.file(name) for name in self.arrays}
        digests = {name: hashlib.sha256() for name in files}
        valid = []
        descriptors: dict[str, int] = {}
        try:
            for name, file in files.items():
                descriptors[name] = os.open(file.path, os.O_WRONLY)
            for number, frame in enumerate(frames, start=job.start):
                for name, file in files.items():
                    data = self._bytes(name, frame)
                    _write_all(descriptors[name], data, file.span(number, 1)[0])
                    digests[name].update(data)
                valid.append(bool(frame[VALID]) if VALID in frame else is_valid(frame))
        except OSError as error:
            raise disk_error(self.folder, error) from error
        finally:
            for descriptor in descriptors.values():
                os.close(descriptor)
        marker = Marker(
            trajectory=job.trajectory, digests={n: sha.hexdigest() for n, sha in digests.items()}, valid=valid
        )
        write_json(self._marker_path(job), marker.model_dump())

    def done(self, job: Job) -> Marker | None:
        """Return the marker of a trajectory that is whole: the bytes on disk are those it speaks of."""
        try:
            marker = Marker.model_validate_json(self._marker_path(job).read_bytes())
        except (OSError, ValidationError):
            return None
        count = len(job.camera_to_world)
        intact = (
            marker.trajectory == job.trajectory
            and len(marker.valid) == count
            and set(marker.digests) == set(self.arrays)
            and all(self.file(n).slice_digest(job.start, count) == sha for n, sha in marker.digests.items())
        )
        return marker if intact else None

    def _marker_path(self, job: Job) -> Path:
        return self.folder / DONE_FOLDER / f"{job.trajectory}.json"

    def _bytes(self, name: str, frame: Frame) -> memoryview:
        stored = self.arrays[name]
        array = frame.get(name)
        if array is None or array.shape != stored.shape[1:] or array.dtype.str != stored.dtype:
            found = "nothing" if array is None else f"{array.dtype.str}{array.shape}"
            raise ValueError(f"The engine gave {found} for {name}, not {stored.dtype}{stored.shape[1:]}.")
        return np.ascontiguousarray(array).data.cast("B")


def is_valid(frame: Frame) -> bool:
    """Return whether a frame is worth using: enough of it is measured, and it shows more than one plain plane.

    Labels play no part, so that choosing frames for pre-training by this tells nothing of them.
    """
    measured = frame["depth"] > 0
    if np.count_nonzero(measured) < MIN_MEASURED * measured.size:
        return False
    some = (slice(None, None, 4),) * 2  # every fourth pixel both ways tells as much, in a sixteenth of the time
    seen = np.concatenate([frame[name][some][measured[some]] for name in ("rgb", "normals")], axis=1).astype(int)
    contrast = seen.max(axis=0, initial=0) - seen.min(axis=0, initial=255)
    return bool((contrast >= MIN_CONTRAST).any())


def start_over(partial: Path) -> None:
    """Make an empty folder, whatever was there.

    Raises:
        UserError: the disk is full or not writable.
    """
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
    except OSError as error:
        raise disk_error(partial, error) from error


def digest_files(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Force files to the disk and return their SHA-256."""
    digests = {}
    for name in names:
        with (folder / name).open("rb+") as file:
            os.fsync(file.fileno())
        digests[name] = digest_file(folder / name)
    return digests


def publish(draft: Draft, meta: Meta, folder: Path) -> None:
    """Write ``meta.json`` last, clear what served the making, and give the folder its final name.

    Interrupted anywhere in here, :func:`finish_publishing` ends it.
    """
    write_json(draft.folder / META_FILE, meta.model_dump(mode="json"))
    finish_publishing(draft.folder, folder)


def finish_publishing(partial: Path, folder: Path) -> bool:
    """End the publishing of a recording whose ``meta.json`` is written; return False if it is not."""
    if not (partial / META_FILE).exists():
        return False
    keep = {META_FILE, FRAMES_FILE, LOG_FILE}
    for path in partial.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in keep and path.suffix != ".npy":
            path.unlink()
    partial.rename(folder)
    return True


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
