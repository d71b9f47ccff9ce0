"""Exports: recordings in the formats of other tools. A row is a class that fills :class:`Exporter`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sim_envs.recordings.reader import Recording
from sim_envs.registry import Table

Progress = Callable[[int, int], None]
"""Called with (frames done, frames in all)."""


@dataclass(frozen=True, eq=False)
class Selection:
    """What of a recording is to be exported.

    Attributes:
        recording: opened and checked.
        home: the data home: where the space of the recording can be loaded from.
        splits: the splits asked for, in the order train, val, test.
        frames: (M,) int64 numbers of the valid frames of these splits, ascending.
        modalities: what of each frame, in the order of the modality table.
    """

    recording: Recording
    home: Path
    splits: tuple[str, ...]
    frames: np.ndarray
    modalities: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """What an exporter says of its files; goes into ``export.json``, and the conventions into ``README.md`` too.

    Attributes:
        conventions: what → how to read it, in one sentence each.
        details: JSON-like; counts and whatever else the format has to say.
    """

    conventions: dict[str, str]
    details: dict[str, Any] = field(default_factory=dict)


class Exporter(Protocol):
    """Write one format. A row of :data:`EXPORTS` is a class that takes no arguments.

    Class attributes:
        takes: modalities the format can carry; empty for one that carries none (poses alone).
        needs: those of them without which there is no export.
    """

    takes: tuple[str, ...]
    needs: tuple[str, ...]

    def write(self, selection: Selection, folder: Path, progress: Progress) -> Written:
        """Fill an empty folder; :mod:`sim_envs.exports.export` gives it its name once it is whole.

        Args:
            selection: has every modality of ``needs`` and none outside ``takes``.
            folder: exists and is empty; ``README.md`` and ``export.json`` are added to it afterwards.
            progress: to be called as frames are done.

        Raises:
            UserError: this recording cannot be written so; the message says why and what to do.
            OSError: the disk refused; the caller says so.
        """


EXPORTS: Table[type[Exporter]] = Table(
    "export format",
    {
        "coco": "sim_envs.exports.coco:CocoExporter",
        "habitat-lab": "sim_envs.exports.habitat_lab:HabitatLabExporter",
        "images": "sim_envs.exports.images:ImagesExporter",
        "nerfstudio": "sim_envs.exports.nerfstudio:NerfstudioExporter",
        "webdataset": "sim_envs.exports.webdataset:WebDatasetExporter",
    },
    group="tst_bench.exports",
)
