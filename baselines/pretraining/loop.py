"""The loop of every pre-training, and its checkpoints. Interrupted anywhere, it continues to the same weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from baselines.augmentation import draw_changes
from baselines.batches import Batch, FramePool, Frames
from baselines.checkpoint import load_checkpoint, save_checkpoint
from baselines.optim import adamw, cosine_lr, set_lr
from baselines.precision import autocast, fit_attention, pick_device, pick_precision
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.log import Log
from baselines.pretraining.objective import Objective
from baselines.pretraining.result import PretrainResult, count_parameters, gigaflops, peak_memory_bytes
from sim_envs.storage import digest_json, write_whole

CHECKPOINT_FILE = "checkpoint.pt"
ENCODER_FILE = "encoder.safetensors"
PICTURE_FILE = "reconstructions.png"
PICTURED = 4  # frames

Progress = Callable[[int, int], None]


class NonFiniteLoss(RuntimeError):
    """The loss became infinite or not a number; the message names the step and the frames."""


def pretrain(
    objective: Objective,
    config: LoopConfig,
    frames: Sequence[Frames],
    folder: Path,
    *,
    shares: Sequence[float] | None = None,
    device: torch.device | str = "auto",
    progress: Progress | None = None,
) -> PretrainResult:
    """Train from where the folder's checkpoint stands, or from the start, to the end.

    Writes ``checkpoint.pt`` from time to time, ``log.csv``, and at the end ``encoder.safetensors`` with its
    JSON and ``reconstructions.png``. On a CPU a run that was killed and continued ends with the same bits as one
    that was not.

    Args:
        objective: with the weights that a run begins with; training changes them.
        frames: recordings to pool.
        shares: of the frames drawn from each recording; None is in proportion to their lengths.
        progress: called with (steps done, steps in all).

    Raises:
        UserError: wrong input, or a checkpoint of another run.
        NonFiniteLoss: the loss is no number; nothing of that step reaches the checkpoint.
    """
    where = pick_device(device) if isinstance(device, str) else device
    with _threads(config.threads):
        grid, size = objective.shape.grid, objective.image_size
        pool = FramePool(frames, objective.modalities, size, patches=grid, shares=shares)
        run = _Run(objective, config, pool, folder, where)
        while run.step < config.steps:
            run.advance()
            if progress is not None:
                progress(run.step, config.steps)
        return run.finish()


class _Run:
    """The state of a run between two steps. Random draws are no part of it: they follow from seed and step."""

    def __init__(
        self, objective: Objective, config: LoopConfig, pool: FramePool, folder: Path, device: torch.device
    ) -> None:
        self.config, self.pool, self.folder, self.device = config, pool, folder, device
        self.precision = pick_precision(config.precision, device)
        self.objective = objective.to(device)
        fit_attention(objective, device, self.precision)
        self.optimiser = adamw(objective, config.lr, config.weight_decay, rates=objective.parameter_rates())
        self.described = {"loop": config.decisive(), "objective": dict(objective.identity), "pool": pool.identity}
        self.identity = digest_json(self.described)
        self.step = 0
        self.seconds = 0.0
        self.saved_at = time.monotonic()
        state = load_checkpoint(folder / CHECKPOINT_FILE, identity=self.identity, device=device)
        if state is not None:
            self.objective.load_state_dict(state["objective"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds = state["step"], state["seconds"]
        self.log = Log(folder, objective.loss_names, state["log"] if state else None)

    def advance(self) -> None:
        """Take one optimiser step; log and save when it is time."""
        start = time.perf_counter()
        config, objective = self.config, self.objective
        rng = np.random.default_rng([config.seed, self.step, 1])
        batch = self._batch(rng)
        drawn = objective.draw(rng, config.batch)
        lr = cosine_lr(self.step, config.steps, round(config.warmup_share * config.steps), config.lr)
        set_lr(self.optimiser, lr)
        with autocast(self.device, self.precision):
            losses = objective(batch, drawn, self.step, objective.counts(batch, drawn))
        values = [float(losses.total.detach()), *(float(losses.parts[name]) for name in objective.loss_names)]
        self._require_finite(values[0], batch, "loss")
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(objective.parameters(), config.clip)
        self._require_finite(float(norm), batch, "gradient")
        self.optimiser.step()
        objective.after_step(self.step, config.steps)
        self.step += 1
        elapsed = time.perf_counter() - start
        self.seconds += elapsed
        self.log.add(values, config.batch, elapsed)
        if self.step % config.log_every == 0 or self.step == config.steps:
            self.log.end_row(self.step, lr)
        if time.monotonic() - self.saved_at > config.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Write the checkpoint and the log that belongs to it."""
        state = {
            "identity": self.identity,
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "log": self.log.state(),
        }
        save_checkpoint(self.folder / CHECKPOINT_FILE, state)
        self.saved_at = time.monotonic()

    def finish(self) -> PretrainResult:
        """Write what the run was for, and say what it was."""
        self.save()
        described = self.described | {"loop": self.config.plain()}
        self.objective.save_encoder(self.folder / ENCODER_FILE, described)
        self._picture()
        few = self.pool.batch(np.zeros(min(4, self.config.batch), dtype=np.int64), self.device)
        with autocast(self.device, self.precision):
            counted = gigaflops(self.objective, few, self.config.batch)
        return PretrainResult(
            encoder=ENCODER_FILE,
            steps=self.step,
            losses=self.log.last(),
            seconds=self.seconds,
            samples_per_second=self.step * self.config.batch / self.seconds,
            parameters=count_parameters(self.objective),
            encoder_parameters=count_parameters(self.objective.encoder()),
            gigaflops_per_step=counted,
            peak_memory_bytes=peak_memory_bytes(self.device),
            precision=str(self.precision).removeprefix("torch."),
            device=torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            config=described,
        )

    def _picture(self) -> None:
        """Draw what the finished networks make of a few frames of the pool."""
        rows = np.linspace(0, len(self.pool) - 1, PICTURED).round().astype(np.int64)
        picture = self.objective.picture(self.pool.batch(rows, self.device))
        if picture is not None:
            image = Image.fromarray(picture)
            write_whole(self.folder / PICTURE_FILE, lambda beside: image.save(beside, format="PNG"))

    def _batch(self, rng: np.random.Generator) -> Batch:
        """Draw the frames and their augmentation: functions of the seed and the step's number."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self.pool.rows_of_step(self.config.seed, self.step, self.config.batch)
        changes = draw_changes(self.objective.augmentation, generator, self.config.batch)
        return self.pool.batch(rows, self.device, changes=changes)

    def _require_finite(self, value: float, batch: Batch, what: str) -> None:
        if not np.isfinite(value):
            places = ", ".join(f"{source}:{frame}" for source, frame in map(self.pool.where, batch.rows.tolist()))
            raise NonFiniteLoss(
                f"The {what} is {value} at step {self.step}. Its batch holds the frames (source:frame) {places}."
                " Look at these frames; if they are sound, lower the learning rate."
            )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
