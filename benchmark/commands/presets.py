"""What ``tst-bench presets`` does."""

from __future__ import annotations

from rich.table import Table

from baselines.encoder import encoder_config
from benchmark.commands.console import out
from benchmark.suites.presets import PRESETS


def show_presets() -> None:
    """Print the table, then what each is for and how long it takes."""
    table = Table("preset", "encoder", box=None, padding=(0, 2, 0, 0))
    for title in ("pixels", "frames", "steps", "batch", "lr", "TFLOP/step", "memory"):
        table.add_column(title, justify="right")
    for name, preset in PRESETS.items():
        table.add_row(
            name,
            preset.encoder,
            f"{preset.frame_size}²",
            f"{preset.frames:,}",
            f"{preset.steps:,}",
            f"{preset.batch}",
            f"{preset.lr:g}",
            f"{preset.teraflops_per_step:g}",
            f"{preset.memory_gb:g} GB",
        )
    out.print(table)
    for name, preset in PRESETS.items():
        shape = encoder_config(preset.encoder)
        blocks = f"{shape.depth} blocks of width {shape.width}, patches of {shape.patch_size} pixels"
        out.print(f"{name}: {preset.summary}. {blocks}; {preset.time}.", highlight=False)
