"""What engines that render through OpenGL stand on: EGL with its devices, and a driver whose parts match."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from pathlib import Path

from benchmark.doctor.egl import Device, Egl, find_egl
from benchmark.doctor.findings import Finding, Status
from benchmark.doctor.probe import ProbeFailed, ask, library_path, step

KERNEL_FILE = Path("/proc/driver/nvidia/version")
NVIDIA_LIBRARIES = ("libEGL_nvidia.so.0", "libGLX_nvidia.so.0", "libcuda.so.1")
ONLY_GL = "Only engines that use OpenGL (habitat) need this; raycast does not."
SOFTWARE = "set __EGL_VENDOR_LIBRARY_FILENAMES=/usr/share/glvnd/egl_vendor.d/50_mesa.json"
INSTALL_EGL = (
    f"{ONLY_GL} Install the dispatch library, and Mesa where there is no GPU: "
    "`apt-get install libegl1 libopengl0 libegl-mesa0 libgl1-mesa-dri`."
)
GPU_EGL = (
    "Give EGL the GPU's own driver: in a container start it with NVIDIA_DRIVER_CAPABILITIES=all (the default leaves "
    "graphics out); elsewhere install the GL part of the driver in the kernel's version (libnvidia-gl-VERSION)."
)


def look_at_egl(home: Path) -> list[Finding]:
    """Clear a picture on every EGL device and read it back."""
    try:
        egl = Egl.model_validate(ask(find_egl))
    except ProbeFailed as failed:
        advice = f"{ONLY_GL} The driver crashes or hangs: update it, or render without it: {SOFTWARE}."
        return [Finding(name="EGL", status="warning", found=str(failed), advice=advice)]
    return [describe_egl(egl, gpu_driver=KERNEL_FILE.exists())]


def describe_egl(egl: Egl, gpu_driver: bool) -> Finding:
    """Say what EGL offers.

    Args:
        egl: what was found.
        gpu_driver: whether the kernel has NVIDIA's driver: EGL should then offer its devices.
    """
    broken = [f"{Path(vendor.file).name}: {vendor.error}" for vendor in egl.vendors if vendor.error]
    files = ", ".join(Path(vendor.file).name for vendor in egl.vendors if not vendor.error) or "none"
    devices = [egl.error] if egl.error else [_device(device) for device in egl.devices] or ["no EGL devices"]
    found = "; ".join([*devices, f"vendor files: {files}", *broken])
    if not egl.devices:
        status: Status = "warning" if gpu_driver else "absent"
        return Finding(name="EGL", status=status, found=found, advice=GPU_EGL if gpu_driver else INSTALL_EGL)
    if gpu_driver and all(device.cuda is None for device in egl.devices):
        found = f"none of the devices is the GPU: {found}"
        return Finding(name="EGL", status="warning", found=found, advice=GPU_EGL)
    if all(device.error for device in egl.devices):
        return Finding(name="EGL", status="warning", found=found, advice=INSTALL_EGL)
    return Finding(name="EGL", status="ok", found=found)


def _device(device: Device) -> str:
    place = f"device {device.index}" + ("" if device.cuda is None else f" (CUDA {device.cuda})")
    if device.error:
        return f"{place}: {device.error}"
    return f"{place}: {device.renderer}, {device.vendor}, OpenGL {device.version}"


def look_at_driver(home: Path) -> list[Finding]:
    """Compare NVIDIA's driver in the kernel with the libraries that talk to it."""
    kernel = kernel_driver(KERNEL_FILE)
    if kernel is None:
        return [Finding(name="driver", status="absent", found="no NVIDIA driver in the kernel; nothing to match")]
    try:
        return [compare_driver(kernel, ask(find_driver_libraries))]
    except ProbeFailed as failed:
        return [Finding(name="driver", status="warning", found=f"kernel {kernel}; {failed}", advice=GPU_EGL)]


def kernel_driver(file: Path) -> str | None:
    """Return the version of NVIDIA's kernel module ("550.54.15"), None where there is none.

    Args:
        file: ``/proc/driver/nvidia/version``; its first line reads ``NVRM version: NVIDIA UNIX x86_64 Kernel
            Module  535.104.05  Sat Aug 19 …`` or ``… Open Kernel Module for x86_64  550.54.15  Release Build …``.
    """
    try:
        line = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return None
    found = re.search(r"\s(\d+(?:\.\d+)+)\s", f"{line} ")
    return found.group(1) if found else "of unknown version"


def find_driver_libraries() -> dict[str, str]:
    """Load NVIDIA's libraries, in a process of its own, and return the version in the names of their files.

    A library that is not there is "", one whose file has no version "unknown".
    """
    versions = {}
    for name in NVIDIA_LIBRARIES:
        step(f"loading {name}")
        try:
            ctypes.CDLL(name)
        except OSError:
            versions[name] = ""
            continue
        stem = name.partition(".so")[0]
        path = library_path(f"{stem}.so")
        found = re.search(r"\.so\.(\d+\.\d[\d.]*)$", path.name) if path else None
        versions[name] = found.group(1) if found else "unknown"
    return versions


def compare_driver(kernel: str, libraries: Mapping[str, str]) -> Finding:
    """Say whether the libraries are those of the kernel's driver.

    Args:
        kernel: its version.
        libraries: name → version, "" where it cannot be loaded.
    """
    said = ", ".join(f"{name} {version or 'missing'}" for name, version in libraries.items())
    found = f"kernel {kernel}; {said}"
    if any(version not in ("", "unknown", kernel) for version in libraries.values()):
        advice = (
            "Kernel module and libraries must have one version, or rendering fails or comes out black. Reboot after "
            f"an update of the driver, or install the libraries of {kernel}; in a container remove its own copies, "
            "so that those of the host are used."
        )
        return Finding(name="driver", status="warning", found=found, advice=advice)
    if not libraries.get("libEGL_nvidia.so.0"):
        return Finding(name="driver", status="warning", found=found, advice=GPU_EGL)
    return Finding(name="driver", status="ok", found=found)
