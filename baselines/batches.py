"""Batches of sensed frames: recordings pooled, frames in order, augmentation that keeps geometry true.

Frames are flipped and shifted, never zoomed: a zoom without other intrinsics shows the same picture at
another distance, and would teach RGB → depth something false. What a shift brings in was not measured.
Every draw for a step comes from its seed and number, so a run resumes from its step number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from baselines.teachers.grid import read_cells, unmoved
from baselines.values import needs_depth, require_sensed, to_values
from sim_envs.errors import UserError
from sim_envs.modalities import modality
from sim_envs.storage import digest_arrays

MEMORY_LIMIT_BYTES = 2 << 30


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
            What is coarser than pixels lies on the encoder's patches: (B, C, cells, cells).
        measured: modality → (B, H, W) bool; elsewhere ``values`` mean nothing.
        rows: (B,) the frames' numbers in the pool.
    """

    values: dict[str, Tensor]
    measured: dict[str, Tensor]
    rows: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """How far frames may be changed.

    Attributes:
        flip: probability of mirroring left to right.
        max_shift: pixels, along each axis.
        brightness, contrast, colour: largest log-gain of all channels, of the distance from mid-grey, and of
            single channels. RGB alone; it is one affine map a channel, so edges stay where they are. The
            defaults are strong on purpose: paint and light are what spaces differ in most, and a third of them
            left pixel accuracy in an unseen built-in flat at 36 % instead of 56 %.
    """

    flip: float = 0.5
    max_shift: int = 4
    brightness: float = 0.6
    contrast: float = 0.6
    colour: float = 0.3


UNCHANGED = Augmentation(flip=0.0, max_shift=0, brightness=0.0, contrast=0.0, colour=0.0)


