"""Data sets that are read with scenezoo: every label on its face, and no label in a photo."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.spaces.formats import SCAN_FORMATS, import_scene
from tests.sim_envs.dataset_files import Scene
from tests.sim_envs.scenezoo_files import (
    FRONT_HOUSE,
    write_3dfront,
    write_3rscan,
    write_arkitscenes,
    write_multiscan,
    write_scannet,
    write_scannetpp,
    write_scenenn,
)

WRITERS: dict[str, tuple[Callable[[Path], Scene], str, tuple[str, ...]]] = {
    "scannet": (write_scannet, "scene0000_00", ("aggregation.json", "segs.json")),
    "scannetpp": (write_scannetpp, "0a5c013435", ("segments_anno.json", "segments.json")),
    "arkitscenes": (write_arkitscenes, "41069021", ("_3dod_annotation.json",)),
    "3rscan": (write_3rscan, "531cff08-0021-28f6-8e08-ba2eeb945e09", ("semseg.v2.json", "annotated.v2.ply")),
    "multiscan": (write_multiscan, "scene_00000_00", ("annotations.json",)),
    "scenenn": (write_scenenn, "005", ()),
}
"""Format → how a tiny download is written, its scene, and the files without which it has no labels."""


@pytest.fixture
def scenezoo() -> None:
    """Skip where the extra ``scans`` is not installed."""
    pytest.importorskip("scenezoo", exc_type=ImportError)
    pytest.importorskip("open3d", exc_type=ImportError)


def names_of(space: Space) -> list[str]:
    """Return the category of each face, "" for none."""
    return [("", *space.categories)[i] for i in space.instance_category[space.face_instance]]


@pytest.mark.usefixtures("scenezoo")
@pytest.mark.parametrize("name", WRITERS)
def test_every_label_lies_on_its_face_and_axes_and_unit_are_those_of_the_world(tmp_path: Path, name: str) -> None:
    write, scene, _ = WRITERS[name]
    room = write(tmp_path / "download")
    import_scene(name, tmp_path / "download", home=tmp_path / "home")
    space = load_space(f"scan/{name}-{scene}", tmp_path / "home")
    assert names_of(space) == [("floor", "wall", "table", "")[part] for part in np.repeat(room.part, 2)]
    np.testing.assert_allclose(space.vertices[space.faces], room.y_up[room.triangles], atol=1e-6)
    assert len(np.unique(space.face_instance)) == 4


@pytest.mark.usefixtures("scenezoo")
@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"3rscan"}))
def test_colours_are_those_of_the_photos_and_not_of_the_labels(tmp_path: Path, name: str) -> None:
    room = WRITERS[name][0](tmp_path / "download")
    space = import_scene(name, tmp_path / "download", home=tmp_path / "home")
    np.testing.assert_array_equal(space.vertex_rgb[space.faces], room.rgb[room.triangles])


@pytest.mark.usefixtures("scenezoo")
def test_3rscan_has_the_texture_of_its_other_mesh_the_right_way_up(tmp_path: Path) -> None:
    write_3rscan(tmp_path / "download")
    space = import_scene("3rscan", tmp_path / "download", home=tmp_path / "home")
    assert (space.face_texture == 0).all()
    u, v = space.uv[space.faces[0, 0]]
    assert space.textures[0][int((1 - v) * 2), int(u * 2)].tolist() == [120, 140, 160]


@pytest.mark.usefixtures("scenezoo")
@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"scenenn"}))
def test_a_scene_that_was_published_without_labels_is_taken_without(tmp_path: Path, name: str) -> None:
    write, _, labels = WRITERS[name]
    write(tmp_path / "download")
    for path in (tmp_path / "download").rglob("*"):
        if path.name.endswith(labels):
            path.unlink()
    space = import_scene(name, tmp_path / "download", home=tmp_path / "home")
    assert not space.has_labels
    assert any("no labels" in note for note in space.provenance["notes"])


@pytest.mark.usefixtures("scenezoo")
def test_labels_from_boxes_are_said_to_be_approximate(tmp_path: Path) -> None:
    write_arkitscenes(tmp_path / "download")
    space = import_scene("arkitscenes", tmp_path / "download", home=tmp_path / "home")
    assert any("approximations" in note for note in space.provenance["notes"])


@pytest.mark.usefixtures("scenezoo")
def test_a_house_of_3d_front_is_put_together_in_place_and_labelled(tmp_path: Path) -> None:
    write_3dfront(tmp_path / "download")
    space = import_scene("3dfront", tmp_path / "download", home=tmp_path / "home")
    assert names_of(space) == ["Floor", "Floor", "WallInner", "WallInner", "Nightstand", "Nightstand"]
    floor, _, wall, _, top, _ = space.vertices[space.faces]
    np.testing.assert_allclose(floor, [[0, 0, 0], [4, 0, 0], [4, 0, -3]], atol=1e-6)
    np.testing.assert_allclose(wall, [[0, 0, 0], [4, 0, 0], [4, 2.5, 0]], atol=1e-6)
    # a quarter turn about the vertical takes x to -z and z to x
    np.testing.assert_allclose(top, [[2, 0.6, -1], [2, 0.6, -2], [2.5, 0.6, -2]], atol=1e-6)
    colours = [space.textures[number] for number in space.face_texture]
    assert colours[0][0, 0].tolist() == [77, 77, 77]
    assert colours[2][0, 0].tolist() == [200, 100, 50]
    u, v = space.uv[space.faces[4, 0]]
    assert colours[4][int((1 - v) * 2), int(u * 2)].tolist() == [120, 140, 160]


@pytest.mark.usefixtures("scenezoo")
def test_furniture_of_3d_front_that_is_missing_is_named(tmp_path: Path) -> None:
    write_3dfront(tmp_path / "download")
    (tmp_path / "download" / "3D-FUTURE-model" / "model-0" / "raw_model.obj").unlink()
    with pytest.raises(UserError, match=r"model-0/raw_model\.obj"):
        import_scene("3dfront", tmp_path / "download", home=tmp_path / "home", scene=FRONT_HOUSE)
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("scenezoo")
def test_what_scenezoo_refuses_is_one_message(tmp_path: Path) -> None:
    write_scannet(tmp_path / "download")
    path = next((tmp_path / "download").rglob("*.segs.json"))
    path.write_text("{")
    with pytest.raises(UserError, match="scenezoo cannot read scene scene0000_00 of ScanNet v2"):
        import_scene("scannet", tmp_path / "download", home=tmp_path / "home")


# Without the extra


@pytest.mark.parametrize(("name", "missing"), [(name, row[2]) for name, row in WRITERS.items() if len(row[2]) > 1])
def test_missing_files_are_named_even_where_scenezoo_is_not_installed(
    tmp_path: Path, name: str, missing: tuple[str, ...]
) -> None:
    write, scene, _ = WRITERS[name]
    write(tmp_path / "download")
    path = next(path for path in (tmp_path / "download").rglob("*") if path.name.endswith(missing[0]))
    path.unlink()
    with pytest.raises(UserError, match=f"1 file of scene {scene} missing.*{path.name}"):
        import_scene(name, tmp_path / "download", home=tmp_path / "home")


def test_the_extra_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scenezoo", None)
    write_scannet(tmp_path / "download")
    with pytest.raises(UserError, match=r"pip install 'tst-bench\[scans\]'"):
        import_scene("scannet", tmp_path / "download", home=tmp_path / "home")


@pytest.mark.parametrize("name", [*WRITERS, "3dfront"])
def test_formats_are_described_without_loading_scenezoo(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scenezoo", None)
    row = SCAN_FORMATS[name]()
    assert row.title
    assert row.files
