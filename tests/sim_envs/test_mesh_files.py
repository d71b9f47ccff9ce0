"""Mesh files: every flavour of PLY, glTF and OBJ becomes the same mesh, colours and texture coordinates exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sim_envs.space import Space
from sim_envs.spaces.scans.mesh_files import read_mesh
from sim_envs.spaces.scans.source import read_scan
from tests.sim_envs.scan_files import room, write_ply

FORMS = ("ascii", "binary_little_endian", "binary_big_endian")
QUADS = [[0, 1, 2, 3], [3, 2, 4], [0, 3, 4, 5, 6]]
"""A quad, a triangle and a pentagon over seven vertices."""


def points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, (count, 3)).astype(np.float32)


def colours(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3)).astype(np.uint8)


def colour_at_corners(space: Space) -> np.ndarray:
    """Return (F, 3, 3) what the nearest texel times the vertex colour is at every corner."""
    out = np.empty((len(space.faces), 3, 3))
    for f, (face, texture) in enumerate(zip(space.faces, space.face_texture, strict=True)):
        texel = np.full((3, 3), 255)
        if texture >= 0:
            pixels = space.textures[texture]
            h, w = pixels.shape[:2]
            column = np.floor(space.uv[face, 0] % 1 * w).astype(int)
            row = np.floor((1 - space.uv[face, 1]) % 1 * h).astype(int)
            texel = pixels[row, column]
        out[f] = texel * (space.vertex_rgb[face] / 255)
    return out


# PLY


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("coordinate", ["float", "double"])
def test_every_flavour_of_ply_gives_the_same_mesh(tmp_path: Path, form: str, coordinate: str) -> None:
    vertices, rgb, ids = points(7), colours(7), np.array([5, 0, 65535])
    path = write_ply(tmp_path / "a.ply", vertices, QUADS, form, rgb, ids, coordinate)
    mesh = read_mesh(path)
    np.testing.assert_array_equal(mesh.vertices.astype(np.float32), vertices)
    np.testing.assert_array_equal(mesh.vertex_rgb, rgb)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [3, 2, 4], [0, 3, 4], [0, 4, 5], [0, 5, 6]])
    np.testing.assert_array_equal(mesh.face_origin, [0, 0, 1, 2, 2, 2])
    np.testing.assert_array_equal(mesh.face_object_id, ids)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    polygons=st.lists(st.lists(st.integers(0, 8), min_size=3, max_size=6), min_size=1, max_size=12),
    form=st.sampled_from(FORMS),
)
def test_polygons_of_any_length_are_read(tmp_path: Path, polygons: list[list[int]], form: str) -> None:
    ids = np.arange(len(polygons)) + 1
    mesh = read_mesh(write_ply(tmp_path / "a.ply", points(9), polygons, form, face_ids=ids))
    expected = [[p[0], p[k], p[k + 1]] for p in polygons for k in range(1, len(p) - 1)]
    np.testing.assert_array_equal(mesh.faces, expected)
    np.testing.assert_array_equal(mesh.face_object_id, ids)


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_ply_agrees_with_what_trimesh_writes_and_reads(tmp_path: Path, encoding: str) -> None:
    vertices, faces = room()
    theirs = trimesh.Trimesh(vertices, faces, vertex_colors=colours(len(vertices)), process=False)
    theirs.export(tmp_path / "a.ply", encoding=encoding)
    ours = read_mesh(tmp_path / "a.ply")
    np.testing.assert_allclose(ours.vertices, theirs.vertices, atol=1e-6)
    np.testing.assert_array_equal(ours.faces, theirs.faces)
    np.testing.assert_array_equal(ours.vertex_rgb, theirs.visual.vertex_colors[:, :3])


def test_elements_and_properties_that_do_not_matter_are_stepped_over(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_text(
        "ply\nformat ascii 1.0\nobj_info made by hand\nelement camera 1\nproperty float fov\n"
        "property list uchar int flags\nelement vertex 3\nproperty float nx\nproperty float x\nproperty float y\n"
        "property float z\nproperty float confidence\nelement face 1\nproperty uchar flags\n"
        "property list uchar uint vertex_index\nelement edge 1\nproperty int vertex1\nproperty int vertex2\n"
        "end_header\n60 2 7 8\n9 0 0 0 1\n9 1 0 0 1\n9 0 0 1 1\n3 3 0 1 2\n0 1\n"
    )
    mesh = read_mesh(tmp_path / "a.ply")
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2]])


def test_ply_textures_are_read_per_corner(tmp_path: Path) -> None:
    Image.fromarray(colours(16).reshape(4, 4, 3)).save(tmp_path / "t.png")
    uv = {0: [0.125, 0.125, 0.875, 0.125, 0.875, 0.875], 1: [0.375, 0.375, 0.875, 0.875, 0.125, 0.875]}
    path = write_ply(
        tmp_path / "a.ply", points(4), [[0, 1, 2], [0, 2, 3]], comments=["TextureFile t.png"], corner_uv=uv
    )
    space = read_scan(path, up="y")
    image = colours(16).reshape(4, 4, 3)
    expected = [[image[3, 0], image[3, 3], image[0, 3]], [image[2, 1], image[0, 3], image[0, 0]]]
    np.testing.assert_array_equal(colour_at_corners(space), expected)
    assert len(space.vertices) == 5  # only vertex 0 has two coordinates


# glTF and OBJ


def textured_quads(image: np.ndarray, moved: float = 0.0) -> trimesh.Trimesh:
    """Return a strip of two quads whose corners lie on texel centres."""
    h, w = image.shape[:2]
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1], [2, 0, 0], [2, 0, 1]], float)
    vertices[:, 1] = moved
    faces = [[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]]
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [w - 1, 0], [w - 1, h - 1]])
    uv = (uv + 0.5) / [w, h]
    return trimesh.Trimesh(vertices, faces, process=False, visual=trimesh.visual.TextureVisuals(uv=uv))


def expected_corners(image: np.ndarray, factor: float = 1.0) -> np.ndarray:
    h, w = image.shape[:2]
    columns = np.array([[0, 1, 1], [0, 1, 0], [1, w - 1, w - 1], [1, w - 1, 1]])
    rows = h - 1 - np.array([[0, 0, 1], [0, 1, 1], [0, 0, h - 1], [0, h - 1, 1]])
    return image[rows, columns] * factor


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_gltf_textures_and_materials_read_back_exactly(tmp_path: Path, suffix: str) -> None:
    images = [colours(24, seed).reshape(4, 6, 3) for seed in (1, 2)]
    scene = trimesh.Scene()
    for i, image in enumerate(images):
        mesh = textured_quads(image, moved=i)
        mesh.visual.material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(image))
        scene.add_geometry(mesh, node_name=f"n{i}", geom_name=f"g{i}", transform=np.diag([1, 1, 1, 1.0]))
    if suffix == ".glb":
        scene.export(tmp_path / "a.glb")
    else:
        for name, data in scene.export(file_type="gltf").items():
            (tmp_path / name.replace("model.gltf", "a.gltf")).write_bytes(data)
    space = read_scan(tmp_path / f"a{suffix}", up="y")
    assert len(space.textures) == 2
    np.testing.assert_array_equal(colour_at_corners(space), np.concatenate([expected_corners(i) for i in images]))
    assert len(space.provenance["files"]) == (1 if suffix == ".glb" else len(list(tmp_path.iterdir())))


def test_gltf_base_colour_is_linear_and_multiplies_the_texture(tmp_path: Path) -> None:
    image = colours(24).reshape(4, 6, 3)
    mesh = textured_quads(image)
    grey = [55, 55, 55, 255]  # 55/255 linear is 0.503 in sRGB
    mesh.visual.material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(image), baseColorFactor=grey
    )
    mesh.export(tmp_path / "a.glb")
    space = read_scan(tmp_path / "a.glb", up="y")
    assert (space.vertex_rgb == 128).all()
    np.testing.assert_allclose(colour_at_corners(space), expected_corners(image, 128 / 255))


def test_gltf_vertex_colours_read_back_exactly(tmp_path: Path) -> None:
    vertices, faces = room()
    rgb = colours(len(vertices))
    trimesh.Trimesh(vertices, faces, vertex_colors=rgb, process=False).export(tmp_path / "a.glb")
    space = read_scan(tmp_path / "a.glb", up="y")
    np.testing.assert_array_equal(space.vertex_rgb, rgb)
    np.testing.assert_allclose(space.vertices, vertices, atol=1e-6)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31))
def test_gltf_nodes_are_placed_as_trimesh_places_them(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outer, inner = (trimesh.transformations.random_rotation_matrix(rng.random(3)) for _ in range(2))
    outer[:3, 3], inner[:3, :3] = rng.normal(size=3), inner[:3, :3] * rng.uniform(0.5, 2)
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.icosphere(0), node_name="a", transform=outer)
    scene.add_geometry(trimesh.creation.box(), node_name="b", parent_node_name="a", transform=inner)
    scene.export(tmp_path / "a.glb")
    mesh = read_mesh(tmp_path / "a.glb")
    theirs = scene.to_geometry()
    order = [np.lexsort(np.round(m, 5).T) for m in (mesh.vertices, np.array(theirs.vertices))]
    np.testing.assert_allclose(mesh.vertices[order[0]], theirs.vertices[order[1]], atol=1e-5)
    assert np.isclose(trimesh.Trimesh(mesh.vertices, mesh.faces).area, theirs.area, rtol=1e-5)


def test_obj_with_texture_written_by_trimesh_reads_back_exactly(tmp_path: Path) -> None:
    image = colours(24).reshape(4, 6, 3)
    mesh = textured_quads(image)
    mesh.visual.material = trimesh.visual.material.SimpleMaterial(
        image=Image.fromarray(image), diffuse=[255, 255, 255, 255]
    )
    mesh.export(tmp_path / "a.obj")
    space = read_scan(tmp_path / "a.obj", up="y")
    np.testing.assert_array_equal(colour_at_corners(space), expected_corners(image))
    assert {file["role"] for file in space.provenance["files"]} == {"mesh", "companion"}


def test_obj_materials_forms_of_faces_and_relative_indices(tmp_path: Path) -> None:
    image = colours(4).reshape(2, 2, 3)
    Image.fromarray(image).save(tmp_path / "wood fine.png")
    (tmp_path / "m.mtl").write_text(
        "newmtl wood\nKd 0.8 0.4 0.2\nmap_Kd -s 1 1 1 -bm 0.5 wood fine.png\n\n"
        "newmtl red paint\nKd 1 0 0\n\nnewmtl unset\nKd 0 0 0\nmap_Kd wood fine.png\n"
    )
    (tmp_path / "a.obj").write_text(
        "# two quads and three triangles\nmtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 1 0 1\nv 0 0 1\n"
        "vt 0.25 0.25\nvt 0.75 0.25\nvt 0.75 0.75\nvt 0.25 0.75\nvn 0 1 0\n"
        "usemtl wood\nf 1/1/1 2/2/1 3/3/1 \\\n 4/4/1\n"
        "usemtl red paint\nf 1//1 2//1 3//1\nf 1 2 3 4\n"
        "usemtl unset\nf -4/-4 -3/-3 -2/-2\nusemtl wood\nf 1/3 2/3 3/3\n"
    )
    space = read_scan(tmp_path / "a.obj", up="y")
    texel = np.array([image[1, 0], image[1, 1], image[0, 1], image[0, 0]], float)
    wood = np.array([204, 102, 51]) / 255
    red = np.broadcast_to(np.array([255.0, 0, 0]), (3, 3))
    expected = [
        texel[[0, 1, 2]] * wood,
        texel[[0, 2, 3]] * wood,
        red,
        red,
        red,
        texel[[0, 1, 2]],
        texel[[2, 2, 2]] * wood,
    ]
    np.testing.assert_allclose(colour_at_corners(space), expected)
    np.testing.assert_allclose(space.vertices[space.faces[6]], [[0, 0, 0], [1, 0, 0], [1, 0, 1]])
    assert len(space.textures) == 1


def test_obj_vertex_colours_keep_vertices_and_their_order(tmp_path: Path) -> None:
    vertices, faces = room()
    rgb = colours(len(vertices))
    lines = [f"v {x:.6f} {y:.6f} {z:.6f} {r / 255:.6f} {g / 255:.6f} {b / 255:.6f}"
             for (x, y, z), (r, g, b) in zip(vertices, rgb, strict=True)]  # fmt: skip
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in faces]
    (tmp_path / "a.obj").write_text("\n".join(lines))
    space = read_scan(tmp_path / "a.obj", up="y")
    np.testing.assert_allclose(space.vertices, vertices, atol=1e-6)
    np.testing.assert_array_equal(space.faces, faces)
    np.testing.assert_array_equal(space.vertex_rgb, rgb)
