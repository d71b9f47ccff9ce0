"""What the doctor says of EGL and of drivers, on machines with and without them."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import sys
from pathlib import Path

import pytest

from benchmark.doctor.egl import LIBRARY, VENDOR_FOLDERS, Device, Egl, Vendor, find_egl, vendor_files
from benchmark.doctor.graphics import compare_driver, describe_egl, find_driver_libraries, kernel_driver
from benchmark.doctor.probe import ask, library_path


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


linux = pytest.mark.skipif(sys.platform != "linux", reason="how shared libraries are found is told for Linux")
with_egl = pytest.mark.skipif(not loads(LIBRARY), reason=f"there is no {LIBRARY} here")
MESA = "/usr/share/glvnd/egl_vendor.d/50_mesa.json"
with_mesa = pytest.mark.skipif(not (loads(LIBRARY) and Path(MESA).exists()), reason="there is no Mesa here")


def egl_with(**variables: str) -> Egl:
    return Egl.model_validate(ask(find_egl, environment={**os.environ, **variables}))


# --- EGL, asked for real --------------------------------------------------------------------------------


@with_mesa
def test_mesa_draws_in_software_without_a_display() -> None:
    egl = egl_with(__EGL_VENDOR_LIBRARY_FILENAMES=MESA)
    assert egl.error == ""
    software = [device for device in egl.devices if "llvmpipe" in device.renderer or "softpipe" in device.renderer]
    assert software
    assert all(device.error == "" and "Mesa" in device.version for device in software)
    assert describe_egl(egl, gpu_driver=False).status == "ok"


@with_egl
def test_without_a_vendor_there_is_no_device_and_the_advice_names_packages(tmp_path: Path) -> None:
    egl = egl_with(__EGL_VENDOR_LIBRARY_DIRS=str(tmp_path))
    assert egl.vendors == ()
    assert egl.devices == ()
    finding = describe_egl(egl, gpu_driver=False)
    assert finding.status == "absent"
    assert "apt-get install libegl1" in finding.advice


@with_egl
def test_a_vendor_whose_library_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "10_nowhere.json"
    file.write_text('{"file_format_version": "1.0.0", "ICD": {"library_path": "libEGL_nowhere.so.0"}}')
    egl = egl_with(__EGL_VENDOR_LIBRARY_FILENAMES=str(file))
    assert egl.vendors[0].library == "libEGL_nowhere.so.0"
    assert "cannot open shared object file" in egl.vendors[0].error
    assert "10_nowhere.json: libEGL_nowhere.so.0" in describe_egl(egl, gpu_driver=False).found


@pytest.mark.parametrize("content", ["{", "[]", '{"ICD": 3}', '{"ICD": {}}'])
def test_a_vendor_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "10_broken.json"
    file.write_text(content)
    egl = egl_with(__EGL_VENDOR_LIBRARY_FILENAMES=str(file))
    assert "cannot be read" in egl.vendors[0].error


@linux
def test_a_damaged_libegl_is_told_in_the_words_of_the_loader(tmp_path: Path) -> None:
    (tmp_path / LIBRARY).write_bytes(b"not a library")
    egl = egl_with(LD_LIBRARY_PATH=str(tmp_path))
    assert LIBRARY in egl.error
    finding = describe_egl(egl, gpu_driver=False)
    assert finding.status == "absent"
    assert "raycast does not" in finding.advice


def test_vendor_files_are_read_in_the_order_of_glvnd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one/50_b.json", "one/10_a.json", "two/00_c.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    monkeypatch.delenv("__EGL_VENDOR_LIBRARY_FILENAMES", raising=False)
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", f"{tmp_path}/one:{tmp_path}/two")
    assert [path.name for path in vendor_files()] == ["10_a.json", "50_b.json", "00_c.json"]
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", f"{tmp_path}/two/00_c.json")
    assert [path.name for path in vendor_files()] == ["00_c.json"]
    monkeypatch.delenv("__EGL_VENDOR_LIBRARY_FILENAMES")
    monkeypatch.delenv("__EGL_VENDOR_LIBRARY_DIRS")
    assert {str(path.parent) for path in vendor_files()} <= set(VENDOR_FOLDERS)


# --- what is said of it ---------------------------------------------------------------------------------

LLVMPIPE = Device(index=1, vendor="Mesa", renderer="llvmpipe (LLVM 15.0.6, 256 bits)", version="4.5 Mesa 22.3.6")
GPU = Device(index=0, cuda=0, vendor="NVIDIA Corporation", renderer="NVIDIA A40/PCIe/SSE2", version="4.6.0 NVIDIA 550")


def test_a_gpu_and_a_software_renderer_are_both_told() -> None:
    finding = describe_egl(Egl(devices=(GPU, LLVMPIPE), vendors=(Vendor(file=MESA, library="x"),)), gpu_driver=True)
    assert finding.status == "ok"
    assert "device 0 (CUDA 0): NVIDIA A40/PCIe/SSE2" in finding.found
    assert "device 1: llvmpipe" in finding.found


def test_a_gpu_driver_without_its_egl_is_a_warning_that_names_the_container_option() -> None:
    """The commonest complaint of habitat-sim's users: a container was started without graphics."""
    for egl in (Egl(devices=(LLVMPIPE,)), Egl(devices=()), Egl(error="no libEGL.so.1")):
        finding = describe_egl(egl, gpu_driver=True)
        assert finding.status == "warning"
        assert "NVIDIA_DRIVER_CAPABILITIES=all" in finding.advice


