"""Steps of pre-training beside those of a bare timm ViT that is given as many tokens and has nothing else to do.

One process and one thread on a CPU, or the GPU where there is one. ``times bare`` is the ratio that matters: what
cutting, masking, decoding, losses, the loop and its data add. Both are timed in one run, in turns; on a CPU by the
processor time this process got. Run by ``make bench``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.encoder import encoder_config
from baselines.precision import pick_device
from benchmark.bench.contest import OURS, Clock, Side
from benchmark.bench.step import Pretraining, bare_step, between_steps
from sim_envs.modalities import SENSED

STEPS, WARM_UP = 12, 3
ON_GPU = torch.cuda.is_available()
CASES = [("tiny", 64, 64), ("vit-s", 224, 256 if ON_GPU else 8)]
if ON_GPU:
    CASES.append(("vit-b", 224, 128))


@pytest.mark.parametrize("modalities", [("rgb",), SENSED], ids=["tst-mae", "tst"])
@pytest.mark.parametrize(("encoder", "size", "batch"), CASES, ids=[case[0] for case in CASES])
def test_pretraining_beside_a_bare_vit(
    benchmark: Any, tmp_path: Path, encoder: str, size: int, batch: int, modalities: tuple[str, ...]
) -> None:
    """Train STEPS steps of each, in turns."""
    torch.set_num_threads(1)
    device = pick_device()
    shape = encoder_config(encoder, image_size=size)
    ours = Pretraining(modalities, shape, batch, tmp_path, device)
    bare = Side("bare", "", bare_step(shape, ours.visible, batch, device))
    sides = (Side(OURS, "", lambda: None), bare)
    rounds = benchmark.pedantic(lambda: list(between_steps(ours, 1, device, sides, STEPS)), rounds=1)
    clock: Clock = "wall" if device.type == "cuda" else "processor"
    step_seconds, bare_seconds = (
        float(np.median([taken[name].by(clock) for taken in rounds[WARM_UP:]])) for name in (OURS, "bare")
    )
    benchmark.extra_info.update(
        frames_per_second=round(batch / step_seconds),
        times_bare=round(step_seconds / bare_seconds, 2),
        bare_frames_per_second=round(batch / bare_seconds),
        waited_for_data=f"{100 * ours.results[-1].data_wait_share:.1f} %",
        precision=ours.results[-1].precision,
        device=ours.results[-1].device,
    )
