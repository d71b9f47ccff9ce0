"""Frames per second of scoring semantic segmentation from disk, beside torchmetrics, and the memory both take.

Ours reads the compressed predictions, checks them, picks the truth out of a memory map, and counts confusion on and off
boundaries for each trajectory. torchmetrics counts mIoU alone, in batches of 32 from memory maps that hold both.

Run by ``make bench``; one thread each. ``extra_info`` holds frames per second by the clock and by processor time, and
by how much memory grew meanwhile, maps of files apart.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassJaccardIndex

from benchmark.predictions import SpacePrediction, save_predictions, score_prediction
from benchmark.scoring import Truth
from benchmark.tasks.semseg import SEMSEG

SIDE, DISTINCT, EACH = 256, 250, 8
SPACE, RECORDING = "builtin/flat-01", "ab" * 32
CATEGORIES = SEMSEG.categories


def frames_like_rooms(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truth with unlabelled pixels, and predictions right on most of it, (DISTINCT, SIDE, SIDE): patches with edges."""
    cells = rng.integers(0, len(CATEGORIES) + 1, (DISTINCT, 8, 8)).repeat(32, 1).repeat(32, 2)
    shift = rng.integers(-3, 4, (DISTINCT, 2))
    moved = np.stack([np.roll(c, s, axis=(0, 1)) for c, s in zip(cells, shift, strict=True)])
    other = rng.integers(1, len(CATEGORIES) + 1, (DISTINCT, 16, 16)).repeat(16, 1).repeat(16, 2)
    wrong = (rng.uniform(size=(DISTINCT, 16, 16)) < 0.3).repeat(16, 1).repeat(16, 2)
    return cells.astype(np.uint16), np.where(wrong | (moved == 0), other, moved).astype(np.uint8)


@pytest.fixture(scope="module", params=[1_000, 10_000])
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with predictions, and the truth and the same predictions in memory maps."""
    folder, count = tmp_path_factory.mktemp("scored"), request.param
    truth, said = frames_like_rooms(np.random.default_rng(0))
    maps = {}
    for name, values in (("semantic", truth), ("said", said)):
        path = folder / f"{name}.npy"
        mapped = np.lib.format.open_memmap(path, "w+", values.dtype, (count, SIDE, SIDE))
        for start in range(0, count, DISTINCT):
            mapped[start : start + DISTINCT] = values[: count - start]
        mapped.flush()
        maps[name] = np.load(path, mmap_mode="r")
    rows = np.arange(count)
    part = SpacePrediction(SPACE, RECORDING, rows, maps["said"], (SIDE, SIDE))
    save_predictions(folder, [part], task=SEMSEG, model="tst", protocol="frozen", seed=0)
    recording = SimpleNamespace(array=maps.__getitem__, meta=SimpleNamespace(categories=CATEGORIES))
    return SimpleNamespace(folder=folder, rows=rows, recording=recording, maps=maps)


def ours(scored: Any) -> float:
    statistics = score_prediction(
        scored.folder,
        SPACE,
        task=SEMSEG,
        target=Truth(SEMSEG, scored.recording, scored.rows),
        frames=scored.rows,
        trajectory=scored.rows // EACH,
        recording=RECORDING,
        shape=(SIDE, SIDE),
    )
    total = statistics.total
    return float(SEMSEG.metrics(total, SEMSEG.scope(total, tuple(range(1, len(CATEGORIES) + 1))))["miou"])


def torchmetrics(scored: Any) -> float:
    metric = MulticlassJaccardIndex(num_classes=len(CATEGORIES) + 1, ignore_index=0, validate_args=False)
    lookup = SEMSEG.taxonomy.lookup(CATEGORIES)
    for start in range(0, len(scored.rows), 32):
        said, truth = (np.array(scored.maps[name][start : start + 32]) for name in ("said", "semantic"))
        metric.update(torch.from_numpy(said).long(), torch.from_numpy(lookup[truth]).long())
    return float(metric.compute())


@contextmanager
def growth_mb() -> Iterator[Callable[[], float]]:
    """Watch by how many MB the memory of this process that maps no file grows."""

    def anonymous() -> float:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return float(status.partition("RssAnon:")[2].split()[0]) / 1e3

    ctypes.CDLL(None).malloc_trim(0)  # or memory that was freed before would be used again, and nothing grow
    before, most, done = anonymous(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], anonymous() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: most[0]
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("way", [ours, torchmetrics])
def test_score_semseg(benchmark: Any, scored: Any, way: Callable[[Any], float]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    clock, processor = time.perf_counter(), time.process_time()
    try:
        with growth_mb() as grown:
            found = benchmark.pedantic(way, args=(scored,), rounds=1)
    finally:
        torch.set_num_threads(threads)
    count = len(scored.rows)
    benchmark.extra_info |= {
        "frames": count,
        "frames_per_second": f"{count / (time.perf_counter() - clock):.0f}",
        "by_processor_time": f"{count / (time.process_time() - processor):.0f}",
        "memory_grew_by_MB": f"{grown():.0f}",
        "mIoU": f"{100 * found:.4f}",
    }
