"""What a device could do at best, to compare with what a run made of it."""

from __future__ import annotations

import resource
import time

import torch

PEAK_TERAFLOPS = {
    "B200": (2250.0, 75.0),
    "H200": (989.0, 67.0),
    "H100 PCIe": (756.0, 51.0),
    "H100": (989.0, 67.0),
    "A100": (312.0, 19.5),
    "L40S": (362.0, 91.6),
    "L4": (121.0, 30.3),
    "A10G": (70.0, 31.5),
    "A10": (125.0, 31.2),
    "RTX 4090": (165.2, 82.6),
    "RTX 3090": (71.0, 35.6),
}
"""Part of a GPU's name → dense bfloat16 and float32, as NVIDIA's data sheets have them; the first that fits counts."""

PROBE_SIDE, PROBE_REPEATS = 512, 5


def peak_teraflops(device: torch.device, precision: torch.dtype) -> float | None:
    """Return the peak of one device in one number format; None for a GPU that the table does not have.

    Of a CPU no data sheet says it for the threads of a process: the best of a few matrix products is taken, now.
    """
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        known = next((peaks for part, peaks in PEAK_TERAFLOPS.items() if part in name), None)
        return known[precision == torch.float32] if known else None
    left = torch.rand(PROBE_SIDE, PROBE_SIDE).to(precision)
    best = float("inf")
    for _ in range(PROBE_REPEATS):
        start = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - start)
    return 2 * PROBE_SIDE**3 / best / 1e12


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most memory in use so far, of the allocator on a GPU, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux


def device_name(device: torch.device) -> str:
    """Return a GPU's name, or ``cpu``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
