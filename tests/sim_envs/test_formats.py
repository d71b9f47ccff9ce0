"""Data sets of scans: what was downloaded becomes a space with every label on its face, or what is missing is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.spaces.formats import SCAN_FORMATS
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.mesh_files import read_mesh
from tests.command_line import Done, run_command
from tests.sim_envs.dataset_files import (
    Scene,
    put,
    write_hm3d,
    write_matterport3d,
    write_mp3d_habitat,
    write_replica,
    write_s3dis,
)
from tests.sim_envs.scan_files import write_ply


@pytest.fixture
def tst_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run the entry point in this process; its data home is the folder ``home``."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Done:
        return run_command(capsys, *arguments)

    return run


WRITERS: dict[str, tuple[Callable[[Path], Scene], str, tuple[str, ...]]] = {
    "replica": (write_replica, "room_0", ("floor", "wall", "table")),
    "hm3d": (write_hm3d, "00800-TEEsavR23oF", ("floor", "wall, tiled", "table")),
    "matterport3d": (write_matterport3d, "17DRP5sb8fy", ("floor", "tiled wall", "dining table")),
    "s3dis": (write_s3dis, "area_1", ("floor", "wall", "table")),
    "mp3d-habitat": (write_mp3d_habitat, "17DRP5sb8fy", ("floor", "tiled wall", "dining table")),
}
"""Format → how a tiny download of it is written, its scene, and the category of each part of it."""


def names_of(space: Space) -> list[str]:
    """Return the category of each face, "" for none."""
    return [("", *space.categories)[i] for i in space.instance_category[space.face_instance]]


@pytest.mark.parametrize("name", WRITERS)
def test_every_label_lies_on_its_face_and_axes_and_unit_are_those_of_the_world(
    tst_bench: Callable[..., Done], tmp_path: Path, name: str
) -> None:
    write, scene, categories = WRITERS[name]
    room = write(tmp_path / "download")
    done = tst_bench("spaces", "import", "--format", name, tmp_path / "download")
    assert done.code == 0, done.err
    space = load_space(f"scan/{name}-{scene}", tmp_path / "home")
    expected = [(*categories, "")[part] for part in np.repeat(room.part, 2)]
    assert names_of(space) == expected
    np.testing.assert_allclose(space.vertices[space.faces], room.y_up[room.triangles], atol=1e-6)
    floor = np.array(expected) == "floor"
    assert np.abs(space.vertices[space.faces[floor], 1]).max() < 1e-6
    up_from = "labelled floor" if name == "s3dis" else "format"
    assert space.provenance["conversions"] == {"up": "z", "up_from": up_from, "unit": "m"}


@pytest.mark.parametrize("name", ["replica", "matterport3d", "mp3d-habitat"])
def test_vertex_colours_are_taken_over_as_they_are(tst_bench: Callable[..., Done], tmp_path: Path, name: str) -> None:
    write, scene, _ = WRITERS[name]
    room = write(tmp_path / "download")
    tst_bench("spaces", "import", "--format", name, tmp_path / "download")
    space = load_space(f"scan/{name}-{scene}", tmp_path / "home")
    np.testing.assert_array_equal(space.vertex_rgb[space.faces], room.rgb[room.triangles])


@pytest.mark.parametrize("painted", ["texture", "vertices"])
def test_hm3d_is_painted_in_textures_or_in_vertex_colours(
    tst_bench: Callable[..., Done], tmp_path: Path, painted: str
) -> None:
    room = write_hm3d(tmp_path / "download", painted=painted)
    assert tst_bench("spaces", "import", "--format", "hm3d", tmp_path / "download", "--name", "flat").code == 0
    space = load_space("scan/flat", tmp_path / "home")
    assert names_of(space) == [("floor", "wall, tiled", "table", "")[part] for part in np.repeat(room.part, 2)]
    assert len(space.textures) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("replica", "mesh.ply"),
        ("hm3d", "TEEsavR23oF.semantic.glb"),
        ("matterport3d", "17DRP5sb8fy.ply"),
        ("mp3d-habitat", "17DRP5sb8fy.house"),
        ("s3dis", "rgb.obj"),
    ],
)
def test_all_missing_files_are_named_at_once_before_any_is_read(
    tst_bench: Callable[..., Done], tmp_path: Path, name: str, kept: str
) -> None:
    WRITERS[name][0](tmp_path / "download")
    layout = SCAN_FORMATS[name]().layout  # type: ignore[attr-defined]
    folder = next(iter(layout.scenes(tmp_path / "download").values()))
    found = [file.find(folder) for file in (*layout.needed, *layout.labels)]
    for path in found:
        if path.name == kept:
            path.write_bytes(b"not read")
        else:
            path.unlink()
    done = tst_bench("spaces", "import", "--format", name, tmp_path / "download")
    assert done.code == 2
    assert [path.name for path in found if f"{path.name} (" in done.err] == [p.name for p in found if p.name != kept]
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_a_scene_without_any_labels_is_taken_where_its_data_set_has_such(
    tst_bench: Callable[..., Done], tmp_path: Path
) -> None:
    write_hm3d(tmp_path / "download")
    folder = tmp_path / "download" / "minival" / "00800-TEEsavR23oF"
    (folder / "TEEsavR23oF.semantic.txt").unlink()
    done = tst_bench("spaces", "import", "--format", "hm3d", tmp_path / "download")
    assert done.code == 2
    assert "TEEsavR23oF.semantic.txt" in done.err
    (folder / "TEEsavR23oF.semantic.glb").unlink()
    done = tst_bench("spaces", "import", "--format", "hm3d", tmp_path / "download")
    assert done.code == 0, done.err
    assert "no labels" in done.err
    assert not load_space("scan/hm3d-00800-TEEsavR23oF", tmp_path / "home").has_labels


def test_hm3d_is_read_from_the_archive_for_habitat_too(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    write_hm3d(tmp_path / "download")
    folder = tmp_path / "download" / "minival" / "00800-TEEsavR23oF"
    (folder / "TEEsavR23oF.glb").rename(folder / "TEEsavR23oF.basis.glb")
    done = tst_bench("spaces", "import", "--format", "hm3d", tmp_path / "download")
    assert done.code == 0, done.err
    (folder / "TEEsavR23oF.basis.glb").unlink()
    done = tst_bench("spaces", "import", "--format", "hm3d", tmp_path / "download", "--name", "other")
    assert done.code == 2
    assert "hm3d-…-glb, or hm3d-…-habitat" in done.err


def test_several_scenes_are_listed_and_one_is_taken_by_its_id(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    for scene in ("room_0", "office_3", "apartment_1"):
        write_replica(tmp_path / "download", scene)
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download")
    assert done.code == 2
    assert "apartment_1, office_3, room_0" in done.err
    assert "--scene" in done.err
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download", "--scene", "ofice_3")
    assert done.code == 2
    assert "Did you mean office_3?" in done.err
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download", "--scene", "office_3")
    assert done.code == 0, done.err
    assert "scan/replica-office_3" in done.out


def test_the_folder_of_a_scene_does_as_well_as_the_root(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    write_replica(tmp_path / "download")
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download" / "room_0")
    assert done.code == 0, done.err
    assert "scan/replica-room_0" in done.out


def test_a_scene_behind_a_link_bears_the_name_of_the_link(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    write_replica(tmp_path / "disk", "17")
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / "room_0").symlink_to(tmp_path / "disk" / "17")
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download", "--scene", "room_0")
    assert done.code == 0, done.err
    assert "scan/replica-room_0" in done.out


class OneTriangle:
    """A format of another package."""

    title = "One triangle"
    files = ("{scene}.ply (the triangle)",)

    def scenes(self, root: Path) -> list[str]:
        return sorted(path.stem for path in root.glob("*.ply"))

    def read(self, root: Path, scene: str) -> RawScan:
        mesh = read_mesh(root / f"{scene}.ply")
        return RawScan(mesh, np.array([1]), np.array([0, 1], np.uint16), ("lamp",), (("mesh", root / f"{scene}.ply"),))


def test_another_package_adds_a_format_by_entry_point(
    tst_bench: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = EntryPoint("triangle", f"{__name__}:OneTriangle", "tst_bench.scan_formats")
    monkeypatch.setattr("sim_envs.registry.entry_points", lambda group: [row] if group == row.group else [])
    write_ply(put(tmp_path / "a" / "b.ply", ""), np.eye(3), [[0, 1, 2]])
    assert "triangle   One triangle" in tst_bench("spaces", "formats").out
    done = tst_bench("spaces", "import", "--format", "triangle", tmp_path / "a")
    assert done.code == 0, done.err
    assert names_of(load_space("scan/triangle-b", tmp_path / "home")) == ["lamp"]


def test_names_without_an_evaluation_category_are_listed_once(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    write_replica(tmp_path / "download")
    path = tmp_path / "download" / "room_0" / "habitat" / "info_semantic.json"
    path.write_text(path.read_text().replace('"table"', '"quarzgeist"').replace('"wall"', '"other-leaf"'))
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download")
    assert done.code == 0, done.err
    listed = "2 categories have no nyu40 category and are ignored in scoring: other-leaf, quarzgeist"
    assert done.err.count(listed) == done.err.count("quarzgeist") == 1


def test_formats_are_listed_with_the_files_they_need(tst_bench: Callable[..., Done]) -> None:
    done = tst_bench("spaces", "formats")
    assert done.code == 0
    for name in SCAN_FORMATS:
        assert f"{name}   " in done.out
    assert "habitat/info_semantic.json" in done.out
    assert "{stem}.semantic.txt" in done.out


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("--format replicca {root}", "Did you mean replica?"),
        ("--format replica {root}/nowhere", "No such folder"),
        ("--format replica {root}/empty", "habitat/mesh_semantic.ply"),
        ("--format replica {root} --up sideways", "sideways"),
        ("--format replica {root} --unit mile", "mile"),
        ("--format replica {root} --name a/b", "a/b"),
        ("--format replica {root} --labels {root}/ids.npy", "--labels"),
        ("{root}/room_0/mesh.ply --scene room_0", "--format"),
    ],
)
def test_wrong_options_are_one_message_and_exit_code_2(
    tst_bench: Callable[..., Done], tmp_path: Path, line: str, named: str
) -> None:
    write_replica(tmp_path / "download")
    (tmp_path / "download" / "empty").mkdir()
    done = tst_bench("spaces", "import", *line.format(root=tmp_path / "download").split())
    assert done.code == 2
    assert named in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_a_floor_that_is_not_below_is_hinted_at(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    write_replica(tmp_path / "download")
    done = tst_bench("spaces", "import", "--format", "replica", tmp_path / "download", "--up", "y")
    assert done.code == 0, done.err
    assert "the labelled floor says z" in done.err
    assert "--up z" in done.err


# Files that are not what they should be

HOUSE = Path("17DRP5sb8fy.house")
DAMAGED: list[tuple[str, str, Callable[[Path], object], str]] = [
    ("replica", "habitat/info_semantic.json", lambda p: p.write_text("{"), "is not JSON"),
    ("replica", "habitat/info_semantic.json", lambda p: p.write_text("[]"), "not an info_semantic.json"),
    ("replica", "habitat/mesh_semantic.ply", lambda p: shutil.copy(p.parents[1] / "mesh.ply", p), "object_id"),
    ("replica", "mesh.ply", lambda p: p.write_bytes(p.read_bytes()[:-30]), "cut short"),
    ("hm3d", "TEEsavR23oF.semantic.txt", lambda p: p.write_text("HM3D Semantic Annotations\n1,C9,x,0\n"), "line 2"),
    ("hm3d", "TEEsavR23oF.semantic.txt", lambda p: p.write_text("HM3D Semantic Annotations\n"), "no instance"),
    ("hm3d", "TEEsavR23oF.semantic.txt", lambda p: p.write_text('1,C9C373,"a",0\n2,C9C373,"b",0\n'), "two instances"),
    ("mp3d-habitat", "17DRP5sb8fy.house", lambda p: p.write_text("hello"), "not an ASCII .house"),
    (
        "mp3d-habitat",
        "17DRP5sb8fy.house",
        lambda p: p.write_text("\n".join(p.read_text().splitlines()[:-6])),
        "it holds 2 objects",
    ),
    ("mp3d-habitat", "17DRP5sb8fy.house", lambda p: p.write_text("ASCII 1.1\nC 0\n"), "line 2"),
    (
        "mp3d-habitat",
        "17DRP5sb8fy_semantic.ply",
        lambda p: write_ply(p, np.eye(3), [[0, 1, 2]]),
        "says nothing of instances",
    ),
]


@pytest.mark.parametrize(("name", "file", "damage", "message"), DAMAGED)
def test_damaged_files_are_refused_by_name(
    tst_bench: Callable[..., Done], tmp_path: Path, name: str, file: str, damage: Callable[[Path], object], message: str
) -> None:
    WRITERS[name][0](tmp_path / "download")
    path = next((tmp_path / "download").rglob(Path(file).name))
    damage(path)
    done = tst_bench("spaces", "import", "--format", name, tmp_path / "download")
    assert done.code == 2
    assert message in done.err
    assert path.name in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "home").exists()


def test_an_unknown_format_lists_the_near_ones() -> None:
    with pytest.raises(UserError, match=r"Did you mean .*replica"):
        SCAN_FORMATS["replicas"]
