"""``step``: a step of pre-training beside one of a bare timm ViT that gets as many tokens and has nothing else to do.

MultiMAE and 4M are no packages, so they are not measured here. How near the bare ViT is says what cutting, masking,
decoding, losses, the loop and its data add.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import torch

from baselines.encoder import EncoderConfig, build_encoder, encoder_config, prefix_tokens
from baselines.optim import adamw
from baselines.precision import autocast, fit_attention, pick_device, pick_precision
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import pretrain
from baselines.pretraining.result import PretrainResult
from baselines.tst.config import MaskedConfig
from baselines.tst.masked import MaskedModelling
from benchmark.bench.contest import OURS, Contest, Job, Round, Settings, Side, Took
from sim_envs.modalities import SENSED, modality
from sim_envs.recordings.sensed import SensedFrames

POOL = 128  # frames to draw from, at least
WARM_UP = 1  # steps


def bare_step(shape: EncoderConfig, visible: int, batch: int, device: torch.device) -> Callable[[], torch.Tensor]:
    """Return a training step of the ViT alone, on tokens that are there already; it returns what came out."""
    precision = pick_precision("auto", device)
    encoder = build_encoder(shape).to(device)
    fit_attention(encoder, device, precision)
    optimiser = adamw(encoder, 1e-3, 0.05)
    tokens = torch.randn(batch, visible, shape.width, device=device)

    def step() -> torch.Tensor:
        with autocast(device, precision):
            whole = torch.cat([prefix_tokens(encoder).expand(batch, -1, -1), tokens], dim=1)
            found: torch.Tensor = encoder.norm(encoder.blocks(whole))
            loss = found.float().square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        return found

    return step


def random_frames(pixels: int, frames: int) -> SensedFrames:
    """Return frames of all sensed modalities, of random values."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for name in SENSED:
        row = modality(name)
        arrays[name] = rng.integers(1, 250, (frames, *row.frame_shape(pixels, pixels))).astype(row.dtype)
    return SensedFrames(arrays, np.arange(frames))


class Pretraining:
    """Pre-training, again and again from the beginning; ``results`` holds what each run said of itself.

    Args:
        modalities: of TST.
        encoder: shape of the ViT.
        batch: frames of a step.
        folder: for the files of its runs, one folder a run.
    """

    def __init__(
        self, modalities: tuple[str, ...], encoder: EncoderConfig, batch: int, folder: Path, device: torch.device
    ) -> None:
        self.config = MaskedConfig(encoder, modalities)
        self.batch, self.folder, self.device = batch, folder, device
        self.frames = random_frames(encoder.image_size, max(POOL, batch))
        self.results: list[PretrainResult] = []

    @property
    def visible(self) -> int:
        """Tokens of a frame that reach the encoder, class token apart."""
        return self.config.mask_plan().visible

    def run(self, steps: int, after: Callable[[], None] = lambda: None) -> PretrainResult:
        """Train anew, calling ``after`` after each step."""
        loop = LoopConfig(steps=steps, batch=self.batch, checkpoint_seconds=1e9)
        folder, model = self.folder / f"run-{len(self.results)}", MaskedModelling(self.config)
        result = pretrain(model, loop, [self.frames], folder, device=self.device, progress=lambda step, total: after())
        self.results.append(result)
        return result


def between_steps(
    pretraining: Pretraining, steps: int, device: torch.device, sides: Sequence[Side], rounds: int
) -> Iterator[Round]:
    """Yield rounds taken within one pre-training: ``steps`` steps of it, then as many of the bare ViT, and so on.

    The loop is that of every run, whose start and end would weigh more than a few steps if each round were a run.
    """
    bare = sides[1]
    ours: list[Took] = []
    theirs: list[Took] = []
    started = [_now(device)]

    def after() -> None:
        ended = _now(device)
        ours.append(_since(started[0], ended))
        bare.run()
        started[0] = _now(device)
        theirs.append(_since(ended, started[0]))

    pretraining.run(WARM_UP + rounds * steps, after)
    for start in range(WARM_UP, WARM_UP + rounds * steps, steps):
        few = slice(start, start + steps)
        yield {OURS: _sum(ours[few]), bare.name: _sum(theirs[few])}


def _now(device: torch.device) -> Took:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Took(time.perf_counter(), time.process_time())


def _since(start: Took, end: Took) -> Took:
    return Took(end.wall_s - start.wall_s, end.processor_s - start.processor_s)


def _sum(parts: Sequence[Took]) -> Took:
    return Took(sum(part.wall_s for part in parts), sum(part.processor_s for part in parts))


def _contests(settings: Settings, stack: ExitStack) -> Iterator[Contest]:
    del stack
    torch.set_num_threads(1)
    sizes, device = settings.sizes, pick_device(settings.device)
    shape = encoder_config(sizes.encoder, image_size=sizes.encoder_pixels)
    for model, modalities in (("tst-mae", ("rgb",)), ("tst", SENSED)):
        pretraining = Pretraining(modalities, shape, sizes.batch, settings.work / model, device)
        step = bare_step(shape, pretraining.visible, sizes.batch, device)
        visible = pretraining.visible
        yield Contest(
            f"{model}, {sizes.encoder} at {sizes.encoder_pixels}²",
            sizes.batch * sizes.steps,
            "frames",
            Side(
                OURS,
                f"a step of the loop: draws frames, cuts, masks, encodes {visible} tokens of each, decodes, losses",
                partial(pretraining.run, 1),
            ),
            (Side("bare timm ViT", f"a step on {visible} tokens of each frame that are there already", step),),
            agree=lambda ours, theirs: f"{theirs.shape[1] - 1} tokens a frame",
            clock="wall" if device.type == "cuda" else "processor",
            race=partial(between_steps, pretraining, sizes.steps, device),
        )


JOB = Job(
    "steps of pre-training",
    "a timm ViT with as many tokens and nothing else to do",
    "none: MultiMAE and 4M are no packages",
    _contests,
)
