"""Batches of sensed frames: recordings pooled, frames in order, as integers until a network takes them.

Frames that fit are held where the network is, and are mirrored, shifted and normalised there. Every draw for a step
comes from its seed and number, so a run resumes from its step number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from baselines.augmentation import Changes, change_colours, move
from baselines.values import needs_depth, require_sensed, to_values
from sim_envs.errors import UserError
from sim_envs.modalities import modality
from sim_envs.storage import digest_arrays

MEMORY_LIMIT_BYTES = 2 << 30
GPU_SHARE = 0.3
"""Of a GPU's free memory, for the frames of a pool: the rest is for weights and activations."""

CPU = torch.device("cpu")


class Frames(Protocol):
    """What pre-training may read of a recording (``sim_envs.recordings.reader.SensedFrames``)."""

    @property
    def modalities(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def get(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return (len(rows), H, W[, C]) frames of one modality, as stored."""


@dataclass(frozen=True)
class Batch:
    """Frames as a network takes them.

    Attributes:
        values: modality → (B, C, H, W) float32, see :mod:`baselines.values`.
        measured: modality → (B, H, W) bool; elsewhere ``values`` mean nothing.
        rows: (B,) the frames' numbers in the pool.
    """

    values: dict[str, Tensor]
    measured: dict[str, Tensor]
    rows: np.ndarray

    @property
    def device(self) -> torch.device:
        """Where the values are."""
        return next(iter(self.values.values())).device

    def __getitem__(self, frames: slice) -> Batch:
        """Return some of the frames."""
        return Batch(
            {name: values[frames] for name, values in self.values.items()},
            {name: mask[frames] for name, mask in self.measured.items()},
            self.rows[frames],
        )


class FramePool:
    """Frames of several recordings in one numbering: on the device or in memory where they fit, else read on demand.

    Args:
        sources: the recordings; frame numbers run through them in this order.
        modalities: to serve; all sensed.
        image_size: pixels of the square frames served; stored frames are this size or a whole multiple of it.
        shares: of an epoch's frames drawn from each source; None is in proportion to their lengths.
        device: where to hold them; a GPU holds what fits into :data:`GPU_SHARE` of its free memory.
        memory_limit_bytes: what may be held in the memory of the CPU.

    Raises:
        UserError: no frames, a label, a modality that a source lacks, a wrong size, or wrong shares.
    """

    def __init__(
        self,
        sources: Sequence[Frames],
        modalities: tuple[str, ...],
        image_size: int,
        *,
        shares: Sequence[float] | None = None,
        device: torch.device = CPU,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        require_sensed(modalities)
        self.modalities = modalities
        self.image_size = image_size
        self._sources = list(sources)
        self._names = (*modalities, "depth") if needs_depth(modalities) and "depth" not in modalities else modalities
        self._sizes = np.array([len(source) for source in sources], dtype=np.int64)
        if not len(self._sizes) or not self._sizes.all():
            raise UserError("There is nothing to pre-train on: a source has no frames. Generate some first.")
        self._shares = _check_shares(shares, self._sizes)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._check_frames()
        one = sum(int(np.prod(self._frame_shape(name))) * modality(name).dtype().nbytes for name in self._names)
        total = one * len(self)
        self.place = _place(total, device, memory_limit_bytes)
        self._held: dict[str, Tensor] = {}
        if self.place is not None:
            rows = np.arange(len(self))
            self._held = {name: _as_tensor(self._read(name, rows)).to(self.place) for name in self._names}

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def identity(self) -> dict[str, object]:
        """What the pool is, JSON-like: sizes, shares and a digest over frames spread through all of it."""
        rows = np.unique(np.linspace(0, len(self) - 1, 32).astype(np.int64))
        digest = digest_arrays({name: self.take(name, rows) for name in self._names})
        return {"frames": self._sizes.tolist(), "shares": self._shares.tolist(), "digest": digest}

    def where(self, row: int) -> tuple[int, int]:
        """Return (source, frame in it) of a frame's number."""
        source = int(np.searchsorted(self._starts, row, side="right")) - 1
        return source, int(row - self._starts[source])

    def rows_of_step(self, seed: int, step: int, batch: int) -> np.ndarray:
        """Return the (batch,) frame numbers of one step: a window on the endless row of shuffled epochs."""
        first, last = step * batch, (step + 1) * batch
        epochs = range(first // len(self), (last - 1) // len(self) + 1)
        stream = np.concatenate([epoch_order(self._sizes, self._shares, seed, epoch) for epoch in epochs])
        offset = epochs.start * len(self)
        return stream[first - offset : last - offset]

    def take(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return (len(rows), H, W[, C]) stored values at ``image_size``."""
        if not self._held:
            return self._read(name, rows)
        held = self._held[name]
        return held[torch.from_numpy(rows).to(held.device)].cpu().numpy().view(modality(name).dtype)

    def batch(self, rows: np.ndarray, device: torch.device, *, changes: Changes | None = None) -> Batch:
        """Return frames ready for a network on a device.

        Args:
            changes: of each frame, see :func:`~baselines.augmentation.draw_changes`.
        """
        if self.place == device:
            stored, places = self._held, torch.from_numpy(rows).to(device)
        else:
            stored = {name: _sent(_as_tensor(self.take(name, rows)), device) for name in self._names}
            places = torch.arange(len(rows), device=device)
        if changes is None:
            taken = {name: frames.index_select(0, places) for name, frames in stored.items()}
            inside = torch.ones((len(rows), self.image_size, self.image_size), dtype=torch.bool, device=device)
        else:
            taken, inside = move(stored, places, changes)
        values, measured = {}, {}
        for name in self.modalities:
            measured[name] = inside & (taken["depth"] != 0) if needs_depth((name,)) else inside
            values[name] = to_values(name, taken[name], measured[name])
        if changes is not None and "rgb" in values:
            values["rgb"] = change_colours(values["rgb"], changes)
        return Batch(values, measured, rows)

    def _read(self, name: str, rows: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.empty((len(rows), *self._frame_shape(name)), dtype=modality(name).dtype)
        source_of_row = np.searchsorted(self._starts, rows, side="right") - 1
        for index in np.unique(source_of_row):
            here = np.flatnonzero(source_of_row == index)
            for part in np.array_split(here, max(1, len(here) // 256)):  # a memory map's frames, not all at once
                frames = self._sources[index].get(name, rows[part] - self._starts[index])
                out[part] = shrink(name, frames, self.image_size)
        return out

    def _frame_shape(self, name: str) -> tuple[int, ...]:
        return modality(name).frame_shape(self.image_size, self.image_size)

    def _check_frames(self) -> None:
        for index, source in enumerate(self._sources):
            missing = [name for name in self._names if name not in source.modalities]
            if missing:
                raise UserError(
                    f"Source {index} senses {', '.join(source.modalities)}, but pre-training needs"
                    f" {', '.join(missing)} too. Generate it with these modalities, or pre-train without them."
                )
            for name in self._names:
                shrink(name, source.get(name, np.zeros(1, dtype=np.int64)), self.image_size)


def shrink(name: str, stored: np.ndarray, size: int) -> np.ndarray:
    """Return (N, size, size[, C]) frames from (N, k·size, k·size[, C]) ones, in the stored type.

    Colours are averaged; edges are kept where there is one; depth and normals are sampled, because the mean
    of a near and a far surface is a surface that is not there.

    Raises:
        UserError: the frames are not square or no whole multiple of ``size``.
    """
    height, width = stored.shape[1:3]
    factor = height // size
    if height != width or factor * size != height or factor < 1:
        raise UserError(
            f"Frames of {width}×{height} pixels do not fit an encoder for {size}×{size}:"
            f" generate square frames of {size} pixels or a whole multiple."
        )
    if factor == 1:
        return stored
    row = modality(name)
    blocks = stored.reshape(len(stored), size, factor, size, factor, *stored.shape[3:])
    if row.loss == "patch_mse":
        return blocks.mean(axis=(2, 4), dtype=np.float32).round().astype(stored.dtype)
    if row.loss == "bce":
        return blocks.max(axis=(2, 4))
    return np.ascontiguousarray(blocks[:, :, factor // 2, :, factor // 2])


def epoch_order(sizes: np.ndarray, shares: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return sum(sizes) frame numbers in the order of one epoch.

    Source i fills its share of the epoch with whole shuffled passes over its frames and a part of one more.
    """
    rng = np.random.default_rng([seed, epoch, 0])
    total = int(sizes.sum())
    quota = shares * total
    counts = np.floor(quota).astype(np.int64)
    counts[np.argsort(counts - quota, kind="stable")[: total - counts.sum()]] += 1
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parts = []
    for start, size, count in zip(starts, sizes, counts, strict=False):
        passes = [rng.permutation(size) for _ in range(-(-int(count) // int(size)))]
        parts.append(start + np.concatenate([*passes, np.empty(0, dtype=np.int64)])[:count])
    return rng.permutation(np.concatenate(parts)).astype(np.int64)


def _check_shares(shares: Sequence[float] | None, sizes: np.ndarray) -> np.ndarray:
    if shares is None:
        return sizes / sizes.sum()
    array = np.asarray(shares, dtype=np.float64)
    if array.shape != sizes.shape or not np.isfinite(array).all() or (array < 0).any() or array.sum() <= 0:
        raise UserError(f"Shares {list(shares)} do not fit {len(sizes)} sources: give one number ≥ 0 for each.")
    return array / array.sum()


def _place(total_bytes: int, device: torch.device, memory_limit_bytes: int) -> torch.device | None:
    """Return where frames of this size are held, None where they fit nowhere."""
    if device.type == "cuda" and total_bytes <= GPU_SHARE * torch.cuda.mem_get_info(device)[0]:
        return device
    return CPU if total_bytes <= memory_limit_bytes else None


def _as_tensor(stored: np.ndarray) -> Tensor:
    """Return stored frames as a tensor; 16 unsigned bits become the signed number of the same bits.

    torch has few kernels for unsigned ones; :func:`~baselines.values.to_values` turns them back.
    """
    return torch.from_numpy(stored.view(np.int16) if stored.dtype == np.uint16 else stored)


def _sent(frames: Tensor, device: torch.device) -> Tensor:
    """Send frames to a device; to a GPU from pinned memory, without waiting."""
    return frames.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else frames
