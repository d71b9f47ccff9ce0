"""Pre-training: the loop, its checkpoints and its log. Interrupted anywhere, it continues to the same weights."""

from __future__ import annotations

import csv
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from baselines.batches import Batch, FramePool, Frames
from baselines.checkpoint import load_checkpoint, save_checkpoint
from baselines.encoder import save_encoder
from baselines.optim import adamw, cosine_lr, set_lr
from baselines.precision import autocast, fit_attention, pick_device, pick_precision
from baselines.tst.adapters import cut
from baselines.tst.config import PretrainConfig
from baselines.tst.masking import Masks, sample_masks
from baselines.tst.model import MaskedModel
from baselines.tst.objective import Losses, objective
from baselines.tst.reconstruct import reconstruct, sheet
from baselines.tst.start import LR_SCALE, Start, enlarged
from sim_envs.storage import digest_json, write_whole

CHECKPOINT_FILE = "checkpoint.pt"
ENCODER_FILE = "encoder.safetensors"
LOG_FILE = "log.csv"
PICTURE_FILE = "reconstructions.png"
PICTURED = 4  # frames

Progress = Callable[[int, int], None]

__all__ = ["NonFiniteLoss", "PretrainConfig", "PretrainResult", "pretrain"]


class NonFiniteLoss(RuntimeError):
    """The loss became infinite or not a number; the message names the step and the frames."""


@dataclass(frozen=True)
class PretrainResult:
    """What a finished run was, JSON-like.

    Attributes:
        encoder: file name of the encoder in the run's folder.
        losses: plain loss of each modality, mean over the last row of the log.
        seconds: spent in steps, over all sittings; ``samples_per_second`` follows from it.
        gigaflops_per_step: forward and backward, counted on the model as it is.
        peak_memory_bytes: of the process (CPU) or of the allocator (CUDA).
        precision, device: what the matrix products ran in and on.
    """

    encoder: str
    steps: int
    losses: dict[str, float]
    seconds: float
    samples_per_second: float
    parameters: int
    encoder_parameters: int
    gigaflops_per_step: float
    peak_memory_bytes: int
    precision: str
    device: str
    config: dict[str, Any]


def pretrain(
    config: PretrainConfig,
    frames: Sequence[Frames],
    folder: Path,
    *,
    shares: Sequence[float] | None = None,
    start: Start | None = None,
    device: torch.device | str = "auto",
    progress: Progress | None = None,
) -> PretrainResult:
    """Train from where the folder's checkpoint stands, or from the start, to the end.

    Writes ``checkpoint.pt`` from time to time, ``log.csv``, and at the end ``encoder.safetensors`` with its
    JSON and ``reconstructions.png``. On a CPU a run that was killed and continued ends with the same bits as one
    that was not.

    Args:
        frames: recordings to pool.
        shares: of the frames drawn from each recording; None is in proportion to their lengths.
        start: a trained ViT to go on from, of the shape ``config.encoder``; None begins at random.
        progress: called with (steps done, steps in all).

    Raises:
        UserError: wrong input, or a checkpoint of another run.
        NonFiniteLoss: the loss is no number; nothing of that step reaches the checkpoint.
    """
    where = pick_device(device) if isinstance(device, str) else device
    with _threads(config.threads):
        size = start.frame_size if start else config.encoder.image_size
        pool = FramePool(frames, config.modalities, size, patches=config.encoder.grid, shares=shares)
        run = _Run(config, pool, folder, where, start)
        while run.step < config.steps:
            run.advance()
            if progress is not None:
                progress(run.step, config.steps)
        return run.finish()


