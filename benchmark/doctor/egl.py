"""What EGL offers here, asked as habitat-sim asks: through devices, without a display, with desktop OpenGL 3.3.

Runs in a process of its own (:mod:`benchmark.doctor.probe`), because a driver may crash at any of these calls. The
order is that of Magnum's ``WindowlessEglApplication``, which habitat-sim is built on.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_float, c_int, c_ssize_t, c_ubyte, c_uint, c_void_p
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmark.doctor.probe import step

LIBRARY = "libEGL.so.1"
VENDOR_FOLDERS = ("/etc/glvnd/egl_vendor.d", "/usr/share/glvnd/egl_vendor.d")
SIZE_PX = 16
CLEAR, CLEAR_BYTES = (0.2, 0.4, 0.6, 1.0), (51, 102, 153, 255)

# Names and numbers of the EGL and OpenGL headers.
EGL_NONE, EGL_SUCCESS, EGL_EXTENSIONS = 0x3038, 0x3000, 0x3055
EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_OPENGL_API = 0x3033, 1, 0x3040, 8, 0x30A2
EGL_RED_SIZE, EGL_GREEN_SIZE, EGL_BLUE_SIZE, EGL_ALPHA_SIZE, EGL_DEPTH_SIZE = 0x3024, 0x3023, 0x3022, 0x3021, 0x3025
EGL_WIDTH, EGL_HEIGHT, EGL_PLATFORM_DEVICE, EGL_DRM_DEVICE_FILE = 0x3057, 0x3056, 0x313F, 0x3233
EGL_CUDA_DEVICE = 0x323A
EGL_CONTEXT_MAJOR, EGL_CONTEXT_MINOR, EGL_PROFILE_MASK, EGL_PROFILE_CORE = 0x3098, 0x30FB, 0x30FD, 1
EGL_ERRORS = {
    0x3001: "EGL_NOT_INITIALIZED",
    0x3002: "EGL_BAD_ACCESS",
    0x3003: "EGL_BAD_ALLOC",
    0x3004: "EGL_BAD_ATTRIBUTE",
    0x3005: "EGL_BAD_CONFIG",
    0x3006: "EGL_BAD_CONTEXT",
    0x3008: "EGL_BAD_DISPLAY",
    0x3009: "EGL_BAD_MATCH",
    0x300C: "EGL_BAD_PARAMETER",
    0x300D: "EGL_BAD_SURFACE",
    0x322B: "EGL_BAD_DEVICE_EXT",
}
GL_VENDOR, GL_RENDERER, GL_VERSION, GL_COLOR_BUFFER_BIT, GL_RGBA, GL_UNSIGNED_BYTE = (
    0x1F00, 0x1F01, 0x1F02, 0x4000, 0x1908, 0x1401,
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Vendor(_Part):
    """A driver that the dispatch library (glvnd) is told of.

    Attributes:
        file: the JSON that names it.
        library: what it names.
        error: why it cannot be loaded; "" when it can.
    """

    file: str
    library: str
    error: str = ""


class Device(_Part):
    """One EGL device.

    Attributes:
        index: habitat-sim without a GPU (``gpu_device_id`` −1) takes 0.
        drm: its file, "" for a software renderer.
        cuda: number of its CUDA device, None when it has none.
        vendor, renderer, version: what OpenGL says of itself.
        error: why nothing can be drawn on it; "" when a cleared picture came back right.
    """

    index: int
    drm: str = ""
    cuda: int | None = None
    vendor: str = ""
    renderer: str = ""
    version: str = ""
    error: str = ""


class Egl(_Part):
    """Everything found, or why there is nothing.

    Attributes:
        error: why EGL cannot be used at all; "" when devices could be listed.
    """

    vendors: tuple[Vendor, ...] = ()
    devices: tuple[Device, ...] = ()
    error: str = ""


class EglError(Exception):
    """A call that failed, with EGL's own word for it."""


