"""Frames that came in a pack: all of a recording that a device knows, and nothing that they are scored against."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.array_files import WHAT_CAN_BE_WRONG
from benchmark.results import Result
from sim_envs.errors import UserError
from sim_envs.storage import digest_json


@dataclass(frozen=True)
class PackedFrames:
    """Frames of one space in an ``.npz``: ``frames`` (their numbers), ``trajectory``, ``step`` and ``rgb``.

    Attributes:
        recording: digest of the recording that they belong to.
        sha256: of the file.
        frames: how many there are.
    """

    space: str
    recording: str
    file: Path
    sha256: str
    frames: int
    height: int
    width: int

    def read(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (N,) int64 numbers, (N,) int64 trajectories, (N, H, W, 3) uint8 RGB.

        Raises:
            UserError: the file is damaged, or is not of the frames it should be of.
        """
        rows, trajectory = self.numbers("frames"), self.numbers("trajectory")
        rgb = self._array("rgb")
        shape = (self.frames, self.height, self.width, 3)
        if rgb.dtype != np.uint8 or rgb.shape != shape:
            raise self._unfit(f"rgb is {rgb.dtype} of shape {rgb.shape}, not uint8 of {shape}")
        return rows, trajectory, rgb

    def numbers(self, name: str) -> np.ndarray:
        """Return ``frames``, ``trajectory`` or ``step``, (N,) int64.

        Raises:
            UserError: as :meth:`read`.
        """
        found = self._array(name)
        if found.dtype != np.int64 or found.shape != (self.frames,):
            raise self._unfit(f"{name} is {found.dtype} of shape {found.shape}, not int64 of ({self.frames},)")
        return found

    def _array(self, name: str) -> np.ndarray:
        try:
            with np.load(self.file, allow_pickle=False) as arrays:
                return np.asarray(arrays[name])
        except WHAT_CAN_BE_WRONG as error:
            raise self._unfit(str(error)) from None

    def _unfit(self, what: str) -> UserError:
        return UserError(f"{self.file} holds no frames of {self.space}: {what}. Take the pack again.")


def transfer_folder(result: Result) -> Path:
    """Return the folder of the transfer that a result's predictions were made after.

    Raises:
        UserError: it is not there any more.
    """
    folder = result.file(result.prediction_folder)
    try:
        if folder is None:
            raise FileNotFoundError("no predictions")
        transfer = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))["transfer"]
        found = folder.parents[1] / "transfer" / transfer
        if not found.is_dir():
            raise FileNotFoundError(f"no {found}")
        return found
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"The trained model of {result.file_stem} is not there ({error}). Run it again.") from None


def predicted_spaces(result: Result, spaces: Sequence[PackedFrames]) -> tuple[PackedFrames, ...]:
    """Return the spaces that a result is about, in the order of a pack.

    Raises:
        UserError: the pack lacks one.
    """
    wanted = {part.space for part in result.spaces}
    if lacking := wanted - {space.space for space in spaces}:
        raise UserError(f"The pack has no frames of {', '.join(sorted(lacking))}, which {result.file_stem} is about.")
    return tuple(space for space in spaces if space.space in wanted)


def packed_predictions(result: Result, spaces: Sequence[PackedFrames]) -> Path:
    """Return where a model's predictions about frames of a pack lie or would lie, beside those of its run.

    The folder is named by the transfer and by the frames, so that models which are the same in the runs of several test
    spaces predict once.

    Raises:
        UserError: as :func:`transfer_folder` and :func:`predicted_spaces`.
    """
    transfer = transfer_folder(result)
    return transfer.parents[1] / "predict" / digest_json(prediction_key(transfer, result, spaces))[:16]


def prediction_key(transfer: Path, result: Result, spaces: Sequence[PackedFrames]) -> dict[str, object]:
    """Return what such a folder is named by."""
    return {
        "stage": "predict",
        "transfer": transfer.name,
        "packed": [[s.space, s.recording, s.sha256] for s in predicted_spaces(result, spaces)],
    }
