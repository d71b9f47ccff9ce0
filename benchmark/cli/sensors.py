"""Options that describe the lens and the noise of a rig, and how their texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sim_envs.errors import UserError, unknown

if TYPE_CHECKING:
    from sim_envs.distortion import RadialDistortion
    from sim_envs.rig import SensorNoise

Distortion = Annotated[
    str | None, typer.Option(metavar="K1,K2", help="Radial distortion as in OpenCV, e.g. -0.18,0.05 for a barrel.")
]
DepthNoise = Annotated[
    str | None, typer.Option(metavar="redwood[:STRENGTH]", help="Depth noise of a structured-light sensor.")
]
DepthNoiseTable = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Errors of its device: redwood-depth-dist-model.npy, which habitat-sim has."),
]
RgbNoise = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND:VALUE", help="gaussian:SIGMA (grey levels) or poisson:PHOTONS (at white). Repeatable."),
]
MotionBlur = Annotated[
    float, typer.Option(metavar="SHUTTER", help="Share of the time between frames that the shutter is open, 0 to 1.")
]
Exposure = Annotated[
    str | None,
    typer.Option(metavar="EV[:SPREAD]", help="Stops more light; SPREAD: up to so many more or less a trajectory."),
]

RGB_NOISE = {"gaussian": "gaussian_sigma", "poisson": "photons_at_white"}
DEPTH_NOISE = {"redwood": "redwood_strength"}


def distortion_of(text: str | None) -> RadialDistortion:
    """Return the lens of ``K1,K2`` (or ``K1``); none without a text.

    Raises:
        UserError: not numbers, or out of range.
    """
    from sim_envs.distortion import NO_DISTORTION, RadialDistortion

    if text is None:
        return NO_DISTORTION
    parts = text.split(",")
    if len(parts) > 2:
        raise UserError(f"--distortion {text} has {len(parts)} numbers: give K1,K2, e.g. -0.18,0.05.")
    return RadialDistortion(*(_number("--distortion", text, part, "K1,K2, e.g. -0.18,0.05") for part in parts))


def noise_of(
    depth_noise: str | None,
    depth_noise_table: str | None,
    rgb_noise: Sequence[str] | None,
    motion_blur: float,
    exposure: str | None,
) -> SensorNoise:
    """Return the noise that the options ask for.

    Raises:
        UserError: an unknown kind, a kind given twice, no number where one belongs, or one out of range.
    """
    from sim_envs.rig import SensorNoise

    settings: dict[str, float] = {"shutter": motion_blur}
    if depth_noise is not None:
        settings |= _kind("--depth-noise", depth_noise, DEPTH_NOISE, "1")
    for text in rgb_noise or ():
        found = _kind("--rgb-noise", text, RGB_NOISE, None)
        if set(found) & set(settings):
            raise UserError(f"--rgb-noise {text.partition(':')[0]} is given twice; give it once.")
        settings |= found
    if exposure is not None:
        ev, _, spread = exposure.partition(":")
        form = "EV or EV:SPREAD, e.g. -1 or 0:0.7"
        settings["exposure_ev"] = _number("--exposure", exposure, ev, form)
        settings["exposure_spread_ev"] = _number("--exposure", exposure, spread or "0", form)
    return SensorNoise(**settings, redwood_table=depth_noise_table or "")


def _kind(option: str, text: str, kinds: dict[str, str], default: str | None) -> dict[str, float]:
    kind, _, value = text.partition(":")
    if kind not in kinds:
        raise unknown(f"kind of {option}", kind, kinds)
    form = f"{kind}:NUMBER" if default is None else f"{kind} or {kind}:NUMBER"
    number = _number(option, text, value or default or "", form)
    if number == 0:
        raise UserError(f"{option} {text} would change nothing: leave it out, or give a value above 0.")
    return {kinds[kind]: number}


def _number(option: str, text: str, part: str, form: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise UserError(f"{option} {text} is not {form}: '{part}' is not a number.") from None
