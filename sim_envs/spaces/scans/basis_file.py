"""Textures compressed with Basis Universal (KTX 2 or ``.basis``), as ``.basis.glb`` files carry them."""

from __future__ import annotations

import importlib.util

import numpy as np

from sim_envs.spaces.scans.mesh_files import MeshFileError

ADVICE = "pip install 'tst-bench[basis]' reads them"
_KTX2, _BASIS = b"\xabKTX 20\xbb\r\n\x1a\n", b"sB"


def is_basis(data: bytes) -> bool:
    """Return whether an image is stored as KTX 2 or ``.basis``."""
    return data.startswith((_KTX2, _BASIS))


def can_decode() -> bool:
    """Return whether the library that decodes them is installed."""
    return importlib.util.find_spec("opengl_basisu") is not None


def decode_basis(data: bytes) -> np.ndarray:
    """Return the (h, w, 3) uint8 pixels, row 0 on top.

    Raises:
        MeshFileError: the data are damaged or of a codec that has no 8-bit colours.
    """
    import opengl_basisu

    try:
        texture = opengl_basisu.open(data)
        pixels = np.asarray(texture.transcode("rgba8").data)[..., :3]
    except ValueError as error:
        raise MeshFileError(f"a texture is not readable Basis Universal ({error}).") from error
    return np.ascontiguousarray(pixels[::-1] if texture.y_flipped else pixels)
