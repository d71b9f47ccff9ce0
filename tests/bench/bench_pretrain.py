"""Steps of pre-training beside those of a bare timm ViT that is given as many tokens and has nothing else to do.

One process and one thread on a CPU, or the GPU where there is one. ``times bare`` is the ratio that matters: what
cutting, masking, decoding, losses, the loop and its data add. Both are timed in one run, in turns; on a CPU by the
processor time this process got. Run by ``make bench``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.encoder import EncoderConfig, build_encoder, encoder_config, prefix_tokens
from baselines.optim import adamw
from baselines.precision import autocast, fit_attention, pick_device, pick_precision
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import pretrain
from baselines.tst.config import MaskedConfig
from baselines.tst.masked import MaskedModelling
from sim_envs.modalities import SENSED, modality
from sim_envs.recordings.sensed import SensedFrames

STEPS, WARM_UP = 12, 3
ON_GPU = torch.cuda.is_available()
CASES = [("tiny", 64, 64), ("vit-s", 224, 256 if ON_GPU else 8)]
if ON_GPU:
    CASES.append(("vit-b", 224, 128))


def clock() -> float:
    """Return seconds: of this process on a CPU that others use too, of the wall where a GPU works."""
    if ON_GPU:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def bare_step(shape: EncoderConfig, visible: int, batch: int) -> Callable[[], None]:
    """Return a training step of the ViT alone, on tokens that are there already."""
    device = pick_device()
    precision = pick_precision("auto", device)
    encoder = build_encoder(shape).to(device)
    fit_attention(encoder, device, precision)
    optimiser = adamw(encoder, 1e-3, 0.05)
    tokens = torch.randn(batch, visible, shape.width, device=device)

    def step() -> None:
        with autocast(device, precision):
            whole = torch.cat([prefix_tokens(encoder).expand(batch, -1, -1), tokens], dim=1)
            loss = encoder.norm(encoder.blocks(whole)).float().square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()

    return step


def random_frames(size: int, frames: int) -> SensedFrames:
    rng = np.random.default_rng(0)
    arrays = {}
    for name in SENSED:
        row = modality(name)
        arrays[name] = rng.integers(1, 250, (frames, *row.frame_shape(size, size))).astype(row.dtype)
    return SensedFrames(arrays, np.arange(frames))


@pytest.mark.parametrize("modalities", [("rgb",), SENSED], ids=["tst-mae", "tst"])
@pytest.mark.parametrize(("encoder", "size", "batch"), CASES, ids=[case[0] for case in CASES])
def test_pretraining_beside_a_bare_vit(
    benchmark: Any, tmp_path: Path, encoder: str, size: int, batch: int, modalities: tuple[str, ...]
) -> None:
    """Train STEPS steps of each, in turns."""
    torch.set_num_threads(1)
    config = MaskedConfig(encoder_config(encoder, image_size=size), modalities)
    bare = bare_step(config.encoder, config.mask_plan().visible, batch)
    own: list[float] = []
    others: list[float] = []
    ended = [clock()]

    def after(step: int, steps: int) -> None:
        own.append(clock() - ended[0])
        start = clock()
        bare()
        others.append(clock() - start)
        ended[0] = clock()

    loop = LoopConfig(steps=STEPS, batch=batch, checkpoint_seconds=1e9)
    frames = [random_frames(size, max(128, batch))]
    result = benchmark.pedantic(
        lambda: pretrain(MaskedModelling(config), loop, frames, tmp_path, progress=after), rounds=1
    )
    step_seconds, bare_seconds = (float(np.median(seconds[WARM_UP:])) for seconds in (own, others))
    benchmark.extra_info.update(
        frames_per_second=round(batch / step_seconds),
        times_bare=round(step_seconds / bare_seconds, 2),
        bare_frames_per_second=round(batch / bare_seconds),
        waited_for_data=f"{100 * result.data_wait_share:.1f} %",
        precision=result.precision,
        device=result.device,
    )
