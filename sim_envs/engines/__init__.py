"""Engines: what renders a space, or plays a capture back. A row is a class that fills :class:`Engine`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from sim_envs.registry import Table
from sim_envs.rig import Rig
from sim_envs.space import Place

CAPTURE_ENGINE = "capture"

RENDER_PROCESS_VARIABLE = "TST_BENCH_RENDER_PROCESS"
"""Environment variable that numbers the processes rendering side by side; engines on GPUs take turns by it."""


class Engine(Protocol):
    """Open a space, render poses, close. One instance belongs to one process.

    The rig's noise is added later, to whatever was rendered. So is its distortion, by :func:`open_engine`, unless
    the class says ``traces_lenses = True``: then its rays are those of :meth:`sim_envs.rig.Rig.directions`.

    Class attributes ``name`` and ``version`` go into every recording's recipe. Some more members are optional:
    ``render_many((N, 4, 4))`` yields frames in order, for engines that can work ahead (:func:`render_in_order`);
    ``libraries()``, static, returns name → version of what else a recording was rendered with. An engine that plays
    recordings back says ``renders_spaces = False``; one on OpenGL may have ``renderer``, what it runs on.
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


def open_engine(name: str, place: Place, rig: Rig) -> Engine:
    """Return an engine that shows a place as a rig does, through whatever lens.

    Raises:
        UserError: no such engine, or one that cannot render so large or wide a picture.
    """
    engine = ENGINES[name]
    if not rig.distortion or getattr(engine, "traces_lenses", False):
        return engine(place, rig)
    from sim_envs.engines.behind_lens import BehindLens

    return BehindLens(engine, place, rig)


def render_in_order(engine: Engine, camera_to_world: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Yield the frames of (N, 4, 4) poses one by one."""
    if hasattr(engine, "render_many"):
        yield from engine.render_many(camera_to_world)
    else:
        yield from map(engine.render, camera_to_world)


def libraries_of(engine: type[Engine]) -> dict[str, str]:
    """Return name → version of what an engine renders with, besides this package."""
    return dict(engine.libraries()) if hasattr(engine, "libraries") else {}


ENGINES: Table[type[Engine]] = Table(
    "engine",
    {
        CAPTURE_ENGINE: "sim_envs.captures.engine:CaptureEngine",
        "habitat": "sim_envs.engines.habitat:HabitatEngine",
        "raycast": "sim_envs.engines.raycast:RaycastEngine",
    },
    group="tst_bench.engines",
)
