"""Textures compressed with Basis Universal, as habitat's ``.basis.glb`` files carry them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE
from sim_envs.spaces.scans import gltf_file
from sim_envs.spaces.scans.mesh_files import read_mesh

encoder = pytest.importorskip("alktx2")  # Binomial's own encoder; its wheels begin with Python 3.11
PAINT = (200, 100, 40)


def painted_box(folder: Path, codec: str = "uastc", required: bool = True) -> Path:
    """Write a box whose texture, 16 × 16 pixels, is KTX 2: PAINT above, white below."""
    picture = np.full((16, 16, 3), 255, np.uint8)
    picture[:8] = PAINT
    Image.fromarray(picture).save(folder / "paint.png")
    encoder.encode_image_to_ktx2(str(folder / "paint.png"), str(folder / "paint.ktx2"), codec=codec, quality=90)
    mesh = trimesh.creation.box(extents=(1, 1, 1))
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4)))
    mesh.visual = trimesh.visual.TextureVisuals(uv=np.full((8, 2), 0.5), material=material)
    files = trimesh.Scene(mesh).export(file_type="gltf")
    document = json.loads(files.pop("model.gltf"))
    document["images"] = [{"uri": "paint.ktx2", "mimeType": "image/ktx2"}]
    document["textures"] = [{"name": "paint", "extensions": {"KHR_texture_basisu": {"source": 0}}}]
    document["extensionsUsed"] = ["KHR_texture_basisu"]
    document |= {"extensionsRequired": ["KHR_texture_basisu"]} if required else {}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    path = folder / "box.gltf"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("codec", ["uastc", "etc1s"])
def test_a_texture_is_decoded_with_row_0_on_top(tmp_path: Path, codec: str, required: bool) -> None:
    mesh = read_mesh(painted_box(tmp_path, codec, required))
    assert mesh.textures[0].shape == (16, 16, 3)
    np.testing.assert_allclose(mesh.textures[0][0], [PAINT] * 16, atol=8)
    np.testing.assert_allclose(mesh.textures[0][-1], [[255] * 3] * 16, atol=8)
    assert not mesh.notes


def test_without_the_library_the_texture_is_named_and_its_part_has_the_base_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = painted_box(tmp_path)
    monkeypatch.setattr(gltf_file, "can_decode", lambda: False)
    mesh = read_mesh(path)
    assert not mesh.textures
    assert (mesh.face_texture == NO_TEXTURE).all()
    assert mesh.notes[0].startswith("box.gltf: 1 textures are compressed with Basis Universal (paint)")
    assert "tst-bench[basis]" in mesh.notes[0]


@pytest.mark.parametrize("kept", [100, 20])
def test_a_texture_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = painted_box(tmp_path)
    data = (tmp_path / "paint.ktx2").read_bytes()
    (tmp_path / "paint.ktx2").write_bytes(data[:kept])
    with pytest.raises(UserError, match="not readable Basis Universal"):
        read_mesh(path)
