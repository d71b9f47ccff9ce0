"""What the main job stands on: Python, libraries, torch and its devices, memory, disk."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import platform
import shutil
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from benchmark.doctor.findings import Finding, Status
from benchmark.doctor.probe import ProbeFailed, ask, step
from sim_envs.errors import UserError
from sim_envs.spaces.furniture.sweethome.catalog import VARIABLE, find_libraries
from sim_envs.spaces.furniture.sweethome.sh3f import read_library

DISTRIBUTION = "tst-bench"
INSTALL = "Run `pip install -c constraints.txt -e .` in the checkout, or `make setup`."
MEMORY_GB = (1.0, 4.0)
"""(below: the main job cannot run, below: it may not get far), in 10⁹ bytes. A run of the size of the demo with two
workers takes 1.9, of which each worker has about 0.8."""
DISK_GB = (1.0, 10.0)
"""Likewise. The demo leaves half a gigabyte, 2000 frames of 256 × 256 pixels take 1.7."""
GPU_NODES = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")
"""What a driver for a GPU of NVIDIA (Linux, WSL) or AMD puts there."""
ON_CPU = "The main job runs on the CPU."


def look_at_python(home: Path) -> list[Finding]:
    """Say which Python this is, and whether what tst-bench requires is installed in it."""
    bits = 8 * struct.calcsize("P")
    found = f"{platform.python_version()}, {bits} bit, {platform.system()} {platform.machine()}"
    if bits != 64:
        return [Finding(name="Python", status="failure", found=found, advice="Use a 64-bit Python 3.10 or newer.")]
    return [Finding(name="Python", status="ok", found=found), libraries(requirements())]


def requirements() -> list[str] | None:
    """Return what the installed distribution requires without extras; None when it runs uninstalled."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.requires(DISTRIBUTION) or []
    return None


def libraries(required: list[str] | None) -> Finding:
    """Compare what is required with what is installed."""
    name = "libraries"
    if required is None:
        found = f"{DISTRIBUTION} runs without being installed; what it requires is not known"
        return Finding(name=name, status="warning", found=found, advice=INSTALL)
    wanted = [Requirement(text) for text in required]
    wanted = [need for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    wrong = [problem for need in wanted if (problem := _unmet(need))]
    if wrong:
        return Finding(name=name, status="failure", found="; ".join(wrong), advice=INSTALL)
    return Finding(name=name, status="ok", found=f"all {len(wanted)} that are required, in versions that serve")


def _unmet(need: Requirement) -> str:
    try:
        installed = importlib.metadata.version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{need.name} is missing"
    fits = need.specifier.contains(installed, prereleases=True)
    return "" if fits else f"{need.name} is {installed}, not {need.specifier}"


def look_at_torch(home: Path) -> list[Finding]:
    """Import torch and ask its devices to multiply."""
    try:
        torch = ask(find_torch)
    except ProbeFailed as failed:
        found = f"torch cannot be used: {failed}"
        return [Finding(name="torch", status="failure", found=found, advice=INSTALL)]
    about = Finding(name="torch", status="ok", found=f"{torch['version']}, threads: {torch['threads']}")
    return [about, cuda(torch["build"], any(Path(node).exists() for node in GPU_NODES))]


def cuda(build: str, driver: bool) -> Finding:
    """Look at the GPUs.

    Args:
        build: what torch was built for ("CUDA 13.0"), "" for the CPU.
        driver: whether there is a driver for a GPU.
    """
    name = "CUDA"
    if not driver:
        found = "no GPU driver" + ("" if build else "; torch is built for the CPU")
        return Finding(name=name, status="absent", found=found, advice=ON_CPU)
    if not build:
        advice = f"{ON_CPU} To use the GPU, install the torch for it: https://pytorch.org/get-started."
        found = "there is a GPU driver, but torch is built for the CPU"
        return Finding(name=name, status="warning", found=found, advice=advice)
    try:
        answer = ask(find_cuda)
    except ProbeFailed as failed:
        advice = (
            f"{ON_CPU} Update the GPU driver, or install a torch built for an older one than {build}; in a "
            "container, start it with its GPUs (docker run --gpus all)."
        )
        return Finding(name=name, status="warning", found=f"{build}: {failed}", advice=advice)
    devices = "; ".join(answer["devices"])
    return Finding(name=name, status="ok", found=f"{build}, {answer['driver']}: {devices}; they multiply right")


def find_torch() -> dict[str, Any]:
    """Import torch, in a process of its own."""
    step("importing torch")
    import torch

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else ""
    build = f"ROCm {torch.version.hip}" if torch.version.hip else build
    return {"version": torch.__version__, "threads": torch.get_num_threads(), "build": build}


def find_cuda() -> dict[str, Any]:
    """Multiply small integers on every device, in a process of its own: their products are exact in any precision.

    Raises:
        RuntimeError: torch's own words, or that a product is wrong.
    """
    import torch

    step("waking the driver")
    torch.cuda.init()
    left = torch.randint(0, 4, (256, 256), generator=torch.Generator().manual_seed(0)).float()
    devices = []
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        devices.append(f"{about.name} ({about.total_memory / 1e9:.0f} GB)")
        step(f"multiplying on device {index}, {about.name}")
        there = left.to(f"cuda:{index}")
        if not torch.equal((there @ there.T).cpu(), left @ left.T):
            raise RuntimeError(f"device {index}, {about.name}, multiplies wrong")
    return {"devices": devices, "driver": _cuda_driver()}


def _cuda_driver() -> str:
    import ctypes

    try:
        number, driver = ctypes.c_int(), ctypes.CDLL("libcuda.so.1")
        driver.cuDriverGetVersion(ctypes.byref(number))
    except (OSError, AttributeError):
        return "driver unknown"
    return f"driver for CUDA up to {number.value // 1000}.{number.value % 1000 // 10}"


def look_at_memory(home: Path) -> list[Finding]:
    """Say how much memory is left to this process, and how many cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    available = memory_available_gb()
    if available is None:
        return [Finding(name="memory", status="ok", found=f"unknown on this system; cores: {cores}")]
    advice = "Close other programs, or give the container more; fewer --workers need less."
    found = f"{available:.1f} GB available, cores: {cores}"
    return [_by_limits("memory", available, MEMORY_GB, found, advice)]


def memory_available_gb(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return what the machine and the control groups of this process leave, in 10⁹ bytes; None if unknown."""
    left: list[float] = []
    with suppress(OSError, ValueError, StopIteration):
        lines = (proc / "meminfo").read_text(encoding="utf-8").splitlines()
        left.append(1024.0 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]))
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            version_2 = number == "0" and not controllers
            if version_2 or "memory" in controllers.split(","):
                root = cgroups if version_2 else cgroups / "memory"
                folder = root / path.lstrip("/")
                left += [room for place in (folder, *folder.parents) if (room := _group_leaves(place)) is not None]
    return min(left) / 1e9 if left else None