class _Run:
    """The state of a run between two steps. Random draws are no part of it: they follow from seed and step."""

    def __init__(
        self, config: PretrainConfig, pool: FramePool, folder: Path, device: torch.device, start: Start | None
    ) -> None:
        self.config, self.pool, self.folder, self.device, self.start = config, pool, folder, device, start
        self.plan = config.mask_plan()
        self.precision = pick_precision(config.precision, device)
        self.model = MaskedModel(config.encoder, config.modalities, config.decoder, seed=config.seed, start=start).to(
            device
        )
        fit_attention(self.model, device, self.precision)
        slower = {"encoder": LR_SCALE} if start else None
        self.optimiser = adamw(self.model, config.lr, config.weight_decay, slower=slower)
        identity = {"config": config.decisive(), "pool": pool.identity}
        self.identity = digest_json(identity | ({"start": dict(start.identity)} if start else {}))
        self.step = 0
        self.seconds = 0.0
        self.sums = np.zeros(1 + len(config.modalities))  # of the losses since the last row of the log
        self.row_seconds = 0.0
        self.saved_at = time.monotonic()
        self.rows: list[list[float]] = []
        state = load_checkpoint(folder / CHECKPOINT_FILE, identity=self.identity, device=device)
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds, self.rows = state["step"], state["seconds"], state["rows"]
            self.sums, self.row_seconds = np.array(state["sums"]), state["row_seconds"]
        self._write_log()

    def advance(self) -> None:
        """Take one optimiser step; log and save when it is time."""
        start = time.perf_counter()
        config = self.config
        batch, masks = self._inputs()
        lr = cosine_lr(self.step, config.steps, round(config.warmup_share * config.steps), config.lr)
        set_lr(self.optimiser, lr)
        losses = self._losses(batch, masks)
        values = [float(losses.total.detach()), *(float(part) for part in losses.parts.values())]
        self._require_finite(values[0], batch, "loss")
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self._require_finite(float(norm), batch, "gradient")
        self.optimiser.step()
        self.step += 1
        self.sums += values
        elapsed = time.perf_counter() - start
        self.seconds += elapsed
        self.row_seconds += elapsed
        if self.step % config.log_every == 0 or self.step == config.steps:
            self._log(lr)
        if time.monotonic() - self.saved_at > config.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Write the checkpoint and the log that belongs to it."""
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "rows": self.rows,
            "sums": self.sums.tolist(),
            "row_seconds": self.row_seconds,
        }
        save_checkpoint(self.folder / CHECKPOINT_FILE, state)
        self.saved_at = time.monotonic()

    def finish(self) -> PretrainResult:
        """Write what the run was for, and say what it was."""
        self.save()
        config = self.config.plain()
        provenance = {"pretraining": config, "pool": self.pool.identity}
        self._save_encoder(provenance)
        self._picture()
        return PretrainResult(
            encoder=ENCODER_FILE,
            steps=self.step,
            losses=dict(zip(self.config.modalities, self.rows[-1][2 : 2 + len(self.config.modalities)], strict=True)),
            seconds=self.seconds,
            samples_per_second=self.step * self.config.batch / self.seconds,
            parameters=_count(self.model),
            encoder_parameters=_count(self.model.encoder),
            gigaflops_per_step=self._gigaflops(),
            peak_memory_bytes=_peak_memory(self.device),
            precision=str(self.precision).removeprefix("torch."),
            device=torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            config=config,
        )

    def _save_encoder(self, provenance: dict[str, Any]) -> None:
        encoder, shape, path = self.model.encoder, self.config.encoder, self.folder / ENCODER_FILE
        if self.start is None:
            save_encoder(encoder, shape, path, provenance=provenance)
            return
        provenance["start"] = dict(self.start.identity)
        mean, std = self.start.encoder.mean, self.start.encoder.std
        save_encoder(encoder, shape, path, provenance=provenance, call=self.start.call, mean=mean, std=std)

    def _picture(self) -> None:
        """Draw what the finished model predicts for a few frames of the pool."""
        rows = np.linspace(0, len(self.pool) - 1, PICTURED).round().astype(np.int64)
        batch = enlarged(self.pool.batch(rows, self.device), self.config.encoder.image_size)
        panels = reconstruct(self.model, batch, self.plan, np.random.default_rng(self.config.seed))
        picture = Image.fromarray(sheet(panels))
        write_whole(self.folder / PICTURE_FILE, lambda beside: picture.save(beside, format="PNG"))

    def _inputs(self) -> tuple[Batch, Masks]:
        """Draw the frames, their augmentation and their masks: functions of the seed and the step's number."""
        seed, step = self.config.seed, self.step
        rng = np.random.default_rng([seed, step, 1])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self.pool.rows_of_step(seed, step, self.config.batch)
        batch = self.pool.batch(rows, self.device, augmentation=self.config.augmentation, generator=generator)
        batch = enlarged(batch, self.config.encoder.image_size)
        return batch, sample_masks(rng, self.config.batch, self.plan, self.device)

    def _losses(self, batch: Batch, masks: Masks) -> Losses:
        patches = cut(batch, self.config.encoder.patch_size)
        with autocast(self.device, self.precision):
            predictions = self.model(patches, masks)
        return objective(predictions, patches, masks, self.config.loss_weights)

    def _require_finite(self, value: float, batch: Batch, what: str) -> None:
        if not np.isfinite(value):
            places = ", ".join(f"{source}:{frame}" for source, frame in map(self.pool.where, batch.rows.tolist()))
            raise NonFiniteLoss(
                f"The {what} is {value} at step {self.step}. Its batch holds the frames (source:frame) {places}."
                " Look at these frames; if they are sound, lower the learning rate."
            )

    def _log(self, lr: float) -> None:
        since = self.step - (int(self.rows[-1][0]) if self.rows else 0)
        rate = since * self.config.batch / self.row_seconds
        self.rows.append([self.step, *(self.sums / since).tolist(), lr, rate])
        self.sums[:] = 0
        self.row_seconds = 0.0
        with (self.folder / LOG_FILE).open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(_cells(self.rows[-1]))

    def _write_log(self) -> None:
        """Write the rows up to the checkpoint: what a killed run had logged after it will be computed again."""

        def write(path: Path) -> None:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["step", "loss", *self.config.modalities, "lr", "samples_per_second"])
                writer.writerows(_cells(row) for row in self.rows)

        write_whole(self.folder / LOG_FILE, write)

    def _gigaflops(self) -> float:
        """Count the operations of one step on few samples; they are proportional to the batch."""
        few = min(4, self.config.batch)
        masks = sample_masks(np.random.default_rng(0), few, self.plan, self.device)
        batch = enlarged(self.pool.batch(np.zeros(few, dtype=np.int64), self.device), self.config.encoder.image_size)
        with FlopCounterMode(display=False) as counter:
            self._losses(batch, masks).total.backward()
        self.model.zero_grad(set_to_none=True)
        return counter.get_total_flops() / few * self.config.batch / 1e9


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cells(row: list[float]) -> list[str]:
    return [str(int(row[0])), *(f"{value:.6g}" for value in row[1:])]


def _count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux
