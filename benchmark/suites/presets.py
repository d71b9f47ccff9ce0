"""Presets: budgets of pre-training that go together, with what they cost. A suite names one and may override fields.

``pretrain: {preset: small, steps: 20000}`` in a suite's file is the same as the fields written out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sim_envs.errors import unknown


@dataclass(frozen=True)
class Preset:
    """One row of the table.

    Attributes:
        summary: what it is for.
        frame_size: pixels of a side of the frames that the encoder is made for; the suite's rig decides.
        encoder, frames, steps, batch, lr: as in a suite's ``pretrain``.
        teraflops_per_step: of ``tst`` with all four sensors, forward and backward, counted.
        memory_gb: of one device with the whole batch at once in bfloat16: activations kept for the backward pass
            (counted) and 18 bytes a parameter. ``--accumulate N`` divides the first part, which is nearly all of it.
        time: what a pre-training takes; where it was not measured, what that rests on.
    """

    summary: str
    frame_size: int
    encoder: str
    frames: int
    steps: int
    batch: int
    lr: float
    teraflops_per_step: float
    memory_gb: float
    time: str

    def budget(self) -> dict[str, Any]:
        """Return the fields of a suite's ``pretrain``."""
        return {name: asdict(self)[name] for name in ("encoder", "frames", "steps", "batch", "lr")}


PRESETS = {
    "tiny": Preset(
        "a CPU, to try things",
        frame_size=64,
        encoder="tiny",
        frames=2000,
        steps=500,
        batch=64,
        lr=2e-3,
        teraflops_per_step=0.014,
        memory_gb=0.2,
        time="2 minutes on one core (measured)",
    ),
    "small": Preset(
        "ViT-S on one GPU, to find settings",
        frame_size=224,
        encoder="vit-s",
        frames=10_000,
        steps=10_000,
        batch=256,
        lr=8e-4,
        teraflops_per_step=3.3,
        memory_gb=11.0,
        time="2 minutes of one H100 at 30 % of its peak (counted, not measured)",
    ),
    "base": Preset(
        "ViT-B, the frames of the paper's Replica run",
        frame_size=224,
        encoder="vit-b",
        frames=80_000,
        steps=50_000,
        batch=512,
        lr=4e-4,
        teraflops_per_step=26.0,
        memory_gb=64.0,
        time="75 minutes of one H100 at 30 % of its peak (counted, not measured)",
    ),
}


def preset_fields(values: Any) -> Any:
    """Return a suite's ``pretrain`` with a preset replaced by its fields, which those written beside it override.

    Raises:
        UserError: no such preset.
    """
    if not isinstance(values, dict) or "preset" not in values:
        return values
    own = {name: value for name, value in values.items() if name != "preset"}
    if values["preset"] not in PRESETS:
        raise unknown("preset", str(values["preset"]), PRESETS)
    return PRESETS[values["preset"]].budget() | own
