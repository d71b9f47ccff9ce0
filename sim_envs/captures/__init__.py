"""Captures: what real RGB-D devices recorded. A format is one reader; importing turns it into ``capture/NAME``."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sim_envs.captures.sequence import RawSequence
from sim_envs.registry import Table


class CaptureReader(Protocol):
    """Understands the files of one format."""

    def __call__(self, path: Path) -> RawSequence:
        """Return the frames of a download, none of them decoded yet.

        Args:
            path: the folder or file that a user names.

        Raises:
            UserError: files that are missing or do not fit; they are named.
        """


CAPTURE_FORMATS: Table[CaptureReader] = Table(
    "capture format",
    {
        "7scenes": "sim_envs.captures.formats.seven_scenes:read_seven_scenes",
        "scannet": "sim_envs.captures.formats.scannet:read_scannet",
        "nerfstudio": "sim_envs.captures.formats.nerfstudio:read_nerfstudio",
        "record3d": "sim_envs.captures.formats.record3d:read_record3d",
        "tum": "sim_envs.captures.formats.tum:read_tum",
        "bonn": "sim_envs.captures.formats.bonn:read_bonn",
    },
    group="tst_bench.capture_formats",
)