class FramePool:
    """Frames of several recordings in one numbering, in memory where they fit, else read on demand.

    Args:
        sources: the recordings; frame numbers run through them in this order.
        modalities: to serve; sensed ones, and those of teachers.
        image_size: pixels of the square frames served; stored frames are this size or a whole multiple of it.
        patches: of the encoder along a side, on which modalities that are coarser than pixels are served.
        shares: of an epoch's frames drawn from each source; None is in proportion to their lengths.

    Raises:
        UserError: no frames, a label, a modality that a source lacks, a wrong size, or wrong shares.
    """

    def __init__(
        self,
        sources: Sequence[Frames],
        modalities: tuple[str, ...],
        image_size: int,
        *,
        patches: int = 1,
        shares: Sequence[float] | None = None,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        require_sensed(modalities)
        self.modalities = modalities
        self.image_size = image_size
        self.patches = patches
        self._sources = list(sources)
        self._names = (*modalities, "depth") if needs_depth(modalities) and "depth" not in modalities else modalities
        self._sizes = np.array([len(source) for source in sources], dtype=np.int64)
        if not len(self._sizes) or not self._sizes.all():
            raise UserError("There is nothing to pre-train on: a source has no frames. Generate some first.")
        self._shares = _check_shares(shares, self._sizes)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._check_frames()
        total = sum(int(np.prod(self._frame_shape(name))) * modality(name).dtype().nbytes for name in self._names)
        self._held: dict[str, np.ndarray] = {}
        if total * len(self) <= memory_limit_bytes:
            self._held = {name: self._read(name, np.arange(len(self))) for name in self._names}

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
        return self._held[name][rows] if self._held else self._read(name, rows)

    def batch(
        self,
        rows: np.ndarray,
        device: torch.device,
        *,
        augmentation: Augmentation = UNCHANGED,
        generator: torch.Generator | None = None,
    ) -> Batch:
        """Return frames ready for a network.

        Args:
            generator: on the CPU; draws how each frame is changed. Needed unless ``augmentation`` is UNCHANGED.
        """
        stored = {name: self.take(name, rows) for name in self._names if not modality(name).cells}
        flipped, shift = unmoved(len(rows))
        inside = np.ones((len(rows), self.image_size, self.image_size), dtype=bool)
        if augmentation != UNCHANGED:
            if generator is None:
                raise ValueError("augmentation needs a random generator")
            flipped, shift = draw_moves(len(rows), augmentation, generator)
            stored, inside = _move(stored, flipped.numpy(), shift.numpy())
        values, measured = {}, {}
        for name in self.modalities:
            if cells := modality(name).cells:
                maps = torch.from_numpy(self.take(name, rows)).to(device)
                mode = "nearest" if modality(name).categories else "bilinear"
                values[name], measured[name] = read_cells(
                    maps, cells * self.patches, self.image_size, flipped, shift, mode=mode
                )
                continue
            mask = inside & (stored["depth"] > 0) if needs_depth((name,)) else inside
            measured[name] = torch.from_numpy(mask).to(device)
            values[name] = to_values(name, stored[name], measured[name])
        if augmentation != UNCHANGED and generator is not None and "rgb" in values:
            values["rgb"] = jitter_colours(values["rgb"], generator, augmentation)
        return Batch(values, measured, rows)

    def _read(self, name: str, rows: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.empty((len(rows), *self._frame_shape(name)), dtype=modality(name).dtype)
        source_of_row = np.searchsorted(self._starts, rows, side="right") - 1
        for index in np.unique(source_of_row):
            here = np.flatnonzero(source_of_row == index)
            for part in np.array_split(here, max(1, len(here) // 256)):  # a memory map's frames, not all at once
                frames = self._sources[index].get(name, rows[part] - self._starts[index])
                out[part] = frames if modality(name).cells else shrink(name, frames, self.image_size)
        return out

    def _frame_shape(self, name: str) -> tuple[int, ...]:
        if modality(name).cells:  # the teacher's own grid
            return tuple(self._sources[0].get(name, np.zeros(1, dtype=np.int64)).shape[1:])
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
                first = source.get(name, np.zeros(1, dtype=np.int64))
                if not modality(name).cells:
                    shrink(name, first, self.image_size)
                elif first.shape[1:] != self._frame_shape(name):
                    raise UserError(f"Source {index} has {name} on another grid than source 0. Compute them alike.")


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


def jitter_colours(rgb: Tensor, generator: torch.Generator, augmentation: Augmentation = Augmentation()) -> Tensor:
    """Change brightness, contrast and colour of each (3, H, W) frame of a normalised batch.

    One affine map a channel: light above black (−1) is scaled, then the distance from mid-grey (0).

    Args:
        rgb: (B, 3, H, W), in −1…1.
        generator: on the CPU.
    """

    def gain(limit: float, channels: int) -> Tensor:
        return torch.exp(limit * (2 * torch.rand(len(rgb), channels, 1, 1, generator=generator) - 1))

    light = gain(augmentation.brightness, 1) * gain(augmentation.colour, 3)
    contrast = gain(augmentation.contrast, 1)
    return torch.addcmul((contrast * (light - 1)).to(rgb.device), rgb, (contrast * light).to(rgb.device))


def draw_moves(count: int, augmentation: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw which frames are mirrored, (B,) bool, and by how many pixels each is read off, (2, B): down, right."""
    flipped = torch.rand(count, generator=generator) < augmentation.flip
    limit = augmentation.max_shift
    return flipped, torch.randint(-limit, limit + 1, (2, count, 1), generator=generator).squeeze(2)


def _move(
    stored: dict[str, np.ndarray], mirrored: np.ndarray, shift: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Flip and shift every frame, all modalities alike; return them and the (B, H, W) pixels still in view.

    A border that a shift brings in repeats the last pixel, and is not in view.

    Args:
        mirrored: (B,) bool.
        shift: (2, B) pixels.
    """
    count, height, width = next(iter(stored.values())).shape[:3]
    flipped = np.flatnonzero(mirrored)
    y, x = np.arange(height) + shift[0, :, None], np.arange(width) + shift[1, :, None]
    inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None, :]
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    frame = np.arange(count)[:, None, None]
    pixel = ((frame * height + y[:, :, None]) * width + x[:, None, :]).ravel()
    moved = {}
    for name, frames in stored.items():
        turned = frames.copy()
        turned[flipped] = modality(name).flip(frames[flipped])
        flat = turned.reshape(count * height * width, -1)
        moved[name] = flat.take(pixel, axis=0).reshape(frames.shape) if shift.any() else turned
    return moved, inside