def test_a_device_that_this_user_may_not_use_does_not_hide_one_that_works() -> None:
    closed = Device(index=0, error="this user may not use it (EGL_BAD_DEVICE_EXT)")
    assert describe_egl(Egl(devices=(closed, LLVMPIPE)), gpu_driver=False).status == "ok"
    assert describe_egl(Egl(devices=(closed,)), gpu_driver=False).status == "warning"


# --- the driver -----------------------------------------------------------------------------------------

PROPRIETARY = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
)
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build  (dvs-builder@U16)\n"
    "GCC version:  gcc version 11.4.0\n"
)


@pytest.mark.parametrize(("text", "version"), [(PROPRIETARY, "535.104.05"), (OPEN, "550.54.15")])
def test_the_version_in_the_kernel_is_read(tmp_path: Path, text: str, version: str) -> None:
    (tmp_path / "version").write_text(text)
    assert kernel_driver(tmp_path / "version") == version


def test_no_driver_in_the_kernel_is_none(tmp_path: Path) -> None:
    assert kernel_driver(tmp_path / "version") is None


@linux
def test_versions_of_libraries_are_those_of_the_files_that_load(tmp_path: Path) -> None:
    """A real library under the names that NVIDIA gives to its own."""
    ctypes.CDLL(ctypes.util.find_library("m"))
    real = library_path("libm.so")
    assert real is not None
    shutil.copy(real, tmp_path / "libEGL_nvidia.so.535.104.05")
    (tmp_path / "libEGL_nvidia.so.0").symlink_to("libEGL_nvidia.so.535.104.05")
    shutil.copy(real, tmp_path / "libGLX_nvidia.so.0")
    found = ask(find_driver_libraries, environment={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)})
    assert found["libEGL_nvidia.so.0"] == "535.104.05"
    assert found["libGLX_nvidia.so.0"] == "unknown"


def test_equal_versions_match_and_others_say_what_to_install() -> None:
    parts = {"libEGL_nvidia.so.0": "550.54.15", "libGLX_nvidia.so.0": "550.54.15", "libcuda.so.1": "550.54.15"}
    assert compare_driver("550.54.15", parts).status == "ok"
    other = compare_driver("550.54.15", parts | {"libEGL_nvidia.so.0": "535.104.05"})
    assert other.status == "warning"
    assert "libEGL_nvidia.so.0 535.104.05" in other.found
    assert "libraries of 550.54.15" in other.advice
    missing = compare_driver("550.54.15", parts | {"libEGL_nvidia.so.0": ""})
    assert missing.status == "warning"
    assert "libEGL_nvidia.so.0 missing" in missing.found
    assert "NVIDIA_DRIVER_CAPABILITIES" in missing.advice
