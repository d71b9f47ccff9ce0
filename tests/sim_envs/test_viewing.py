"""What Rerun is shown, read back from the ``.rrd`` file by Rerun's own reader."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from tests.sim_envs.export_kit import INVALID, labelled_room, record_room
from tests.sim_envs.recording_kit import start

rr = pytest.importorskip("rerun", reason="the extra `view` is not installed")
chunk = pytest.importorskip("rerun.chunk")

from sim_envs.viewing import mesh  # noqa: E402
from sim_envs.viewing.frames import SPLIT_COLOURS, frames_to_show  # noqa: E402
from sim_envs.viewing.mesh import mesh_parts  # noqa: E402
from sim_envs.viewing.view import save_view  # noqa: E402


class Rrd:
    """An ``.rrd`` file by entity: rows of component → value, static ones or those of a timeline."""

    def __init__(self, path: Path) -> None:
        self.batches = [(c.entity_path, c.is_static, c.to_record_batch()) for c in chunk.RrdReader(path).stream()]

    def entities(self) -> set[str]:
        return {path for path, _, _ in self.batches}

    def static(self, path: str) -> dict[str, Any]:
        rows = [row for entity, static, batch in self.batches if entity == path and static for row in batch.to_pylist()]
        return {name: value for row in rows for name, value in row.items()}

    def timed(self, path: str) -> list[dict[str, Any]]:
        rows = [
            row for entity, static, batch in self.batches if entity == path and not static for row in batch.to_pylist()
        ]
        return sorted(rows, key=lambda row: row["frame"])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record_room(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def rrd(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Rrd:
    return saved(labelled_room(), recording, tmp_path_factory.mktemp("rrd") / "room.rrd")


def saved(space: Space | None, recording: Recording | None, path: Path, frames: int = 100) -> Rrd:
    save_view(space, recording, path, frames, lambda done, total: None)
    return Rrd(path)


def test_mesh_paths_and_every_modality_are_there(rrd: Rrd, recording: Recording) -> None:
    expected = {f"/world/camera/{name}" for name in recording.modalities}
    expected |= {f"/world/paths/{split}" for split in ("train", "val", "test")}
    expected |= {"/world", "/world/camera", "/world/instances"}
    expected |= {f"/world/space/{name}" for name in ("wall", "office\\ chair", "gizmo")}
    assert expected <= rrd.entities()


def test_every_valid_frame_is_there_on_the_timeline_of_all_and_on_that_of_its_trajectory(
    rrd: Rrd, recording: Recording
) -> None:
    valid = [number for number in range(16) if number != INVALID]
    for name in recording.modalities:
        rows = rrd.timed(f"/world/camera/{name}")
        assert [row["frame"] for row in rows] == valid
        for number, row in zip(valid, rows, strict=True):
            trajectory, step, split = recording.frames.loc[number, ["trajectory", "step", "split"]]
            timelines = {name: value for name, value in row.items() if name.startswith("trajectory")}
            assert timelines == {f"trajectory {trajectory:03d}, {split}": step}


def test_pictures_come_back_as_they_were_recorded(rrd: Rrd, recording: Recording) -> None:
    columns = {
        "rgb": "EncodedImage:blob",
        "depth": "EncodedDepthImage:blob",
        "normals": "EncodedImage:blob",
        "edges": "Image:buffer",
        "semantic": "SegmentationImage:buffer",
        "instance": "SegmentationImage:buffer",
    }
    for name, column in columns.items():
        row = rrd.timed(f"/world/camera/{name}")[7]
        stored, data = recording.array(name)[row["frame"]], bytes(row[column][0])
        encoded = column.endswith("blob")
        found = np.array(PIL.Image.open(io.BytesIO(data))) if encoded else np.frombuffer(data, stored.dtype)
        np.testing.assert_array_equal(found.reshape(stored.shape), stored)


def test_depth_is_in_millimetres(rrd: Rrd) -> None:
    assert rrd.timed("/world/camera/depth")[0]["EncodedDepthImage:meter"] == [1000.0]


def test_the_camera_stands_where_the_pose_says_and_has_the_intrinsics_of_the_rig(
    rrd: Rrd, recording: Recording
) -> None:
    for row in rrd.timed("/world/camera"):
        pose = recording.poses[row["frame"]]
        np.testing.assert_allclose(row["Transform3D:translation"][0], pose[:3, 3], rtol=1e-6)
        np.testing.assert_allclose(row["Transform3D:mat3x3"][0], pose[:3, :3].T.reshape(-1), atol=1e-6)  # columns first
    said = rrd.static("/world/camera")
    matrix = np.array(said["Pinhole:image_from_camera"][0]).reshape(3, 3).T
    np.testing.assert_allclose(matrix, recording.rig.intrinsics, rtol=1e-6)
    assert said["Pinhole:resolution"] == [[48.0, 32.0]]


def test_paths_have_a_strip_a_trajectory_in_the_colour_of_the_split(rrd: Rrd, recording: Recording) -> None:
    said = rrd.static("/world/paths/train")
    assert [len(strip) for strip in said["LineStrips3D:strips"]] == [4, 3]
    np.testing.assert_allclose(said["LineStrips3D:strips"][0], recording.poses[:4, :3, 3], rtol=1e-6)
    red, green, blue = SPLIT_COLOURS["train"]
    assert said["LineStrips3D:colors"] == [(red << 24) | (green << 16) | (blue << 8) | 255]
    assert said["LineStrips3D:labels"] == ["train, trajectory 0", "train, trajectory 1"]


def test_ids_have_the_names_of_their_categories(rrd: Rrd, recording: Recording) -> None:
    def names(modality: str) -> dict[int, str]:
        described = rrd.static(f"/world/camera/{modality}")["AnnotationContext:context"][0]
        infos = [entry["class_description"]["info"] for entry in described]
        return {info["id"]: info["label"] for info in infos}

    assert names("semantic") == {0: "unlabelled", 1: "wall", 2: "office chair", 3: "gizmo"}
    seen = np.unique(recording.array("instance")[recording.indices()])
    categories = ("wall", "office chair", "gizmo")
    assert names("instance") == {0: "none"} | {i: f"{categories[i % 3]} {i}" for i in seen.tolist() if i}


def test_meshes_have_every_face_once_with_its_colours(rrd: Rrd) -> None:
    space = labelled_room()

    def corners(vertices: np.ndarray, colours: np.ndarray, faces: np.ndarray) -> list[Any]:
        rows = np.concatenate([vertices[faces].reshape(-1, 9), colours[faces].reshape(-1, 9)], axis=1)
        return sorted(rows.astype(np.float64).round(5).tolist())

    found: list[Any] = []
    for name in ("wall", "office\\ chair", "gizmo"):
        said = rrd.static(f"/world/space/{name}")
        packed = np.array(said["Mesh3D:vertex_colors"], np.uint32)
        colours = np.stack([packed >> shift & 255 for shift in (24, 16, 8)], axis=1)
        vertices = np.array(said["Mesh3D:vertex_positions"], np.float32)
        found += corners(vertices, colours, np.array(said["Mesh3D:triangle_indices"]))
    assert sorted(found) == corners(space.vertices, space.vertex_rgb, space.faces)


def test_instance_boxes_enclose_their_instance_and_bear_its_category(rrd: Rrd) -> None:
    said = rrd.static("/world/instances")
    space = labelled_room()
    shown = [i for i in range(1, len(space.instance_category)) if space.instance_category[i] != 1]  # walls are not
    assert said["Boxes3D:labels"] == [space.categories[space.instance_category[i] - 1] for i in shown]
    corners = space.vertices[space.faces[space.face_instance == shown[3]]].reshape(-1, 3)
    np.testing.assert_allclose(said["Boxes3D:centers"][3], (corners.min(axis=0) + corners.max(axis=0)) / 2, atol=1e-6)
    np.testing.assert_allclose(said["Boxes3D:half_sizes"][3], np.ptp(corners, axis=0) / 2, atol=1e-6)


def test_a_textured_face_keeps_its_texture_with_v_downwards(tmp_path: Path) -> None:
    plain = labelled_room()
    texture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    uv = np.random.default_rng(0).random((len(plain.vertices), 2)).astype(np.float32)
    of_face = np.where(plain.face_instance == 3, 0, -1).astype(np.int32)  # instance 3 is a wall
    said = saved(replace(plain, textures=(texture,), uv=uv, face_texture=of_face), None, tmp_path / "room.rrd").static(
        "/world/space/wall/texture\\ 0"
    )
    used = np.unique(plain.faces[plain.face_instance == 3])
    np.testing.assert_allclose(said["Mesh3D:vertex_texcoords"], uv[used] * [1, -1] + [0, 1], atol=1e-6)
    assert bytes(said["Mesh3D:albedo_texture_buffer"][0]) == texture.tobytes()


def test_a_large_texture_shared_by_categories_is_not_copied_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = labelled_room()
    texture = np.zeros((64, 64, 3), np.uint8)
    space = replace(plain, textures=(texture,), face_texture=np.zeros_like(plain.face_texture))
    assert [part.name for part in mesh_parts(space)] == ["wall", "office chair", "gizmo"]
    monkeypatch.setattr(mesh, "MAX_TEXTURE_BYTES", 2 * texture.nbytes)
    assert [part.name for part in mesh_parts(space)] == ["several categories"]
    with_ceiling = replace(space, categories=("wall", "ceiling", "gizmo"))
    assert [part.name for part in mesh_parts(with_ceiling)] == ["ceiling", "several categories"]


def test_fewer_frames_are_whole_trajectories_of_every_split(recording: Recording) -> None:
    assert frames_to_show(recording, 100).tolist() == recording.indices().tolist()
    assert frames_to_show(recording, 14).tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15]
    assert len(frames_to_show(recording, 5)) <= 5


def test_a_space_alone_has_its_mesh_and_a_recording_alone_its_frames(recording: Recording, tmp_path: Path) -> None:
    alone = saved(labelled_room(labels=False), None, tmp_path / "space.rrd").entities()
    assert "/world/space/unlabelled" in alone
    assert not any(path.startswith(("/world/camera", "/world/instances")) for path in alone)
    alone = saved(None, recording, tmp_path / "recording.rrd").entities()
    assert "/world/camera/depth" in alone
    assert not any(path.startswith("/world/space") for path in alone)


def test_nothing_half_written_is_left_where_the_view_was_interrupted(recording: Recording, tmp_path: Path) -> None:
    def interrupted(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_view(labelled_room(), recording, tmp_path / "room.rrd", 100, interrupted)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_refuses_is_named_and_nothing_is_left(recording: Recording, tmp_path: Path) -> None:
    process = start(
        "import resource\n"
        "from sim_envs.errors import UserError\n"
        "from sim_envs.recordings.reader import Recording\n"
        "from sim_envs.viewing.view import save_view\n"
        f"recording = Recording.open(Path({str(recording.folder)!r}))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        f"try: save_view(None, recording, Path({str(tmp_path / 'room.rrd')!r}), 100, lambda done, total: None)\n"
        "except UserError as error: print(error)\n"
    )
    output, errors = process.communicate(timeout=60)
    assert output.startswith(f"Cannot write {tmp_path / 'room.rrd'}: File too large"), errors
    assert not list(tmp_path.iterdir())
