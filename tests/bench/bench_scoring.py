"""Frames per second of scoring semantic segmentation from disk, beside torchmetrics, and the memory both take.

Ours reads the compressed predictions, checks them, picks the truth out of a memory map, and counts confusion on and off
boundaries for each trajectory. torchmetrics counts one matrix, in batches of 32, from the same files.

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
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.bench.score import StoredFrames, our_confusion, store_frames, torchmetrics_confusion
from benchmark.metrics.overlap import mean_iou, overlap_sums

SIDE = 256


@pytest.fixture(scope="module", params=[1_000, 10_000])
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoredFrames:
    """Predictions and truth on disk."""
    return store_frames(tmp_path_factory.mktemp("scored"), request.param, SIDE)


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
@pytest.mark.parametrize("way", [our_confusion, torchmetrics_confusion])
def test_score_semseg(benchmark: Any, scored: StoredFrames, way: Callable[[StoredFrames], np.ndarray]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    clock, processor = time.perf_counter(), time.process_time()
    try:
        with growth_mb() as grown:
            found = benchmark.pedantic(way, args=(scored,), rounds=1)
    finally:
        torch.set_num_threads(threads)
    count = len(scored.truth)
    confusion = found.sum(axis=(0, 1)) if found.ndim == 4 else found
    benchmark.extra_info |= {
        "frames": count,
        "frames_per_second": f"{count / (time.perf_counter() - clock):.0f}",
        "by_processor_time": f"{count / (time.process_time() - processor):.0f}",
        "memory_grew_by_MB": f"{grown():.0f}",
        "mIoU": f"{100 * mean_iou(overlap_sums(confusion, np.ones(len(confusion), bool))):.4f}",
    }
