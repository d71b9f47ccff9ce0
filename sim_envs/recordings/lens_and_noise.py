"""How recordings and recipes write down a rig's lens and noise, and what these change in the conventions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from sim_envs.distortion import NO_DISTORTION, RadialDistortion
from sim_envs.rig import NO_NOISE, Rig, SensorNoise
from sim_envs.storage import digest_file

_LENS = {
    "pixels": "centres at +0.5, row 0 on top; hfov is horizontal, degrees, of the pinhole; what that shows at (x, y) "
    "focal lengths from the middle, the lens shows at (x, y) · (1 + k1 r² + k2 r⁴), as in OpenCV",
}
_NOISE = {
    "valid": "depth measured on 30 % of the pixels or more, and, before the noise, not one plain plane alone; whatever "
    "the labels",
}
_RGB_NOISE = {"rgb": "uint8 sRGB, with the rig's noise", "edges": "uint8, derived from the noisy rgb"}
_DEPTH_NOISE = {
    "depth": "planar z (not ray length), uint16 millimetres, 0 = no measurement, with the rig's noise",
    "normals": "camera frame, unit, facing the camera, uint8 = round((n + 1) · 127.5), void where depth is 0, "
    "computed from the noisy depth",
}


class LensAndNoise(BaseModel):
    """The fields of a rig that most rigs do not have: written down only where there is something to write.

    So what was recorded by an ideal pinhole is described, and named, as it was before there were others.

    Attributes:
        distortion: ``k1`` and ``k2`` of the lens.
        noise: settings that are not 0.
    """

    distortion: RadialDistortion = NO_DISTORTION
    noise: SensorNoise = NO_NOISE

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        if not self.distortion:
            written.pop("distortion", None)
        noise = {name: value for name, value in written.pop("noise", {}).items() if value}
        return written | ({"noise": noise} if noise else {})


def changed_conventions(rig: Rig) -> dict[str, str]:
    """Return the conventions that are not those of an ideal pinhole."""
    return {
        **(_LENS if rig.distortion else {}),
        **(_NOISE if rig.noise else {}),
        **(_RGB_NOISE if rig.noise.in_rgb else {}),
        **(_DEPTH_NOISE if rig.noise.redwood_strength else {}),
    }


def described_noise(noise: SensorNoise) -> SensorNoise:
    """Return the settings with a table named by its content."""
    if not noise.redwood_table:
        return noise
    return replace(noise, redwood_table=by_content(Path(noise.redwood_table).expanduser()))


def by_content(path: Path) -> str:
    """Name a file by its own name and its SHA-256: equal wherever it lies."""
    return f"{path.name} sha256:{digest_file(path)}"
