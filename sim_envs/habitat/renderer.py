"""What a rendering worker is started with: its module, its environment, its GPU."""

from __future__ import annotations

import os
from pathlib import Path

from sim_envs.engines import RENDER_PROCESS_VARIABLE
from sim_envs.errors import UserError

RENDERER = Path(__file__).with_name("worker.py")
# Errors are still printed; without this every opened file is.
RENDERER_ENVIRONMENT = {"MAGNUM_LOG": "quiet", "HABITAT_SIM_LOG": "quiet"}
GPUS_VARIABLE = "TST_BENCH_HABITAT_GPUS"
NO_GPU = -1


def gpu_of_this_process() -> int:
    """Return the GPU that habitat-sim should use here, or ``NO_GPU`` for rendering in software.

    Render processes take turns with the GPUs. These are the ones of ``TST_BENCH_HABITAT_GPUS`` (``0,2``; empty for
    none), or else all NVIDIA devices that this machine, or container, shows.
    """
    gpus = _gpus()
    return gpus[int(os.environ.get(RENDER_PROCESS_VARIABLE, "0")) % len(gpus)] if gpus else NO_GPU


def _gpus() -> list[int]:
    named = os.environ.get(GPUS_VARIABLE)
    if named is not None:
        numbers = [number.strip() for number in named.split(",") if number.strip()]
        if not all(number.isdecimal() for number in numbers):
            raise UserError(f"{GPUS_VARIABLE} is '{named}': give numbers of GPUs, e.g. 0,2, or nothing for none.")
        return [int(number) for number in numbers]
    return sorted(int(path.name[6:]) for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdecimal())
