"""Importing scans: what a file holds becomes a space, exactly, or is refused in one clear message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.spaces.scans.labels import majority
from sim_envs.spaces.scans.orientation import UNITS, UP_AXES, to_y_up, up_of_floor, up_of_shape
from sim_envs.spaces.scans.source import ScanSource, import_scan, read_scan
from tests.sim_envs.scan_files import room, write_ply

REDKITCHEN = Path(__file__).parents[2].parent / "shared" / "real" / "redkitchen" / "scan"
FORMS = ("ascii", "binary_little_endian", "binary_big_endian")
QUADS = [[0, 1, 2, 3], [3, 2, 4], [0, 3, 4, 5, 6]]
"""A quad, a triangle and a pentagon over seven vertices."""


def points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, (count, 3)).astype(np.float32)


def colours(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3)).astype(np.uint8)


def table(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def write_room(folder: Path, name: str = "room.ply", **kwargs: Any) -> Path:
    vertices, faces = room()
    return write_ply(folder / name, vertices, faces.tolist(), **kwargs)


# Labels


def test_labels_of_polygons_are_carried_to_their_triangles(tmp_path: Path) -> None:
    path = write_ply(tmp_path / "a.ply", points(7), QUADS, face_ids=np.array([2, 0, 7]))
    space = read_scan(path, instances=table(tmp_path / "t.json", {"2": "chair", "7": "wall", "9": "lamp"}), up="y")
    np.testing.assert_array_equal(space.face_instance, [2, 2, 0, 7, 7, 7])
    names = [("-", *space.categories)[i] for i in space.instance_category[space.face_instance]]
    assert names == ["chair", "chair", "-", "wall", "wall", "wall"]
    assert space.categories == ("chair", "lamp", "wall")


@pytest.mark.parametrize(
    "value",
    [
        {"1": "floor", "2": "chair", "0": "unlabelled"},
        {"instance_to_class": {"1": "floor", "2": "chair"}, "classes": []},
        [{"id": 1, "category": "floor"}, {"id": 2, "class": "chair"}],
        {"objects": [{"id": 1, "class_name": "floor"}, {"id": 2, "class_name": "chair"}]},
    ],
)
def test_instance_tables_come_in_several_forms(tmp_path: Path, value: Any) -> None:
    path = write_ply(tmp_path / "a.ply", points(5), [[0, 1, 2], [2, 3, 4]], face_ids=np.array([2, 1]))
    space = read_scan(path, instances=table(tmp_path / "t.json", value), up="y")
    assert [space.categories[i - 1] for i in space.instance_category[space.face_instance]] == ["chair", "floor"]


def test_labels_from_another_ply_with_the_same_faces(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", points(7), QUADS, rgb=colours(7))
    write_ply(tmp_path / "b.ply", points(7), QUADS, "ascii", face_ids=np.array([1, 2, 3]))
    instances = table(tmp_path / "t.json", {"1": "a", "2": "b", "3": "c"})
    space = read_scan(tmp_path / "a.ply", labels=tmp_path / "b.ply", instances=instances, up="y")
    np.testing.assert_array_equal(space.face_instance, [1, 1, 2, 3, 3, 3])


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=30))
def test_a_face_takes_what_most_of_its_corners_say(corners: list[tuple[int, int, int]]) -> None:
    voted = majority(np.array(corners))
    for ids, winner in zip(corners, voted, strict=True):
        most = max(ids.count(i) for i in ids)
        assert winner == min(i for i in ids if ids.count(i) == most)


def test_labels_per_vertex_fit_after_vertices_were_split_by_texture(tmp_path: Path) -> None:
    (tmp_path / "m.mtl").write_text("newmtl a\nKd 1 1 1\nmap_Kd t.png\n")
    Image.fromarray(colours(4).reshape(2, 2, 3)).save(tmp_path / "t.png")
    (tmp_path / "a.obj").write_text(
        "mtllib m.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 1 0 1\nv 0 0 1\nvt 0 0\nvt 1 1\n"
        "f 1/1 2/1 3/1\nf 1/2 3/2 4/1\nf 4/2 3/1 2/2\n"
    )
    np.save(tmp_path / "ids.npy", np.array([7, 8, 8, 9]))
    instances = table(tmp_path / "t.json", {"7": "a", "8": "b", "9": "c"})
    space = read_scan(tmp_path / "a.obj", labels=tmp_path / "ids.npy", instances=instances, up="y")
    np.testing.assert_array_equal(space.face_instance, [8, 7, 8])


def test_labels_per_face_and_minus_one_for_none(tmp_path: Path) -> None:
    path = write_ply(tmp_path / "a.ply", points(7), QUADS)
    np.save(tmp_path / "ids.npy", np.array([-1, 4, 5], np.int32))
    instances = table(tmp_path / "t.json", {"4": "a", "5": "b"})
    space = read_scan(path, labels=tmp_path / "ids.npy", instances=instances, up="y")
    np.testing.assert_array_equal(space.face_instance, [0, 0, 4, 5, 5, 5])
    assert "1 labels of −1 taken as none" in space.provenance["notes"]


def test_a_scan_without_labels_or_colours_is_a_grey_space_and_says_so(tmp_path: Path) -> None:
    space = read_scan(write_room(tmp_path))
    assert not space.has_labels
    assert len(np.unique(space.vertex_rgb)) == 1
    assert any("no labels" in note for note in space.provenance["notes"])
    assert any("grey" in note for note in space.provenance["notes"])


# Axes and units


@pytest.mark.parametrize("up", UP_AXES)
def test_turning_up_axes_is_a_rotation_that_lifts_them_to_y(up: str) -> None:
    rotation = to_y_up(up)
    axis = np.eye(3)["xyz".index(up[-1])] * (-1 if up.startswith("-") else 1)
    np.testing.assert_array_equal(rotation @ axis, [0, 1, 0])
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3))
    assert np.isclose(np.linalg.det(rotation), 1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(up=st.sampled_from(UP_AXES), unit=st.sampled_from(sorted(UNITS)), form=st.sampled_from(FORMS))
def test_the_same_room_in_any_axis_and_unit_is_the_same_space(tmp_path: Path, up: str, unit: str, form: str) -> None:
    vertices, faces = room()
    turned = vertices @ to_y_up(up) / UNITS[unit]  # row vectors: the inverse rotation
    path = write_ply(tmp_path / "room.ply", turned, faces.tolist(), form, rgb=colours(len(vertices)))
    given_axis = read_scan(path, up=up, unit=unit)
    found_axis = read_scan(path, unit=unit)
    np.testing.assert_allclose(given_axis.vertices, vertices, atol=2e-6)
    np.testing.assert_array_equal(given_axis.faces, faces)
    if up != "-y":  # nothing but a label tells a room that hangs from its floor from one that stands
        np.testing.assert_allclose(found_axis.vertices, vertices, atol=2e-6)
        noted = any("is up" in note for note in found_axis.provenance["notes"])
        assert noted == (up != "y")


@pytest.mark.parametrize("up", UP_AXES)
def test_a_labelled_floor_says_what_is_up(tmp_path: Path, up: str) -> None:
    vertices, faces = room()
    tall = vertices * [0.3, 1, 0.3]  # a shape that does not tell
    ids = np.where(np.arange(len(faces)) < 12, 1, 2)  # the first box is the floor
    path = write_ply(tmp_path / "a.ply", tall @ to_y_up(up), faces.tolist(), face_ids=ids)
    space = read_scan(path, instances=table(tmp_path / "t.json", {"1": "Parquet", "2": "wall"}))
    np.testing.assert_allclose(space.vertices, tall, atol=2e-6)
    assert space.provenance["conversions"]["up_from"] == "labelled floor"


@settings(max_examples=40, deadline=None)
@given(size=st.tuples(*[st.floats(0.5, 8)] * 3))
def test_a_cuboid_is_only_turned_if_it_clearly_lies_on_its_side(size: tuple[float, ...]) -> None:
    cube = trimesh.creation.box(extents=size)
    found = up_of_shape(np.array(cube.vertices), np.array(cube.faces))
    lowest, middle, _ = sorted(size)
    if found != "y":
        assert found == "xyz"[int(np.argmin(size))]
        assert lowest >= 1.7
        assert lowest <= 0.55 * middle or (lowest <= 0.8 * middle and lowest <= 3.6 < size[1])


def test_millimetres_taken_for_metres_are_refused_with_the_unit_to_try(tmp_path: Path) -> None:
    vertices, faces = room()
    path = write_ply(tmp_path / "mm.ply", vertices * 1000, faces.tolist())
    with pytest.raises(UserError, match="--unit mm"):
        read_scan(path)
    assert np.allclose(read_scan(path, unit="mm").vertices, vertices, atol=1e-5)


def test_centimetres_taken_for_metres_are_hinted_at(tmp_path: Path) -> None:
    vertices, faces = room()
    space = read_scan(write_ply(tmp_path / "cm.ply", vertices * 100, faces.tolist()))
    assert any("--unit cm" in note for note in space.provenance["notes"])


# Flawed geometry


def test_faces_without_surface_and_stray_vertices_are_dropped_with_a_note(tmp_path: Path) -> None:
    vertices = np.concatenate([points(4), [[np.nan, 0, 0]], [[9, 9, 9]]])
    polygons = [[0, 1, 2], [1, 1, 2], [0, 2, 4], [1, 2, 3]]
    path = write_ply(tmp_path / "a.ply", vertices, polygons, rgb=colours(6), face_ids=np.array([1, 2, 3, 4]))
    instances = table(tmp_path / "t.json", {str(i): f"c{i}" for i in range(1, 5)})
    space = read_scan(path, instances=instances, up="y")
    np.testing.assert_array_equal(space.face_instance, [1, 4])
    np.testing.assert_array_equal(space.vertex_rgb, colours(6)[:4])
    notes = " / ".join(space.provenance["notes"])
    assert "1 faces dropped: a corner has no finite position" in notes
    assert "1 faces dropped: they have no area" in notes
    assert "2 vertices dropped" in notes


# Keeping


def test_an_imported_scan_is_found_by_its_id(tmp_path: Path) -> None:
    kept = import_scan(write_room(tmp_path), home=tmp_path)
    assert kept.id == "scan/room"
    assert load_space("scan/room", tmp_path).digest == kept.digest
    assert ScanSource().names(tmp_path) == ["room"]


def test_importing_the_same_again_is_fine_but_another_under_its_name_is_not(tmp_path: Path) -> None:
    path = write_room(tmp_path)
    first = import_scan(path, home=tmp_path, name="home-1")
    assert import_scan(path, home=tmp_path, name="home-1").digest == first.digest
    write_ply(path, points(7), QUADS)
    with pytest.raises(UserError, match=r"scan/home-1 exists and is another scan.*--name"):
        import_scan(path, home=tmp_path, name="home-1")
    assert load_space("scan/home-1", tmp_path).digest == first.digest


def test_provenance_names_files_and_digests_but_no_folders(tmp_path: Path) -> None:
    space = read_scan(write_room(tmp_path))
    assert str(tmp_path) not in json.dumps(space.provenance)
    assert space.provenance["files"][0]["name"] == "room.ply"
    assert len(space.provenance["files"][0]["sha256"]) == 64


def test_a_folder_with_one_mesh_and_its_labels_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "flat 3"
    folder.mkdir()
    write_ply(folder / "mesh.ply", points(7), QUADS)
    write_ply(folder / "mesh_semantic.ply", points(7), QUADS, face_ids=np.array([1, 2, 3]))
    np.save(folder / "vertex_object_id.npy", np.ones(7, int))
    np.save(folder / "poses.npy", np.eye(4))
    table(folder / "labels.json", {"1": "a", "2": "b", "3": "c"})
    space = read_scan(folder, name="flat-3", up="y")
    np.testing.assert_array_equal(space.face_instance, [1, 1, 2, 3, 3, 3])
    by_vertex = read_scan(folder, name="flat-3", up="y", labels=folder / "vertex_object_id.npy")
    np.testing.assert_array_equal(by_vertex.face_instance, [1] * 6)


# Refusals


def _break_glb(path: Path) -> None:
    trimesh.creation.box().export(path)
    path.write_bytes(path.read_bytes()[:300])


def _cut(path: Path, form: str) -> None:
    write_room(path.parent, path.name, form=form)
    path.write_bytes(path.read_bytes()[:-40])


BAD_FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "unknown extension": ("a.stl", lambda p: p.write_bytes(b"solid"), r"must end in \.ply, \.glb"),
    "not a ply": ("a.ply", lambda p: p.write_bytes(b"plyx\nnonsense"), "does not begin like a PLY"),
    "empty": ("a.ply", lambda p: p.write_bytes(b""), "does not begin like a PLY"),
    "header without end": ("a.ply", lambda p: p.write_bytes(b"ply\nformat ascii 1.0\n"), "header has no end"),
    "wrong header": ("a.ply", lambda p: p.write_bytes(b"ply\nformat ascii 1.0\nelement vertex many\n"), "not PLY"),
    "cut ascii": ("a.ply", lambda p: _cut(p, "ascii"), "cut short"),
    "cut binary": ("a.ply", lambda p: _cut(p, "binary_little_endian"), "cut short"),
    "no faces": ("a.ply", lambda p: write_ply(p, points(5), []), "mesh without faces"),
    "only flat faces": ("a.ply", lambda p: write_ply(p, points(5), [[1, 1, 1]]), "mesh without faces"),
    "index too high": ("a.ply", lambda p: write_ply(p, points(3), [[0, 1, 7]]), "vertex that does not exist"),
    "words in ascii": (
        "a.ply",
        lambda p: p.write_text(write_room(p.parent, form="ascii").read_text().replace("0 0 0", "0 zero 0")),
        "not a number",
    ),
    "ply texture missing": (
        "a.ply",
        lambda p: write_ply(p, points(3), [[0, 1, 2]], comments=["TextureFile t.png"]),
        r"texture t\.png is missing",
    ),
    "cut glb": ("a.glb", _break_glb, "cut short"),
    "not a gltf": ("a.gltf", lambda p: p.write_text("{}"), "not valid glTF"),
    "gltf not json": ("a.gltf", lambda p: p.write_text("v 0 0 0"), "JSON cannot be read"),
    "gltf draco": (
        "a.gltf",
        lambda p: p.write_text('{"asset": {"version": "2.0"}, "extensionsRequired": ["KHR_draco_mesh_compression"]}'),
        "KHR_draco_mesh_compression",
    ),
    "gltf buffer missing": (
        "a.gltf",
        lambda p: p.write_text('{"asset": {"version": "2.0"}, "buffers": [{"uri": "b.bin", "byteLength": 4}]}'),
        r"b\.bin is missing",
    ),
    "gltf of points": (
        "a.gltf",
        lambda p: p.write_text('{"asset": {"version": "2.0"}, "scenes": [{"nodes": []}]}'),
        "mesh without faces",
    ),
    "obj of points": ("a.obj", lambda p: p.write_text("v 0 0 0\nv 1 1 1\n"), "mesh without faces"),
    "obj words": ("a.obj", lambda p: p.write_text("v 0 zero 0\nf 1 1 1\n"), "not a number"),
    "obj index": ("a.obj", lambda p: p.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n"), "does not exist"),
    "obj index zero": ("a.obj", lambda p: p.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n"), "does not exist"),
    "obj mixed face": (
        "a.obj",
        lambda p: p.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2 3\n"),
        "mixed form",
    ),
    "mtl missing": ("a.obj", lambda p: p.write_text("mtllib m.mtl\nv 0 0 0\nf 1 1 1\n"), r"m\.mtl is missing"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_are_no_meshes_are_refused_by_name(tmp_path: Path, case: str) -> None:
    name, make, message = BAD_FILES[case]
    make(tmp_path / name)
    with pytest.raises(UserError, match=message) as caught:
        import_scan(tmp_path / name, home=tmp_path / "home")
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "home").exists()


def test_no_such_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No such file or folder: .*nowhere\.ply"):
        import_scan(tmp_path / "nowhere.ply", home=tmp_path / "home")


def test_a_folder_without_one_obvious_mesh_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"exactly one mesh .*found: none"):
        read_scan(tmp_path / "empty")
    write_room(tmp_path / "empty", "a.ply")
    write_room(tmp_path / "empty", "b.ply")
    with pytest.raises(UserError, match=r"found: a\.ply, b\.ply"):
        read_scan(tmp_path / "empty")


def _labels_case(tmp_path: Path, labels: Any, instances: Any = None) -> None:
    """Import seven vertices and three polygons with these labels and this table."""
    path = write_ply(tmp_path / "a.ply", points(7), QUADS)
    np.save(tmp_path / "ids.npy", labels)
    value = {"1": "a", "2": "b"} if instances is None else instances
    import_scan(
        path,
        home=tmp_path / "home",
        labels=tmp_path / "ids.npy",
        instances=table(tmp_path / "t.json", value),
    )


@pytest.mark.parametrize(
    ("labels", "instances", "message"),
    [
        (np.ones(5, int), None, r"do not fit: .*has 5 ids, the mesh 7 vertices and 3 faces"),
        (np.ones((7, 2), int), None, "one list of whole numbers"),
        (np.array([1, 2, 70000]), None, "1 to 70000; 0 to 65535"),
        (np.array([1, -2, 1]), None, "-2 to 1"),
        (np.array([1.5, 1, 1]), None, "not whole numbers"),
        (np.array(["a", "b", "c"]), None, "whole numbers"),
        (np.array([1, 5, 9]), None, r"without 2 of the scan's instances: 5, 9\."),
        (np.array([1, 1, 1]), [1, 2], "not of the form"),
        (np.array([1, 1, 1]), {"one": "chair"}, "not of the form"),
        (np.array([1, 1, 1]), {"1": 5}, "not of the form"),
        (np.array([1, 1, 1]), {"1": "a", "0": "chair"}, "0 means unlabelled"),
        (np.array([1, 1, 1]), {"1": " "}, "empty category"),
        (np.array([1, 1, 1]), {"1": "a", "65536": "b"}, "0 to 65535"),
        (np.array([1, 1, 1]), [{"id": 1, "category": "a"}, {"id": 1, "category": "b"}], "two categories"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: Any, instances: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _labels_case(tmp_path, labels, instances)
    assert not (tmp_path / "home").exists()


def test_label_files_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    mesh = write_ply(tmp_path / "a.ply", points(7), QUADS)
    other = write_ply(tmp_path / "b.ply", points(7), QUADS[:2], face_ids=np.array([1, 2]))
    turned = write_ply(tmp_path / "c.ply", points(7), QUADS[::-1], face_ids=np.array([1, 2, 1]))
    moved = write_ply(tmp_path / "d.ply", points(7), [[0, 1, 2, 6], *QUADS[1:]], face_ids=np.array([1, 2, 1]))
    plain = write_ply(tmp_path / "e.ply", points(7), QUADS)
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "ids.txt").write_text("1 2 3")
    instances = table(tmp_path / "t.json", {"1": "a", "2": "b"})
    for labels, message in (
        (other, "has 2 faces, the mesh 3"),
        (turned, "are not those of the mesh"),
        (moved, "are not those of the mesh"),
        (plain, "no face property `object_id`"),
        (tmp_path / "broken.npy", "Cannot read the labels"),
        (tmp_path / "ids.txt", "is no label file"),
        (tmp_path / "nowhere.npy", "No such label file"),
    ):
        with pytest.raises(UserError, match=message):
            read_scan(mesh, labels=labels, instances=instances)


def test_labels_without_a_table_and_a_table_without_labels_are_refused(tmp_path: Path) -> None:
    mesh = write_ply(tmp_path / "a.ply", points(7), QUADS)
    np.save(tmp_path / "ids.npy", np.ones(7, int))
    with pytest.raises(UserError, match="--instances"):
        read_scan(mesh, labels=tmp_path / "ids.npy")
    with pytest.raises(UserError, match="--labels"):
        read_scan(mesh, instances=table(tmp_path / "t.json", {"1": "a"}))
    (tmp_path / "t.json").write_text("{")
    with pytest.raises(UserError, match=r"t\.json is not JSON"):
        read_scan(mesh, labels=tmp_path / "ids.npy", instances=tmp_path / "t.json")
    with pytest.raises(UserError, match="No such instance table"):
        read_scan(mesh, labels=tmp_path / "ids.npy", instances=tmp_path / "u.json")


def test_ids_in_the_mesh_without_a_table_are_left_out_with_a_note(tmp_path: Path) -> None:
    space = read_scan(write_ply(tmp_path / "a.ply", points(7), QUADS, face_ids=np.array([1, 2, 3])), up="y")
    assert not space.has_labels
    assert any("--instances" in note for note in space.provenance["notes"])


@pytest.mark.parametrize("name", ["a/b", "my room", "", ".hidden", "..", "a\\b", "né", "x" * 101])
def test_names_that_are_no_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot name a space"):
        import_scan(write_room(tmp_path), home=tmp_path, name=name)


@pytest.mark.parametrize(("option", "value", "message"), [("up", "w", "Unknown up axis"), ("unit", "km", "unit")])
def test_unknown_axes_and_units_are_refused_with_the_known(
    tmp_path: Path, option: str, value: str, message: str
) -> None:
    with pytest.raises(UserError, match=f"{message}.*Known:"):
        read_scan(write_room(tmp_path), **{option: value})


# The real scan


@pytest.fixture(scope="module")
def redkitchen() -> Space:
    if not REDKITCHEN.is_dir():
        pytest.skip("the real scan is not beside this repository")
    return read_scan(REDKITCHEN, name="redkitchen")


def test_the_real_scan_is_what_its_readme_says(redkitchen: Space) -> None:
    assert redkitchen.provenance["counts"]["file_faces"] == 239_245
    assert redkitchen.provenance["counts"]["file_vertices"] == len(redkitchen.vertices) == 139_915
    assert len(redkitchen.faces) == 239_243  # two have no area
    assert len(redkitchen.categories) == 15
    assert len(np.unique(redkitchen.face_instance)) == 60  # 59 instances and none
    assert abs(redkitchen.bounds[1, 1] - 1.77) < 0.01
    assert redkitchen.provenance["conversions"] == {"up": "y", "up_from": "labelled floor", "unit": "m"}
    corners = redkitchen.vertices[redkitchen.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    share = np.bincount(redkitchen.instance_category[redkitchen.face_instance], area) / area.sum()
    by_name = dict(zip(("unlabelled", *redkitchen.categories), (100 * share).round(1), strict=True))
    said = {"unlabelled": 7.5, "wall": 24.6, "cabinet": 21.5, "floor": 12.7, "table": 8.7, "book": 6.2, "mug": 0.3}
    assert {name: by_name[name] for name in said} == said


def test_the_real_scan_agrees_with_its_labels_per_vertex(redkitchen: Space) -> None:
    by_vertex = read_scan(REDKITCHEN, name="redkitchen", labels=REDKITCHEN / "vertex_object_id.npy")
    assert (by_vertex.face_instance == redkitchen.face_instance).mean() > 0.95


@pytest.mark.parametrize("up", UP_AXES)
def test_the_real_scan_turned_is_set_upright(redkitchen: Space, up: str) -> None:
    is_floor = redkitchen.instance_category[redkitchen.face_instance] == 1 + redkitchen.categories.index("floor")
    assert up_of_floor(redkitchen.vertices @ to_y_up(up), redkitchen.faces, is_floor) == up


def test_nothing_is_left_where_an_import_was_refused(tmp_path: Path) -> None:
    path = write_room(tmp_path)
    import_scan(path, home=tmp_path, name="kept")
    shutil.copy(path, tmp_path / "other.ply")
    with pytest.raises(UserError):
        import_scan(write_ply(path, points(7), QUADS), home=tmp_path, name="kept")
    assert [p.name for p in (tmp_path / "spaces" / "scan").iterdir()] == ["kept"]
