"""Engines: what renders a space. A row is a class that fills :class:`Engine`."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sim_envs.registry import Table
from sim_envs.rig import Rig
from sim_envs.space import Space


class Engine(Protocol):
    """Open a space, render poses, close. One instance belongs to one process.

    The picture is what the rig's lens shows (:meth:`sim_envs.rig.Rig.directions`); an engine that has pinholes only
    bends theirs with :class:`sim_envs.sensors.lens.Lens`. The rig's noise is added later, to whatever was rendered.

    Class attributes ``name`` and ``version`` go into every recording's recipe.
    """

    name: str
    version: str

    def __init__(self, space: Space, rig: Rig) -> None: ...

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every rendered modality, in the stored types of the modality table.

        Args:
            camera_to_world: (4, 4) float64, OpenGL camera (looks along −z), metres.

        Returns:
            ``rgb`` (H, W, 3) uint8 sRGB; ``depth`` (H, W) uint16, planar millimetres, 0 = none;
            ``normals`` (H, W, 3) uint8, camera frame, facing the camera, round((n + 1) · 127.5);
            ``semantic`` (H, W) uint16, the space's category ids; ``instance`` (H, W) uint16.
        """

    def close(self) -> None:
        """Free what the engine holds."""


ENGINES: Table[type[Engine]] = Table(
    "engine",
    {"raycast": "sim_envs.engines.raycast:RaycastEngine"},
    group="tst_bench.engines",
)