def _group_leaves(folder: Path) -> float | None:
    """Return the bytes a control group leaves; what the cache of files takes counts as free."""
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):
            stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
            most, used = ((folder / name).read_text(encoding="utf-8") for name in (limit, usage))
            return float(int(most) - int(used) + int(stat.get(cache, 0)))
    return None


def look_at_home(home: Path) -> list[Finding]:
    """Write a file where the data will lie, rename it, remove it; say how much room there is."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    advice = "Set TST_BENCH_HOME, or --home, to a folder on a disk that you can write to."
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
            beside = Path(folder) / "part"
            beside.write_bytes(bytes(1 << 20))
            beside.replace(Path(folder) / "whole")
    except OSError as error:
        found = f"{home} cannot be written to: {error.strerror or error}"
        full = "Free some space. " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return [Finding(name="data home", status="failure", found=found, advice=full + advice)]
    found = f"{home}" + ("" if place == home else ", made when first used")
    free = shutil.disk_usage(place).free / 1e9
    return [
        Finding(name="data home", status="ok", found=found),
        _by_limits("disk", free, DISK_GB, f"{free:.1f} GB free", f"Free some space. {advice}"),
    ]


def look_at_furniture(home: Path) -> list[Finding]:
    """Say whether the libraries that furnish ``builtin/home-NN`` are there and can be read."""
    try:
        found = [read_library(path).path for path in find_libraries()]
    except UserError as reason:
        missing, _, advice = str(reason).partition(". ")
        status: Status = "warning" if os.environ.get(VARIABLE) else "absent"
        return [Finding(name="furniture", status=status, found=missing, advice=advice)]
    names = ", ".join(path.name for path in found)
    return [Finding(name="furniture", status="ok", found=f"{len(found)} Sweet Home 3D libraries: {names}")]


def _by_limits(name: str, value: float, limits: tuple[float, float], found: str, advice: str) -> Finding:
    if value < limits[0]:
        return Finding(name=name, status="failure", found=f"{found}; {limits[0]:g} GB are needed", advice=advice)
    if value < limits[1]:
        return Finding(name=name, status="warning", found=f"{found}; {limits[1]:g} GB are advised", advice=advice)
    return Finding(name=name, status="ok", found=found)
