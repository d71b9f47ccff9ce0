"""The loop of every pre-training, and its checkpoints. Interrupted anywhere, it continues to the same weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor

from baselines.augmentation import draw_changes
from baselines.batches import CPU, Batch, FramePool, Frames
from baselines.checkpoint import load_checkpoint, save_checkpoint
from baselines.optim import adamw, cosine_lr, set_lr
from baselines.precision import fit_attention, pick_device, pick_precision
from baselines.pretraining.ahead import prepared
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.devices import joined, launched_processes, parts_of
from baselines.pretraining.hardware import device_name, peak_memory_bytes, peak_teraflops
from baselines.pretraining.log import Log
from baselines.pretraining.objective import Objective
from baselines.pretraining.result import PretrainResult, count_parameters, gigaflops
from sim_envs.errors import UserError
from sim_envs.storage import digest_json, write_whole

CHECKPOINT_FILE = "checkpoint.pt"
ENCODER_FILE = "encoder.safetensors"
PICTURE_FILE = "reconstructions.png"
PICTURED = 4  # frames
AHEAD = 2  # steps whose inputs are prepared while the device computes

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
    precision = pick_precision(config.precision, where)
    parts_of(config.batch, launched_processes(), config.accumulate, 0)
    with _threads(config.threads), joined(where, precision, config.accumulate, objective.all_learn) as accelerator:
        mine = (
            accelerator.device if where.type == "cuda" else CPU
        )  # of several processes on CPUs, accelerate numbers them
        pool = FramePool(frames, objective.modalities, objective.image_size, shares=shares, device=mine)
        run = _Run(objective, config, pool, folder, mine, accelerator, precision)
        for inputs in prepared(run.inputs, range(run.step, config.steps), run.ahead):
            run.advance(inputs)
            if progress is not None and accelerator.is_main_process:
                progress(run.step, config.steps)
            run.began = time.perf_counter()
        return run.finish()


@dataclass(frozen=True)
class _Inputs:
    """What a process computes in a step: its frames, what chance decided of them, and the rows of the whole batch."""

    batch: Batch
    drawn: Any
    rows: np.ndarray


class _Run:
    """The state of a run between two steps. Random draws are no part of it: they follow from seed and step."""

    def __init__(
        self,
        objective: Objective,
        config: LoopConfig,
        pool: FramePool,
        folder: Path,
        device: torch.device,
        accelerator: Accelerator,
        precision: torch.dtype,
    ) -> None:
        self.objective, self.config, self.pool, self.folder = objective, config, pool, folder
        self.accelerator, self.precision, self.device = accelerator, precision, device
        self.writes = accelerator.is_main_process
        self.parts = parts_of(config.batch, accelerator.num_processes, config.accumulate, accelerator.process_index)
        self.ahead = AHEAD if self.device.type == "cuda" or pool.place is None else 0
        objective.to(self.device)
        fit_attention(objective, self.device, precision)
        self.optimiser = adamw(objective, config.lr, config.weight_decay, rates=objective.parameter_rates())
        self.described = {"loop": config.decisive(), "objective": dict(objective.identity), "pool": pool.identity}
        self.identity = digest_json(self.described)
        self.step = 0
        self.seconds = self.waited = 0.0
        self.saved_at = time.monotonic()
        self.unread: list[Tensor] = []  # losses and gradient norm of steps that have not been looked at
        state = load_checkpoint(folder / CHECKPOINT_FILE, identity=self.identity, device=self.device)
        if state is not None:
            objective.load_state_dict(state["objective"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds, self.waited = state["step"], state["seconds"], state["waited"]
        self.log = Log(folder if self.writes else None, objective.loss_names, state["log"] if state else None)
        if config.compile:
            for block in objective.repeated_blocks():
                block.compile()
        self.network = accelerator.prepare_model(objective)
        self.began = time.perf_counter()

    def inputs(self, step: int) -> _Inputs:
        """Draw a step's frames, their changes and what else is left to chance: functions of seed and step alone.

        All is drawn for the whole batch, so that it is the same however the batch is divided.
        """
        config, objective = self.config, self.objective
        rng = np.random.default_rng([config.seed, step, 1])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self.pool.rows_of_step(config.seed, step, config.batch)
        changes = draw_changes(objective.augmentation, generator, config.batch)
        mine = slice(self.parts[0].start, self.parts[-1].stop)
        batch = self.pool.batch(rows[mine], self.device, changes=changes[mine] if changes else None)
        return _Inputs(batch, objective.draw(rng, config.batch)[mine], rows)

    def advance(self, inputs: _Inputs) -> None:
        """Take one optimiser step; log and save when it is time."""
        self.waited += time.perf_counter() - self.began
        config, objective = self.config, self.objective
        lr = cosine_lr(self.step, config.steps, round(config.warmup_share * config.steps), config.lr)
        set_lr(self.optimiser, lr)
        self.optimiser.zero_grad(set_to_none=True)
        try:
            losses = self._backward(inputs)
        except RuntimeError as error:  # torch's own class of this on a GPU, and none of its own on a CPU
            if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
                raise self._out_of_memory() from error
            raise
        norm = self.accelerator.clip_grad_norm_(objective.parameters(), config.clip)
        self.optimiser.step()
        objective.after_step(self.step, config.steps)
        self.step += 1
        self.unread.append(torch.cat([losses, norm.detach().view(1)]))
        row_ends = self.step % config.log_every == 0 or self.step == config.steps
        if row_ends or self.device.type == "cpu":  # reading makes the CPU wait for a GPU
            self._read()
        now = time.perf_counter()
        self.seconds += now - self.began
        self.log.spend(config.batch, now - self.began)
        if row_ends:
            self.log.end_row(self.step, lr)
        if not self.unread and time.monotonic() - self.saved_at > config.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Write the checkpoint and the log that belongs to it."""
        if self.writes:
            state = {
                "identity": self.identity,
                "objective": self.objective.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "waited": self.waited,
                "log": self.log.state(),
            }
            save_checkpoint(self.folder / CHECKPOINT_FILE, state)
        self.saved_at = time.monotonic()

    def finish(self) -> PretrainResult:
        """Write what the run was for, and say what it was."""
        self.save()
        described = self.described | {"loop": self.config.plain()}
        if self.writes:
            self.objective.save_encoder(self.folder / ENCODER_FILE, described)
            self._picture()
        self.accelerator.wait_for_everyone()
        few = self.pool.batch(np.zeros(min(4, self._part_size), dtype=np.int64), self.device)
        with self.accelerator.autocast():
            counted = gigaflops(self.objective, few, self.config.batch)
        peak = peak_teraflops(self.device, self.precision)
        processes = self.accelerator.num_processes
        step_seconds = self.seconds / self.step
        return PretrainResult(
            encoder=ENCODER_FILE,
            steps=self.step,
            losses=self.log.last(),
            seconds=self.seconds,
            samples_per_second=self.config.batch / step_seconds,
            step_seconds=step_seconds,
            data_wait_share=self.waited / self.seconds,
            parameters=count_parameters(self.objective),
            encoder_parameters=count_parameters(self.objective.encoder()),
            gigaflops_per_step=counted,
            utilisation=counted / 1e3 / step_seconds / (peak * processes) if peak else None,
            peak_memory_bytes=peak_memory_bytes(self.device),
            precision=str(self.precision).removeprefix("torch."),
            device=device_name(self.device),
            processes=processes,
            config=described,
        )

    def _backward(self, inputs: _Inputs) -> Tensor:
        """Add up the gradient of all parts; return the losses' mean over this process's parts, (1 + K,) detached."""
        batch, drawn, first = inputs.batch, inputs.drawn, self.parts[0].start
        pieces = []
        for part in self.parts:
            mine = slice(part.start - first, part.stop - first)
            pieces.append((batch[mine], drawn[mine]) if len(self.parts) > 1 else (batch, drawn))
        counts = self._mean_counts(pieces)
        means = []
        for number, piece in enumerate(pieces, start=1):
            waits = number < len(pieces)  # for the other processes only after the last part
            with self.accelerator.no_sync(self.network) if waits else nullcontext():
                losses = self.network(*piece, self.step, counts)
                self.accelerator.backward(losses.total)  # divides by the number of parts
            means.append(torch.stack([losses.total.detach(), *(losses.parts[n] for n in self.objective.loss_names)]))
        return torch.stack(means).mean(dim=0)

    def _mean_counts(self, pieces: Sequence[tuple[Batch, Any]]) -> Tensor:
        """Return the objective's counts, as the mean over all parts of all processes."""
        counts = torch.stack([self.objective.counts(*piece) for piece in pieces])
        if self._part_size == self.config.batch or counts.shape[1] == 0:
            return counts[0]
        return self.accelerator.reduce(counts.to(torch.float64).mean(dim=0), "mean").to(torch.float32)

    def _read(self) -> None:
        """Look at the losses of the last steps, over all processes, and log them; nothing is saved before that."""
        values = torch.stack(self.unread)
        if self.accelerator.num_processes > 1:
            values = self.accelerator.reduce(values, "mean")
        first = self.step - len(self.unread)
        self.unread = []
        for step, row in enumerate(values.tolist(), start=first):
            self._require_finite(row[0], step, "loss")
            self._require_finite(row[-1], step, "gradient")
            self.log.add(row[:-1])

    def _require_finite(self, value: float, step: int, what: str) -> None:
        if not np.isfinite(value):
            rows = self.pool.rows_of_step(self.config.seed, step, self.config.batch)
            places = ", ".join(f"{source}:{frame}" for source, frame in map(self.pool.where, rows.tolist()))
            raise NonFiniteLoss(
                f"The {what} is {value} at step {step}. Its batch holds the frames (source:frame) {places}."
                " Look at these frames; if they are sound, lower the learning rate."
            )

    @property
    def _part_size(self) -> int:
        return self.parts[0].stop - self.parts[0].start

    def _out_of_memory(self) -> UserError:
        config, size = self.config, self._part_size
        smaller = max((n for n in range(1, size) if size % n == 0), default=0)
        if not smaller:
            return UserError("One frame alone does not fit into memory: take a smaller encoder or smaller frames.")
        return UserError(
            f"{size} frames at once do not fit into the memory of {device_name(self.device)}. Try --accumulate"
            f" {config.accumulate * size // smaller}: parts of {smaller} frames, the same result; the run goes on from"
            f" its checkpoint. Or pre-train with a batch of {config.batch * smaller // size}."
        )

    def _picture(self) -> None:
        """Draw what the finished networks make of a few frames of the pool."""
        rows = np.linspace(0, len(self.pool) - 1, PICTURED).round().astype(np.int64)
        picture = self.objective.picture(self.pool.batch(rows, self.device))
        if picture is not None:
            image = Image.fromarray(picture)
            write_whole(self.folder / PICTURE_FILE, lambda beside: image.save(beside, format="PNG"))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
