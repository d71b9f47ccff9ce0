"""What every furniture model must fulfil, whichever catalog it comes from."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from sim_envs.spaces.furniture.model import FurnitureModel


def check_contract(model: FurnitureModel, category: str) -> None:
    """Assert everything that placement and engines rely on."""
    count, faces = len(model.vertices), len(model.faces)
    assert model.category == category
    assert model.vertices.shape == (count, 3)
    assert model.vertices.dtype == np.float32
    assert model.faces.shape == (faces, 3)
    assert model.faces.dtype == np.int32
    assert model.uv.shape == (count, 2)
    assert model.uv.dtype == np.float32
    assert model.vertex_rgb.shape == (count, 3)
    assert model.vertex_rgb.dtype == np.uint8
    assert model.face_texture.shape == (faces,)
    assert model.face_texture.dtype == np.int32
    assert faces > 0
    assert np.isfinite(model.vertices).all()
    assert np.isfinite(model.uv).all()
    assert model.faces.min() >= 0
    assert model.faces.max() < count
    assert model.face_texture.min() >= -1
    assert model.face_texture.max() < len(model.textures)
    for texture in model.textures:
        assert texture.dtype == np.uint8
        assert texture.ndim == 3
        assert texture.shape[2] == 3
        assert max(texture.shape) <= 256
    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    np.testing.assert_allclose((low + high)[[0, 2]], 0, atol=1e-4)
    assert low[1] == pytest.approx(0, abs=1e-5)


def digest(model: FurnitureModel) -> str:
    """Return the SHA-256 of everything that can be seen."""
    hasher = hashlib.sha256()
    for array in (
        model.vertices, model.faces, model.uv, model.vertex_rgb, model.face_texture, *model.textures
    ):  # fmt: skip
        hasher.update(np.ascontiguousarray(array).tobytes())
    return hasher.hexdigest()
