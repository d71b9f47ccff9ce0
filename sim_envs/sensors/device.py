"""From the ideal frames of an engine to what the sensors of a device give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim_envs.rig import Rig
from sim_envs.sensors.motion import blurred_light
from sim_envs.sensors.noise import exposed, gaussian, redwood_depth, redwood_table, shot, to_light, to_srgb
from sim_envs.sensors.normals import normals_from_depth

Frame = dict[str, np.ndarray]
_STREAMS = ("exposure", "shot", "gaussian", "redwood")  # new ones go last: their place seeds them


@dataclass(frozen=True, eq=False)
class Device:
    """Senses the frames of one trajectory. What is random in a frame depends on seed, trajectory and step alone.

    Attributes:
        rig: with the noise of its sensors.
        camera_to_world: (N, 4, 4), the trajectory.
        trajectory: its id.
        seed: of the recording.
        render: gives the ideal frame at a pose; asked for more views where motion blurs the picture.
    """

    rig: Rig
    camera_to_world: np.ndarray
    trajectory: int
    seed: int
    render: Callable[[np.ndarray], Frame]

    def sense(self, ideal: Frame, step: int) -> Frame:
        """Return the frame with noise; labels stay, and so does all of it without noise.

        Light passes in the order it does in a camera: motion blur, exposure, photons, then the stored bytes.
        Where depth is noisy, normals are computed from it, because no device measures them.
        """
        noise = self.rig.noise
        frame = dict(ideal)
        if noise.in_rgb:
            frame["rgb"] = self._picture(ideal, step)
        if noise.redwood_strength:
            table = redwood_table(Path(noise.redwood_table).expanduser()) if noise.redwood_table else None
            rng = self._stream("redwood", step)
            frame["depth"] = redwood_depth(ideal["depth"], noise.redwood_strength, rng, table)
            frame["normals"] = stored_normals(frame["depth"], self.rig)
        return frame

    def _picture(self, ideal: Frame, step: int) -> np.ndarray:
        noise = self.rig.noise
        if noise.shutter:
            light = blurred_light(ideal, step, self.camera_to_world, self.rig, self.render)
        else:
            light = to_light(ideal["rgb"])
        spread = self._stream("exposure", 0).uniform(-1, 1) * noise.exposure_spread_ev
        light = exposed(light, noise.exposure_ev + spread)
        if noise.photons_at_white:
            light = shot(light, noise.photons_at_white, self._stream("shot", step))
        rgb = to_srgb(light)
        if noise.gaussian_sigma:
            rgb = gaussian(rgb, noise.gaussian_sigma, self._stream("gaussian", step))
        return rgb

    def _stream(self, name: str, step: int) -> np.random.Generator:
        key = (self.trajectory, step, _STREAMS.index(name))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def stored_normals(depth_mm: np.ndarray, rig: Rig) -> np.ndarray:
    """Return (H, W, 3) uint8 normals, as recordings store them, of a depth picture."""
    normals = normals_from_depth(depth_mm.astype(np.float32) / 1000, rig)
    return np.rint((normals + 1) * np.float32(127.5)).astype(np.uint8)
