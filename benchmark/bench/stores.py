"""Other ways to keep a recording: PNG in WebDataset's tars, chunks of Zarr, Arrow files of Hugging Face ``datasets``.

Each writes frames that are in memory and yields them again as shuffled batches of NumPy arrays in the stored types. All
are given one thread and one process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from benchmark.bench.contest import package
from sim_envs.exports.pictures import png

Batch = Mapping[str, np.ndarray]
"""Modality → (B, H, W[, C]); ``number`` → (B,) which frames."""

NUMBER = "number"


class Store(Protocol):
    """One way to keep frames."""

    name: str
    how: str

    def write(self, frames: Mapping[str, np.ndarray], folder: Path) -> None:
        """Write modality → (N, H, W[, C]) into an empty folder."""

    def batches(self, folder: Path, size: int, seed: int) -> Iterator[Batch]:
        """Yield every frame once, in an order that the seed decides."""


def shuffled_rows(count: int, size: int, seed: int) -> list[np.ndarray]:
    """Return the rows of each batch of an epoch."""
    order = np.random.default_rng(seed).permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


class WebDataset:
    """One tar with a PNG for each modality of a frame, read as a stream through a shuffle buffer."""

    how = "PNG in one tar, read as a stream through a shuffle buffer, decoded by PIL"

    def __init__(self) -> None:
        self.name = package("webdataset")

    def write(self, frames: Mapping[str, np.ndarray], folder: Path) -> None:
        """Write ``frames.tar``."""
        import webdataset as wds

        with wds.TarWriter(str(folder / "frames.tar")) as tar:
            for number in range(len(next(iter(frames.values())))):
                pictures = {f"{name}.png": png(values[number]) for name, values in frames.items()}
                tar.write({"__key__": f"{number:06d}", **pictures})

    def batches(self, folder: Path, size: int, seed: int) -> Iterator[Batch]:
        """Read the tar from its beginning, with a buffer of 1000 frames."""
        import webdataset as wds

        dataset: Any = wds.WebDataset(str(folder / "frames.tar"), shardshuffle=False)
        samples: list[dict[str, Any]] = []
        for sample in dataset.shuffle(1000, initial=1000, seed=seed):
            samples.append(sample)
            if len(samples) == size:
                yield _decoded(samples)
                samples = []
        if samples:
            yield _decoded(samples)


def _decoded(samples: list[dict[str, Any]]) -> Batch:
    names = [name for name in samples[0] if name.endswith(".png")]
    batch = {
        name.removesuffix(".png"): np.stack([np.array(Image.open(io.BytesIO(sample[name]))) for sample in samples])
        for name in names
    }
    # PIL has read 16 bits of grey as 32 in some versions
    batch = {name: values.astype(np.uint16) if values.itemsize > 2 else values for name, values in batch.items()}
    return {**batch, NUMBER: np.array([int(sample["__key__"]) for sample in samples])}


class Zarr:
    """One array a modality, a chunk a frame, in Zarr's default compression."""

    how = "a chunk a frame, default compression (zstd), random rows"

    def __init__(self) -> None:
        self.name = package("zarr")
        import zarr

        zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})

    def write(self, frames: Mapping[str, np.ndarray], folder: Path) -> None:
        """Write ``<modality>.zarr``."""
        import zarr

        for name, values in frames.items():
            chunks = (1, *values.shape[1:])
            array = zarr.create_array(
                str(folder / f"{name}.zarr"), shape=values.shape, dtype=values.dtype, chunks=chunks
            )
            array[:] = values

    def batches(self, folder: Path, size: int, seed: int) -> Iterator[Batch]:
        """Read random rows."""
        import zarr

        arrays: dict[str, Any] = {path.stem: zarr.open_array(str(path), mode="r") for path in folder.glob("*.zarr")}
        for rows in shuffled_rows(next(iter(arrays.values())).shape[0], size, seed):
            yield {name: np.asarray(array.oindex[rows]) for name, array in arrays.items()} | {NUMBER: rows}


class HuggingFace:
    """A ``datasets.Dataset`` with an array of each modality a row, memory-mapped from Arrow."""

    how = "raw arrays of fixed size in Arrow, memory-mapped, random rows"

    def __init__(self) -> None:
        self.name = package("datasets")

    def write(self, frames: Mapping[str, np.ndarray], folder: Path) -> None:
        """Write the dataset with ``save_to_disk``, without progress bars."""
        import datasets

        features = {name: _feature(values) for name, values in frames.items()}
        bars = datasets.is_progress_bar_enabled()
        datasets.disable_progress_bars()
        try:
            dataset = datasets.Dataset.from_dict(dict(frames), features=datasets.Features(features))
            dataset.save_to_disk(folder / "arrow")
        finally:
            if bars:
                datasets.enable_progress_bars()

    def batches(self, folder: Path, size: int, seed: int) -> Iterator[Batch]:
        """Read random rows in the format ``arrow``: ``numpy`` takes four times as long, and makes 64 bits of all."""
        import datasets

        dataset = datasets.load_from_disk(folder / "arrow").with_format("arrow")
        for rows in shuffled_rows(len(dataset), size, seed):
            table = dataset[rows]
            columns = {name: table[name].combine_chunks() for name in table.column_names}
            yield {name: column.to_numpy(zero_copy_only=False) for name, column in columns.items()} | {NUMBER: rows}


def _feature(values: np.ndarray) -> Any:
    """Return the column type of (N, H, W[, C]) arrays."""
    import datasets

    kind = datasets.Array2D if values.ndim == 3 else datasets.Array3D
    return kind(shape=values.shape[1:], dtype=str(values.dtype))


STORES: dict[str, type[Store]] = {"WebDataset": WebDataset, "Zarr": Zarr, "HF datasets": HuggingFace}
