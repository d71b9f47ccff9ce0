"""Any engine behind a lens: it renders a pinhole's picture, which is bent afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sim_envs.engines import Engine, render_in_order
from sim_envs.rig import Rig
from sim_envs.sensors.lens import Lens
from sim_envs.space import Place


class BehindLens:
    """Renders through a lens with an engine that knows none.

    Args:
        engine: its class.
        place: what to render.
        rig: with distortion.

    Raises:
        UserError: the pinhole that sees all of the picture is out of range.
    """

    def __init__(self, engine: Callable[[Place, Rig], Engine], place: Place, rig: Rig) -> None:
        self._lens = Lens.of(rig)
        self._engine = engine(place, self._lens.pinhole)
        self.name, self.version = self._engine.name, self._engine.version

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every rendered modality; see :class:`sim_envs.engines.Engine`."""
        return self._lens.picture(self._engine.render(camera_to_world))

    def render_many(self, camera_to_world: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Yield the frames of (N, 4, 4) poses in order, as fast as the engine gives them."""
        yield from map(self._lens.picture, render_in_order(self._engine, camera_to_world))

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
