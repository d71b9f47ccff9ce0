"""Engines: what renders a space, or plays a capture back. A row is a class that fills :class:`Engine`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from sim_envs.registry import Table
from sim_envs.rig import Rig

CAPTURE_ENGINE = "capture"


class Engine(Protocol):
    """Open a space, render poses, close. One instance belongs to one process.

    Class attributes ``name`` and ``version`` go into every recording's recipe.
    """

    name: str
    version: str

    def __init__(self, space: Any, rig: Rig) -> None:
        """Open a :class:`~sim_envs.space.Space`; the engine ``capture`` opens captures instead."""

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every rendered modality, in the stored types of the modality table.

        Args:
            camera_to_world: (4, 4) float64, OpenGL camera (looks along −z), metres.

        Returns:
            ``rgb`` (H, W, 3) uint8 sRGB; ``depth`` (H, W) uint16, planar millimetres, 0 = none;
            ``normals`` (H, W, 3) uint8, camera frame, facing the camera, round((n + 1) · 127.5);
            ``semantic`` (H, W) uint16, the space's category ids; ``instance`` (H, W) uint16 (where there are no
            labels, these two may be left out).
        """

    def close(self) -> None:
        """Free what the engine holds."""


ENGINES: Table[type[Engine]] = Table(
    "engine",
    {
        "raycast": "sim_envs.engines.raycast:RaycastEngine",
        CAPTURE_ENGINE: "sim_envs.captures.engine:CaptureEngine",
    },
    group="tst_bench.engines",
)
