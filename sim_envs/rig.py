"""A rig: the camera a device carries, and what its sensors add to an ideal picture.

Square pixels, pixel centres at +0.5, row 0 on top.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from sim_envs.distortion import NO_DISTORTION, RadialDistortion
from sim_envs.errors import UserError

SIZE_RANGE = (32, 2048)
HFOV_RANGE = (30.0, 150.0)
NOISE_RANGES: dict[str, tuple[float, float, str]] = {
    "exposure_ev": (-8.0, 8.0, "stops"),
    "exposure_spread_ev": (0.0, 4.0, "stops"),
    "shutter": (0.0, 1.0, "of the time from one frame to the next"),
    "photons_at_white": (1.0, 100_000.0, "photons"),
    "gaussian_sigma": (0.0, 64.0, "grey levels"),
    "redwood_strength": (0.0, 10.0, "times the noise that was measured"),
}
"""Setting → lowest and highest value, unit. 0 turns every one off."""


@dataclass(frozen=True)
class SensorNoise:
    """What the sensors of a device add to an ideal picture. All are 0 by default: nothing.

    :mod:`sim_envs.sensors.noise` says what each does.

    Attributes:
        exposure_ev: stops more light (or less, below 0) than a frame was rendered with.
        exposure_spread_ev: each trajectory has an exposure of its own, up to so many stops more or less.
        shutter: share of the time from one frame to the next for which light is gathered while the camera moves,
            as it does from each pose of its trajectory to the next; where there is one pose alone, it stands still.
        photons_at_white: photons that a white pixel counts in each channel; the fewer, the more shot noise.
        gaussian_sigma: standard deviation of noise in each channel, grey levels of the stored (sRGB) bytes.
        redwood_strength: depth noise of a structured-light sensor; 1 is as strong as measured.
        redwood_table: path of the table of low-frequency errors that belongs to that noise; "" for none. In the
            rig of a recording it is the file's name and SHA-256.

    Raises:
        UserError: a value out of its range, or a table for noise that is off.
    """

    exposure_ev: float = 0.0
    exposure_spread_ev: float = 0.0
    shutter: float = 0.0
    photons_at_white: float = 0.0
    gaussian_sigma: float = 0.0
    redwood_strength: float = 0.0
    redwood_table: str = ""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for name, (low, high, unit) in NOISE_RANGES.items():
            value = getattr(self, name)
            if value != 0 and not low <= value <= high:
                off = ", or 0 for none" if low > 0 else ""
                raise UserError(f"Noise {name} {value:g} is out of range: {low:g} to {high:g} {unit}{off}.")
        if self.redwood_table and not self.redwood_strength:
            raise UserError("A table of depth errors needs its noise too: --depth-noise redwood (redwood_strength).")

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    @property
    def in_rgb(self) -> bool:
        """Whether colours are changed."""
        return any(value for name, value in asdict(self).items() if not name.startswith("redwood"))


NO_NOISE = SensorNoise()


@dataclass(frozen=True)
class Rig:
    """Camera intrinsics (a pinhole, and the lens before it) and sensor noise.

    Attributes:
        width, height: pixels, 32…2048.
        hfov: horizontal field of view of the pinhole, degrees, 30…150: it sets the focal length. Through a lens
            the picture shows more than that (barrel) or less (pincushion); see :attr:`half_angles`.
        distortion: of the lens; none by default.
        noise: of the sensors; none by default. Engines render without it.

    Raises:
        UserError: a number out of range, or distortion under which the picture would fold.
    """

    width: int = 128
    height: int = 128
    hfov: float = 90.0
    distortion: RadialDistortion = NO_DISTORTION
    noise: SensorNoise = NO_NOISE

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not SIZE_RANGE[0] <= value <= SIZE_RANGE[1]:
                raise UserError(f"Frame {name} {value} is out of range: {SIZE_RANGE[0]} to {SIZE_RANGE[1]} pixels.")
        if not HFOV_RANGE[0] <= self.hfov <= HFOV_RANGE[1]:
            raise UserError(f"hfov {self.hfov} is out of range: {HFOV_RANGE[0]:.0f} to {HFOV_RANGE[1]:.0f} degrees.")
        corner = float(np.hypot(self.width, self.height)) / 2 / self.focal
        if corner >= self.distortion.reach:
            raise UserError(
                f"Distortion {self.distortion.k1:g},{self.distortion.k2:g} folds the picture "
                f"{self.distortion.reach:.2f} focal lengths from its middle, and the corners of {self.width}x"
                f"{self.height} at hfov {self.hfov:g} are {corner:.2f} away. Take coefficients nearer to 0, a larger "
                "k2, or a narrower hfov."
            )

    @property
    def focal(self) -> float:
        """Focal length in pixels, equal in x and y."""
        return 0.5 * self.width / float(np.tan(np.radians(self.hfov) / 2))

    @property
    def intrinsics(self) -> np.ndarray:
        """(3, 3) float64 camera matrix in the OpenCV sense (x right, y down), principal point in the middle."""
        return np.array([[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1]])

    @property
    def half_angles(self) -> tuple[float, float]:
        """How far from its middle the picture reaches to a side, and up; radians."""
        half = np.radians(self.hfov) / 2
        if not self.distortion:
            return half, np.arctan(np.tan(half) * self.height / self.width)
        ends = np.tan(half) * np.array([1, self.height / self.width])
        right, up = np.arctan(self.distortion.undistort(ends, np.zeros(2))[0])
        return right, up

    def directions(self, offset: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
        """Return (H, W, 3) float32 ray directions in the camera frame (OpenGL), with z = −1.

        They are not unit vectors: a hit at ``t`` along one of them has planar depth ``t``.

        Args:
            offset: where in the pixel the ray passes, (x, y) in 0…1 from its top left corner.
        """
        x = (np.arange(self.width) + offset[0] - self.width / 2) / self.focal
        y = -(np.arange(self.height) + offset[1] - self.height / 2) / self.focal
        out = np.empty((self.height, self.width, 3), np.float32)
        out[..., 0], out[..., 1] = self.distortion.undistort(x[None, :], y[:, None])
        out[..., 2] = -1.0
        return out
