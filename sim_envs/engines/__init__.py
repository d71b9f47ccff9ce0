"""Engines: what renders a space. A row is a class that fills :class:`Engine`."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sim_envs.registry import Table
from sim_envs.rig import Rig
from sim_envs.space import Space


class Engine(Protocol):
    """Open a space, render poses, close. One instance belongs to one process.

    The rig's noise is added later, to whatever was rendered. So is its distortion, by :func:`open_engine`, unless
    the class says ``traces_lenses = True``: then its rays are those of :meth:`sim_envs.rig.Rig.directions`.

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


def open_engine(name: str, space: Space, rig: Rig) -> Engine:
    """Return an engine that renders a space as a rig shows it, through whatever lens.

    Raises:
        UserError: no such engine, or one that cannot render so large or wide a picture.
    """
    engine = ENGINES[name]
    if not rig.distortion or getattr(engine, "traces_lenses", False):
        return engine(space, rig)
    from sim_envs.engines.behind_lens import BehindLens

    return BehindLens(engine, space, rig)


ENGINES: Table[type[Engine]] = Table(
    "engine",
    {"raycast": "sim_envs.engines.raycast:RaycastEngine"},
    group="tst_bench.engines",
)
