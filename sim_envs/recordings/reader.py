"""Open a recording: checked cheaply, read through memory maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from sim_envs.errors import UserError, unknown
from sim_envs.modalities import MODALITIES
from sim_envs.recordings.arrays import array_file, array_problem
from sim_envs.recordings.format import (
    FORMAT_VERSION,
    META_FILE,
    POSE_COLUMNS,
    REMEDY,
    Meta,
    Recipe,
    modalities_of,
    modality_file,
    recipe_hash,
)
from sim_envs.recordings.frames import read_frames
from sim_envs.recordings.sensed import SensedFrames
from sim_envs.rig import Rig
from sim_envs.space import Place
from sim_envs.trajectories import SPLITS

if TYPE_CHECKING:
    import pandas as pd

PARTIAL = ".partial"


@dataclass(frozen=True, eq=False)
class Recording:
    """All frames of one space and rig. Frames of one trajectory are neighbours, in order.

    Attributes:
        folder: where it lies.
        meta: its ``meta.json``.
        frames: one row a frame: trajectory, step, split, p00…p33 (camera-to-world), valid.
    """

    folder: Path
    meta: Meta
    frames: pd.DataFrame
    _maps: dict[str, np.memmap] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path) -> Recording:
        """Open a finished recording, checking that every file is there, whole and of the right shape.

        Contents are not read; :func:`sim_envs.recordings.verify.verify` does that.

        Raises:
            UserError: no recording there, an unfinished one, or a file that is missing, cut short or corrupt.
        """
        folder = Path(folder)
        meta = read_meta(folder)
        for name, stored in meta.modalities.items():
            if problem := array_problem(folder / modality_file(name), stored):
                raise UserError(f"{problem} {REMEDY}")
        return cls(folder, meta, read_frames(folder, meta.frames))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names that :meth:`array` takes."""
        return tuple(self.meta.modalities)

    @property
    def rig(self) -> Rig:
        """The camera."""
        return self.meta.rig.rig()

    def __len__(self) -> int:
        return self.meta.frames

    def array(self, name: str) -> np.memmap:
        """Return all frames of one modality, (N, H, W[, C]), mapped read-only.

        Raises:
            UserError: this recording does not hold it.
        """
        if name not in self.meta.modalities:
            raise unknown("modality", name, self.meta.modalities, f"These are what {self.folder} holds.")
        if name not in self._maps:
            self._maps[name] = np.load(self.folder / modality_file(name), mmap_mode="r")
        return self._maps[name]

    def indices(self, split: str | None = None) -> np.ndarray:
        """Return the numbers of the *valid* frames of a split (or of all), int64, ascending.

        Raises:
            UserError: no such split.
        """
        chosen = self.frames["valid"].to_numpy()
        if split is not None:
            if split not in SPLITS:
                raise unknown("split", split, SPLITS)
            chosen = chosen & (self.frames["split"] == split).to_numpy()
        return np.flatnonzero(chosen)

    @property
    def trajectory_ids(self) -> np.ndarray:
        """(N,) int64, the trajectory of every frame."""
        return self.frames["trajectory"].to_numpy(np.int64)

    @property
    def poses(self) -> np.ndarray:
        """(N, 4, 4) float64, camera-to-world."""
        return self.frames[list(POSE_COLUMNS)].to_numpy(np.float64).reshape(-1, 4, 4)

    def sensed(self, split: str | None = None) -> SensedFrames:
        """Return the valid frames of a split (or of all) for pre-training: sensed modalities, no labels."""
        arrays = {
            name: array_file(self.folder / modality_file(name), stored).map_without_path()
            for name, stored in self.meta.modalities.items()
            if MODALITIES[name].sensed
        }
        return SensedFrames(arrays, self.indices(split))


def recordings_home(home: Path) -> Path:
    """Return the folder of all recordings."""
    return home / "recordings"


def recording_folder(home: Path, recipe: Recipe, space: Place, engine_version: str) -> Path:
    """Return where the recording of a recipe lies, or would lie."""
    name = recipe_hash(recipe, space.digest, engine_version, modalities_of(space))
    return recordings_home(home) / space.id / name


def list_recordings(home: Path) -> list[Path]:
    """Return the folders of the finished recordings, sorted."""
    found = recordings_home(home).glob(f"*/*/*/{META_FILE}")
    return sorted(meta.parent for meta in found if not meta.parent.name.endswith(PARTIAL))


def read_meta(folder: Path) -> Meta:
    """Read and check ``meta.json``.

    Raises:
        UserError: absent, not JSON, not of this format version, or with fields that do not fit.
    """
    path = folder / META_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(_why_absent(folder)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is corrupt ({error}). {REMEDY}") from None
    try:
        meta = Meta.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        what = ": ".join([*(str(part) for part in first["loc"]), first["msg"]])
        raise UserError(f"{path} is corrupt ({what}). {REMEDY}") from None
    if meta.format_version != FORMAT_VERSION:
        found = f"{path} has format version {meta.format_version}"
        raise UserError(f"{found}; this program reads {FORMAT_VERSION}. {REMEDY}")
    if meta.sealed().digest != meta.digest:
        raise UserError(f"{path} is corrupt: its fields do not have the SHA-256 it states. {REMEDY}")
    return meta


def _why_absent(folder: Path) -> str:
    if folder.name.endswith(PARTIAL) or folder.with_name(folder.name + PARTIAL).is_dir():
        return f"The recording {folder} is not finished. The command that began it continues it."
    if folder.is_dir():
        return (
            f"{folder / META_FILE} is missing, so this is no recording. Name a folder that `tst-bench generate` made; "
            "if this was one, generate the recording again."
        )
    return f"There is no recording at {folder}. `tst-bench generate` makes recordings."