def find_egl() -> dict[str, Any]:
    """Return an :class:`Egl` as JSON."""
    vendors = tuple(_vendor(path) for path in vendor_files())
    try:
        step(f"loading {LIBRARY}")
        egl = _Library(ctypes.CDLL(LIBRARY))
        devices = tuple(_device(egl, index, device) for index, device in enumerate(egl.devices()))
    except (OSError, EglError) as error:
        return Egl(vendors=vendors, error=str(error)).model_dump()
    return Egl(vendors=vendors, devices=devices).model_dump()


def vendor_files() -> list[Path]:
    """Return the vendor files in the order glvnd reads them.

    ``__EGL_VENDOR_LIBRARY_FILENAMES`` names files, ``__EGL_VENDOR_LIBRARY_DIRS`` folders, both joined by colons.
    """
    if names := os.environ.get("__EGL_VENDOR_LIBRARY_FILENAMES"):
        return [Path(name) for name in names.split(":") if name]
    folders = os.environ.get("__EGL_VENDOR_LIBRARY_DIRS")
    places = folders.split(":") if folders else VENDOR_FOLDERS
    return [path for place in places if place for path in sorted(Path(place).glob("*.json"))]


def _vendor(path: Path) -> Vendor:
    try:
        library = str(json.loads(path.read_text(encoding="utf-8"))["ICD"]["library_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Vendor(file=str(path), library="", error=f"cannot be read: {type(error).__name__}: {error}")
    try:
        step(f"loading {library}")
        ctypes.CDLL(library)
    except OSError as error:
        return Vendor(file=str(path), library=library, error=str(error))
    return Vendor(file=str(path), library=library)


class _Library:
    """The calls of libEGL that are needed, with types, and errors raised."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        for name, result in (
            ("eglGetProcAddress", c_void_p),
            ("eglQueryString", c_char_p),
            ("eglCreatePbufferSurface", c_void_p),
            ("eglCreateContext", c_void_p),
            ("eglGetError", c_int),
        ):
            getattr(library, name).restype = result
        library.eglGetProcAddress.argtypes = [c_char_p]

    def text(self, display: c_void_p | None, name: int) -> str:
        """Return a string of a display, or of the client where there is none."""
        found = self._library.eglQueryString(display, c_int(name))
        return found.decode(errors="replace") if found else ""

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return an extension's or OpenGL's function."""
        address = self._library.eglGetProcAddress(name.encode())
        if not address:
            raise EglError(f"there is no {name}")
        return ctypes.CFUNCTYPE(result, *arguments)(address)

    def must(self, name: str, *arguments: Any) -> Any:
        """Call, and raise EGL's error when it fails."""
        result = getattr(self._library, name)(*arguments)
        if not result:
            raise EglError(f"{name}: {self.error()}")
        return result

    def error(self) -> str:
        """Return EGL's word for what went wrong last."""
        code = self._library.eglGetError()
        return "no error given" if code == EGL_SUCCESS else EGL_ERRORS.get(code, f"error {code:#x}")

    def devices(self) -> list[int]:
        """Return handles of the devices."""
        step("listing EGL devices")
        extensions = self.text(None, EGL_EXTENSIONS).split()
        lacking = {"EGL_EXT_platform_base", "EGL_EXT_platform_device"} - set(extensions)
        if not {"EGL_EXT_device_base", "EGL_EXT_device_enumeration"} & set(extensions):
            lacking.add("EGL_EXT_device_enumeration")
        if lacking:
            raise EglError(f"{LIBRARY} lacks {', '.join(sorted(lacking))}")
        query = self.function("eglQueryDevicesEXT", c_uint, c_int, c_void_p, c_void_p)
        count = c_int()
        if not query(0, None, byref(count)):
            raise EglError(f"eglQueryDevicesEXT: {self.error()}")
        handles = (c_void_p * max(count.value, 1))()
        if count.value and not query(count.value, byref(handles), byref(count)):
            raise EglError(f"eglQueryDevicesEXT: {self.error()}")
        return [handle or 0 for handle in handles[: count.value]]


def _device(egl: _Library, index: int, handle: int) -> Device:
    step(f"EGL device {index}: asking what it is")
    query = egl.function("eglQueryDeviceStringEXT", c_char_p, c_void_p, c_int)
    # Some drivers crash on the next call where the user may not use a device; this one tells (Magnum's finding).
    extensions = query(handle, EGL_EXTENSIONS)
    if extensions is None:
        return Device(index=index, error=f"this user may not use it ({egl.error()})")
    names = extensions.decode(errors="replace").split()
    drm = query(handle, EGL_DRM_DEVICE_FILE) if "EGL_EXT_device_drm" in names else None
    cuda = None
    if "EGL_NV_device_cuda" in names:
        attribute = egl.function("eglQueryDeviceAttribEXT", c_uint, c_void_p, c_int, c_void_p)
        number = c_ssize_t()
        if attribute(handle, EGL_CUDA_DEVICE, byref(number)):
            cuda = number.value
    about: dict[str, Any] = {"index": index, "drm": drm.decode(errors="replace") if drm else "", "cuda": cuda}
    try:
        about |= _draw(egl, index, handle)
    except EglError as error:
        about["error"] = str(error)
    return Device(**about)


def _draw(egl: _Library, index: int, handle: int) -> dict[str, str]:
    """Clear a small picture on a device, read it back, and return what OpenGL says of itself."""
    step(f"EGL device {index}: initialising a display")
    get_display = egl.function("eglGetPlatformDisplayEXT", c_void_p, c_uint, c_void_p, c_void_p)
    display = c_void_p(get_display(EGL_PLATFORM_DEVICE, handle, None))
    if not display:
        raise EglError(f"eglGetPlatformDisplayEXT: {egl.error()}")
    egl.must("eglInitialize", display, None, None)
    step(f"EGL device {index}: making an OpenGL 3.3 context")
    egl.must("eglBindAPI", c_uint(EGL_OPENGL_API))
    config, count = c_void_p(), c_int()
    wanted = (
        EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_DEPTH_SIZE, 24,
        EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8, EGL_ALPHA_SIZE, 8,
    )  # fmt: skip
    egl.must("eglChooseConfig", display, _list(wanted), byref(config), c_int(1), byref(count))
    if not count.value:
        raise EglError("eglChooseConfig: no configuration for desktop OpenGL without a window")
    size = _list((EGL_WIDTH, SIZE_PX, EGL_HEIGHT, SIZE_PX))
    surface = c_void_p(egl.must("eglCreatePbufferSurface", display, config, size))
    version = _list((EGL_CONTEXT_MAJOR, 3, EGL_CONTEXT_MINOR, 3, EGL_PROFILE_MASK, EGL_PROFILE_CORE))
    context = c_void_p(egl.must("eglCreateContext", display, config, None, version))
    egl.must("eglMakeCurrent", display, surface, surface, context)
    step(f"EGL device {index}: drawing")
    get_string = egl.function("glGetString", c_char_p, c_uint)
    names = {"vendor": GL_VENDOR, "renderer": GL_RENDERER, "version": GL_VERSION}
    about = {name: (get_string(number) or b"").decode(errors="replace") for name, number in names.items()}
    egl.function("glClearColor", None, c_float, c_float, c_float, c_float)(*CLEAR)
    egl.function("glClear", None, c_uint)(GL_COLOR_BUFFER_BIT)
    pixels = (c_ubyte * (SIZE_PX * SIZE_PX * 4))()
    read = egl.function("glReadPixels", None, c_int, c_int, c_int, c_int, c_uint, c_uint, c_void_p)
    read(0, 0, SIZE_PX, SIZE_PX, GL_RGBA, GL_UNSIGNED_BYTE, byref(pixels))
    if any(abs(value - CLEAR_BYTES[i % 4]) > 1 for i, value in enumerate(pixels)):
        about["error"] = f"a cleared picture came back as {tuple(pixels[:4])}, not {CLEAR_BYTES}"
    egl.must("eglMakeCurrent", display, None, None, None)
    return about


def _list(values: Sequence[int]) -> Any:
    return (c_int * (len(values) + 1))(*values, EGL_NONE)
