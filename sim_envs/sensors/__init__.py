"""Sensors that are computed from what an engine renders or a device records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from sim_envs.sensors.edges import edges_from_rgb

DERIVED: dict[str, Callable[[Mapping[str, np.ndarray]], np.ndarray]] = {
    "edges": lambda frame: edges_from_rgb(frame["rgb"]),
}
"""Modality → how a frame of it comes from the frame's other modalities; one row per derived modality."""
