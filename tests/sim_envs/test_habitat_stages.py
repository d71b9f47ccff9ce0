"""Scene datasets whose scenes are labelled scans: HM3D and Matterport3D through the configs that come with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces.habitat.compose import compose
from sim_envs.spaces.habitat.dataset import read_dataset
from tests.sim_envs.dataset_files import Scene, glb, write_hm3d, write_mp3d_habitat, write_replica

Z_UP = {"up": [0, 0, 1], "front": [0, 1, 0]}
HM3D_STAGES = {
    "default_attributes": {
        "shader_type": "flat",
        "origin": [0, 0, 0],
        "semantic_descriptor_filename": "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic.txt",
        "semantic_asset": "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic.glb",
        "has_semantic_textures": True,
        **Z_UP,
    },
    "paths": {".glb": ["minival/*/TEEsavR23oF.glb"]},
}
"""As in ``hm3d_annotated_basis.scene_dataset_config.json``."""
MP3D_STAGES = {
    "default_attributes": {
        "shader_type": "flat",
        "nav_asset": "%%CONFIG_NAME_AS_ASSET_FILENAME%%.navmesh",
        "semantic_asset": "%%CONFIG_NAME_AS_ASSET_FILENAME%%_semantic.ply",
        "semantic_descriptor_filename": "%%CONFIG_NAME_AS_ASSET_FILENAME%%.house",
        "semantic_up": [0, 1, 0],
        "semantic_front": [0, 0, -1],
        **Z_UP,
    },
    "paths": {".glb": ["mp3d/*/*.glb"]},
}
"""As for Matterport3D and Gibson: habitat-sim turns a PLY from Z up by itself, so its axes are given as turned."""


def write_config(root: Path, stages: dict[str, Any]) -> Path:
    config = root / "x.scene_dataset_config.json"
    config.write_text(json.dumps({"stages": stages, "scene_instances": {"default_attributes": {}}}))
    return config


def imported(root: Path, stages: dict[str, Any], scene: str | None = None) -> Space:
    return compose(read_dataset(write_config(root, stages)), scene, "scan/test")


def face_names(space: Space) -> list[str]:
    names = ("-", *space.categories)
    return [names[i] for i in space.instance_category[space.face_instance]]


def expected(room: Scene, names: tuple[str, ...]) -> list[str]:
    """Return the names of the triangles, two a quad."""
    return [names[part] for part in np.repeat(room.part, 2)]


@pytest.mark.parametrize("painted", ["texture", "vertices"])
def test_hm3d_through_its_own_config_has_texture_labels_and_y_up(tmp_path: Path, painted: str) -> None:
    room = write_hm3d(tmp_path, painted=painted)
    space = imported(tmp_path, HM3D_STAGES)
    assert face_names(space) == expected(room, ("floor", "wall, tiled", "table", "-"))
    np.testing.assert_allclose(space.bounds, [room.y_up.min(axis=0), room.y_up.max(axis=0)], atol=1e-5)
    assert len(space.textures) == 1
    assert {file["role"] for file in space.provenance["files"]} == {"scene dataset", "scene", "labels", "mesh"}


def test_matterport3d_through_its_own_config_has_the_labels_of_its_semantic_mesh(tmp_path: Path) -> None:
    room = write_mp3d_habitat(tmp_path)
    space = imported(tmp_path, MP3D_STAGES)
    assert face_names(space) == expected(room, ("floor", "tiled wall", "dining table", "-"))


def test_a_semantic_mesh_in_axes_of_its_own_is_turned_to_the_other(tmp_path: Path) -> None:
    room = write_mp3d_habitat(tmp_path)
    (tmp_path / "mp3d/17DRP5sb8fy/17DRP5sb8fy.glb").write_bytes(glb(room.y_up, room.triangles))
    stages = MP3D_STAGES | {
        "default_attributes": MP3D_STAGES["default_attributes"] | {"up": [0, 1, 0], "front": [0, 0, -1]}
    }
    space = imported(tmp_path, stages)
    assert face_names(space) == expected(room, ("floor", "tiled wall", "dining table", "-"))
    np.testing.assert_allclose(space.bounds, [room.y_up.min(axis=0), room.y_up.max(axis=0)], atol=1e-5)


def test_replica_through_stage_configs(tmp_path: Path) -> None:
    room = write_replica(tmp_path)
    stage = {
        "render_asset": "mesh.ply",
        "semantic_asset": "habitat/mesh_semantic.ply",
        "semantic_descriptor_filename": "habitat/info_semantic.json",
        **Z_UP,
    }
    (tmp_path / "room_0" / "room_0.stage_config.json").write_text(json.dumps(stage))
    space = imported(tmp_path, {"paths": {".json": ["room_0"]}}, "room_0")
    assert face_names(space) == expected(room, ("floor", "wall", "table", "-"))


def test_without_the_semantic_files_the_stage_has_no_labels(tmp_path: Path) -> None:
    room = write_hm3d(tmp_path)
    for file in tmp_path.rglob("*.semantic.*"):
        file.unlink()
    space = imported(tmp_path, HM3D_STAGES)
    assert not space.has_labels
    assert len(space.faces) == len(room.triangles)


def test_a_damaged_descriptor_is_named(tmp_path: Path) -> None:
    write_mp3d_habitat(tmp_path)
    house = tmp_path / "mp3d" / "17DRP5sb8fy" / "17DRP5sb8fy.house"
    house.write_text("ASCII 1.1\nnonsense\n")
    with pytest.raises(UserError, match=r"17DRP5sb8fy\.house"):
        imported(tmp_path, MP3D_STAGES)
