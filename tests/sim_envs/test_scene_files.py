"""What habitat-sim is given: read back by another library, nothing of the space is missing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from sim_envs.habitat import scene_files as module
from sim_envs.habitat.scene_files import PBR_CONFIG, STAGE_CONFIG, scene_files, write_scene_files
from sim_envs.space import NO_TEXTURE, Space
from tests.sim_envs.habitat_scene import tiny_room


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_scene_files(tiny_room(), tmp_path)
    return tmp_path


def meshes_of(folder: Path) -> list[trimesh.Trimesh]:
    """Return the meshes of the GLB as trimesh reads them, each where its node puts it."""
    scene = trimesh.load(folder / "scene.glb", process=False)
    assert all(np.array_equal(scene.graph.get(name)[0], np.eye(4)) for name in scene.graph.nodes_geometry)
    return list(scene.geometry.values())


def triangles(vertices: np.ndarray, faces: np.ndarray, values: np.ndarray) -> set[tuple[float, ...]]:
    """Return the triangles with a value at each corner, whatever order they are in."""
    corners = np.concatenate([vertices[faces], values[faces]], axis=2)
    return {tuple(row) for row in corners.reshape(len(faces), -1).round(5).tolist()}


def colours_of(mesh: trimesh.Trimesh) -> np.ndarray:
    """Return (V, 3) the vertex colours as they lie in the file."""
    colours = mesh.visual.vertex_attributes["color"]
    assert colours.dtype == np.uint8
    assert (colours[:, 3] == 255).all()
    return np.asarray(colours[:, :3], float)


def test_every_face_is_there_once_with_the_colours_of_its_corners(written: Path) -> None:
    space, meshes = tiny_room(), meshes_of(written)
    found = set.union(*(triangles(mesh.vertices, mesh.faces, colours_of(mesh)) for mesh in meshes))
    assert sum(len(mesh.faces) for mesh in meshes) == len(space.faces)
    assert found == triangles(space.vertices.astype(float), space.faces, space.vertex_rgb.astype(float))


def test_textured_faces_come_with_their_texture_and_where_it_lies(written: Path) -> None:
    space = tiny_room()
    (crate,) = (mesh for mesh in meshes_of(written) if mesh.visual.material.baseColorTexture is not None)
    assert np.array_equal(np.asarray(crate.visual.material.baseColorTexture.convert("RGB")), space.textures[0])
    wanted = space.faces[space.face_texture != NO_TEXTURE]
    assert triangles(crate.vertices, crate.faces, crate.visual.uv) == triangles(
        space.vertices.astype(float), wanted, space.uv.astype(float)
    )


def test_materials_are_unlit_and_textures_sampled_as_by_the_ray_caster(written: Path) -> None:
    data = (written / "scene.glb").read_bytes()
    gltf = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    assert all("KHR_materials_unlit" in material["extensions"] for material in gltf["materials"])
    assert gltf["samplers"] == [{"magFilter": 9729, "minFilter": 9985, "wrapS": 10497, "wrapT": 10497}]
    assert int.from_bytes(data[8:12], "little") == len(data)


def test_faces_carry_their_instance_ids_in_a_ply_with_z_up(written: Path) -> None:
    space = tiny_room()
    ply = trimesh.load(written / "scene_semantic.ply", process=False)
    x, y, z = space.vertices.T
    assert np.array_equal(ply.vertices, np.stack([x, -z, y], axis=1))
    ids = ply.metadata["_ply_raw"]["face"]["data"]["object_id"]
    assert sorted(zip(ply.faces.tolist(), ids.tolist(), strict=True)) == sorted(
        zip(space.faces.tolist(), space.face_instance.tolist(), strict=True)
    )
    assert np.array_equal(ply.visual.vertex_colors[:, :3], space.vertex_rgb)


def test_the_stage_config_names_the_files_and_says_what_is_up(written: Path) -> None:
    stage = json.loads((written / STAGE_CONFIG).read_text())
    assert (written / stage["render_asset"]).is_file()
    assert (written / stage["semantic_asset"]).is_file()
    assert (stage["up"], stage["front"], stage["shader_type"]) == ([0, 1, 0], [0, 0, -1], "flat")
    assert json.loads((written / PBR_CONFIG).read_text())["enable_ibl"] is False


def test_a_large_mesh_comes_in_pieces_that_can_be_left_out_by_their_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_FACES", 500)
    ball = trimesh.creation.icosphere(subdivisions=4)
    space = space_of(ball)
    write_scene_files(space, tmp_path)
    pieces = meshes_of(tmp_path)
    assert len(pieces) == 16
    assert max(len(piece.faces) for piece in pieces) <= 500
    assert np.mean([piece.extents.prod() for piece in pieces]) < 0.1 * ball.extents.prod()
    assert set.union(*(triangles(p.vertices, p.faces, colours_of(p)) for p in pieces)) == triangles(
        space.vertices.astype(float), space.faces, space.vertex_rgb.astype(float)
    )


def space_of(mesh: trimesh.Trimesh) -> Space:
    """Return an untextured space with random colours."""
    count = len(mesh.vertices)
    return Space(
        id="test/mesh",
        vertices=mesh.vertices.astype(np.float32),
        faces=mesh.faces.astype(np.int32),
        vertex_rgb=np.random.default_rng(0).integers(0, 256, (count, 3)).astype(np.uint8),
        face_instance=np.ones(len(mesh.faces), np.uint16),
        instance_category=np.array([0, 1], np.uint16),
        categories=("ball",),
        uv=np.zeros((count, 2), np.float32),
        face_texture=np.full(len(mesh.faces), NO_TEXTURE, np.int32),
    )


def test_files_are_written_once_a_space_and_never_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    folder = scene_files(tiny_room())
    stamp = (folder / "scene.glb").stat().st_mtime_ns
    assert scene_files(tiny_room()) == folder
    assert (folder / "scene.glb").stat().st_mtime_ns == stamp

    painted = replace(tiny_room(), vertex_rgb=np.zeros_like(tiny_room().vertex_rgb))

    def cut_short(space: Space, folder: Path) -> None:
        (folder / "scene.glb").write_bytes(b"glTF")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_scene_files", cut_short)
        with pytest.raises(KeyboardInterrupt):
            scene_files(painted)
    assert list(folder.parent.iterdir()) == [folder]
    other = scene_files(painted)
    assert other != folder
    assert trimesh.load(other / "scene.glb", process=False).geometry


def test_files_nobody_asked_for_in_a_week_are_deleted_when_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    first = scene_files(tiny_room())
    left = first.with_name("left-by-a-kill.123.part")
    left.mkdir()
    for folder in (first, left):
        os.utime(folder, (0, 0))
    assert scene_files(tiny_room()) == first  # asked for again: young again
    other = scene_files(space_of(trimesh.creation.box()))
    assert sorted(first.parent.iterdir()) == sorted([first, other])
