"""Scene datasets made for habitat-sim: what their files say becomes one space, as habitat-sim would place it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmark.cli import app
from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import list_spaces, load_space
from sim_envs.spaces.habitat.attributes import Instance, ObjectAttributes, RenderAttributes
from sim_envs.spaces.habitat.compose import compose
from sim_envs.spaces.habitat.dataset import read_dataset
from sim_envs.spaces.habitat.placement import axes_to_world, object_to_world, stage_to_world
from tests.sim_envs.habitat_dataset_kit import (
    CRATE,
    crate_config,
    scene,
    write_dataset,
    write_glb,
    write_json,
    write_meshes,
)

NUMBER = st.floats(-3, 3)
SIZE = st.floats(0.1, 4)
VECTOR = st.tuples(NUMBER, NUMBER, NUMBER)
SIZES = st.tuples(SIZE, SIZE, SIZE)
QUATERNION = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)


def composed(config: Path, scene_id: str | None = None) -> Space:
    return compose(read_dataset(config), scene_id, "scan/test")


def with_objects(root: Path, instances: list[dict[str, Any]], **changes: Any) -> Space:
    """Return the tiny dataset's space with other objects in its scene."""
    config = write_dataset(root)
    write_json(root / "configs/scenes/flat.scene_instance.json", scene(object_instances=instances, **changes))
    return composed(config)


def bounds(space: Space, instance: int) -> np.ndarray:
    """Return the (2, 3) box of an instance."""
    corners = space.vertices[space.faces[space.face_instance == instance]].reshape(-1, 3)
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def category_of(space: Space, instance: int) -> str | None:
    number = space.instance_category[instance]
    return space.categories[number - 1] if number else None


# Where things are


def test_asset_local_puts_the_origin_of_the_file_at_the_translation(tmp_path: Path) -> None:
    space = with_objects(
        tmp_path, [{"template_name": "crate", "translation": [1, 0, -1], "translation_origin": "asset_local"}]
    )
    np.testing.assert_allclose(bounds(space, 1), np.add(CRATE, [1, 0, -1]), atol=1e-6)


def test_com_puts_the_middle_of_the_box_at_the_translation(tmp_path: Path) -> None:
    space = with_objects(
        tmp_path, [{"template_name": "crate", "translation": [1, 0.5, -1], "translation_origin": "COM"}]
    )
    np.testing.assert_allclose(bounds(space, 1).mean(axis=0), [1, 0.5, -1], atol=1e-6)


def test_without_any_word_of_the_origin_it_is_the_com(tmp_path: Path) -> None:
    space = with_objects(tmp_path, [{"template_name": "crate", "translation": [1, 0.5, -1]}], translation_origin="")
    np.testing.assert_allclose(bounds(space, 1).mean(axis=0), [1, 0.5, -1], atol=1e-6)


def test_a_given_centre_of_mass_is_scaled_and_put_at_the_translation(tmp_path: Path) -> None:
    config = write_dataset(tmp_path)
    write_json(tmp_path / "configs/objects/crate.object_config.json", crate_config(COM=[0.1, 0.0, 0.2]))
    instance = {"template_name": "crate", "translation": [1, 0, -1], "translation_origin": "COM", "uniform_scale": 2.0}
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", scene(object_instances=[instance]))
    np.testing.assert_allclose(bounds(composed(config), 1), np.add(2 * (CRATE - [0.1, 0, 0.2]), [1, 0, -1]), atol=1e-6)


def test_under_a_turned_node_the_middle_is_that_of_the_boxes_not_of_the_vertices(tmp_path: Path) -> None:
    turn = trimesh.transformations.rotation_matrix(np.radians(30), [0, 0, 1])
    prism = trimesh.Trimesh([[0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 2], [0, 1, 3], [1, 2, 3]])
    config = write_dataset(tmp_path)
    write_glb(tmp_path / "objects/crate.glb", {"prism": prism}, {"prism": turn})
    instance = {"template_name": "crate", "translation": [0, 1, 0], "translation_origin": "COM"}
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", scene(object_instances=[instance]))
    corners = trimesh.transform_points(trimesh.bounds.corners([[0, 0, 0], [2, 1, 1]]), turn)
    middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    first = bounds(composed(config), 1)
    vertices = trimesh.transform_points(prism.vertices, turn)
    np.testing.assert_allclose(first[0], vertices.min(axis=0) - middle + [0, 1, 0], atol=1e-6)


def test_rotation_is_w_x_y_z(tmp_path: Path) -> None:
    half = float(np.sqrt(0.5))
    space = with_objects(
        tmp_path,
        [{"template_name": "crate", "rotation": [half, 0, half, 0], "translation_origin": "asset_local"}],
    )
    np.testing.assert_allclose(bounds(space, 1), [[0, 0, -0.4], [0.8, 0.6, 0]], atol=1e-6)


@given(QUATERNION, VECTOR, SIZES, SIZES, SIZE)
def test_objects_are_placed_as_trimesh_multiplies_their_transformations(
    rotation: tuple[float, ...], translation: Any, scale: Any, stretch: Any, uniform: float
) -> None:
    attributes = ObjectAttributes(scale=scale, COM=(0.3, -0.2, 0.1))
    instance = Instance(
        template_name="x", rotation=rotation, translation=translation, uniform_scale=uniform, non_uniform_scale=stretch
    )
    scaling = np.diag([*(np.multiply(scale, stretch) * uniform), 1.0])
    turn = trimesh.transformations.quaternion_matrix(rotation)
    shift = trimesh.transformations.translation_matrix
    expected = shift(translation) @ turn @ scaling @ shift([-0.3, 0.2, -0.1])
    np.testing.assert_allclose(object_to_world(attributes, instance, "", np.zeros((2, 3))), expected, atol=1e-9)
    expected = shift(translation) @ turn @ scaling
    by_file = object_to_world(attributes, instance, "asset_local", np.zeros((2, 3)))
    np.testing.assert_allclose(by_file, expected, atol=1e-9)


@given(QUATERNION)
def test_up_and_front_of_the_file_become_y_and_minus_z(rotation: tuple[float, ...]) -> None:
    turn = trimesh.transformations.quaternion_matrix(rotation)[:3, :3]
    up, front = turn @ [0, 1, 0], turn @ [0, 0, -1]
    found = axes_to_world(tuple(2 * up), tuple(front))
    np.testing.assert_allclose(found @ turn, np.eye(3), atol=1e-7)


def test_axes_that_are_not_square_are_ignored_and_noted(tmp_path: Path) -> None:
    config = write_dataset(tmp_path)
    write_json(tmp_path / "configs/objects/crate.object_config.json", crate_config(up=[0, 1, 1], front=[0, 0, -1]))
    space = composed(config)
    np.testing.assert_allclose(bounds(space, 1), np.add(CRATE, [1, 0, -1.5]), atol=1e-6)
    assert any("right angles" in note for note in space.provenance["notes"])


def test_a_stage_is_turned_and_scaled_but_never_moved(tmp_path: Path) -> None:
    matrix = stage_to_world(
        RenderAttributes(up=(0, 0, 1), front=(0, 1, 0), scale=(2, 2, 2)),
        Instance(template_name="x", translation=(5, 5, 5), uniform_scale=0.5),
    )
    np.testing.assert_allclose(matrix @ [1, 2, 3, 1], [1, 3, -2, 1], atol=1e-12)
    config = write_dataset(tmp_path)
    moved = {"template_name": "stages/room", "translation": [5, 0, 0]}
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", scene(stage_instance=moved))
    space = composed(config)
    np.testing.assert_allclose(bounds(space, 0)[0], [-3.1, -0.1, -2.6], atol=1e-6)
    assert any("place of the stage is ignored" in note for note in space.provenance["notes"])


def test_a_bare_glb_as_stage_has_z_up_unless_defaults_say_otherwise(tmp_path: Path) -> None:
    write_meshes(tmp_path)
    bare = write_json(tmp_path / "a.scene_dataset_config.json", {"stages": {"paths": {".glb": ["stages/*.glb"]}}})
    cell = {"default_attributes": {"shader_type": "flat"}, "paths": {".glb": ["stages/*.glb"]}}
    with_defaults = write_json(tmp_path / "b.scene_dataset_config.json", {"stages": cell})
    np.testing.assert_allclose(np.ptp(composed(bare).bounds, axis=0), [6.2, 5.2, 2.7], atol=1e-5)
    np.testing.assert_allclose(np.ptp(composed(with_defaults).bounds, axis=0), [6.2, 2.7, 5.2], atol=1e-5)


# What things are


def test_categories_come_from_the_lexicon_and_every_object_is_an_instance(tmp_path: Path) -> None:
    space = composed(write_dataset(tmp_path))
    assert [category_of(space, i) for i in (1, 2, 3)] == ["box", "box", "lamp"]
    assert space.categories == ("box", "lamp")
    assert space.provenance["semantic_ids"] == {"box": 4, "lamp": 9}
    assert len(np.unique(space.face_instance)) == 4, "three objects and the stage, which has no instance"


def test_an_object_that_the_lexicon_does_not_know_has_an_instance_but_no_category(tmp_path: Path) -> None:
    config = write_dataset(tmp_path)
    write_json(tmp_path / "configs/objects/crate.object_config.json", crate_config(semantic_id=77))
    space = composed(config)
    assert [category_of(space, i) for i in (1, 2, 3)] == [None, None, "lamp"]
    assert "2 of 3 objects have no category in this dataset" in space.provenance["notes"]


def test_user_defined_categories_and_tables_serve_where_there_is_no_lexicon(tmp_path: Path) -> None:
    config = write_dataset(tmp_path, semantic_scene_descriptor_instances={})
    write_json(tmp_path / "configs/objects/crate.object_config.json", crate_config(user_defined={"category": "chest"}))
    (tmp_path / "semantics").mkdir()
    (tmp_path / "semantics/objects.csv").write_text('id,name,main_category\nlamp,"Reading lamp, tall",floor_lamp\n')
    space = composed(config)
    assert [category_of(space, i) for i in (1, 2, 3)] == ["chest", "chest", "floor_lamp"]


def test_without_any_names_the_templates_are_the_categories(tmp_path: Path) -> None:
    space = composed(write_dataset(tmp_path, semantic_scene_descriptor_instances={}))
    assert [category_of(space, i) for i in (1, 2, 3)] == ["crate", "crate", "lamp"]


def test_a_lexicon_can_be_named_through_a_semantic_config_of_the_scene(tmp_path: Path) -> None:
    """As HSSD does: %%CONFIG_NAME_AS_ASSET_FILENAME%% stands for the name of the scene."""
    config = write_dataset(
        tmp_path,
        scene_instances={
            "default_attributes": {
                "semantic_scene_instance": "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic_config.json",
            },
            "paths": {".json": ["configs/scenes"]},
        },
        semantic_scene_descriptor_instances={"paths": {".json": ["semantics/*"]}},
    )
    described = {"semantic_descriptor_filename": "../configs/ssd/lexicon.json", "region_annotations": []}
    write_json(tmp_path / "semantics/flat.semantic_config.json", described)
    assert composed(config).categories == ("box", "lamp")


# Which files


def test_a_variant_in_the_dataset_config_changes_a_copy_of_a_template(tmp_path: Path) -> None:
    objects = {
        "paths": {".json": ["configs/objects"]},
        "configs": [
            {
                "original_file": "configs/objects/crate.object_config.json",
                "template_handle": "big",
                "attributes": {"scale": [2, 2, 2]},
            },
            {
                "template_handle": "new",
                "attributes": {"render_asset": "objects/crate.glb", "semantic_id": 9, "scale": [3, 3, 3]},
            },
        ],
    }
    config = write_dataset(tmp_path, objects=objects)
    instances = [{"template_name": name, "translation_origin": "asset_local"} for name in ("big", "new", "crate")]
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", scene(object_instances=instances))
    space = composed(config)
    for instance, factor in ((1, 2), (2, 3), (3, 1)):
        np.testing.assert_allclose(bounds(space, instance), factor * CRATE, atol=1e-5)
    assert [category_of(space, i) for i in (1, 2, 3)] == ["box", "lamp", "box"]


def test_default_attributes_hold_where_a_file_says_nothing(tmp_path: Path) -> None:
    objects = {"default_attributes": {"scale": [2, 2, 2]}, "paths": {".json": ["configs/objects"]}}
    config = write_dataset(tmp_path, objects=objects)
    space = composed(config)
    np.testing.assert_allclose(bounds(space, 1), np.add(2 * CRATE, [1, 0, -1.5]), atol=1e-5)


def test_a_centre_of_mass_and_an_origin_among_the_defaults_are_forgotten_as_habitat_sim_forgets_them(
    tmp_path: Path,
) -> None:
    config = write_dataset(
        tmp_path,
        objects={"default_attributes": {"COM": [9, 9, 9]}, "paths": {".json": ["configs/objects"]}},
        scene_instances={
            "default_attributes": {"translation_origin": "asset_local"},
            "paths": {".json": ["configs/scenes"]},
        },
    )
    said = scene(object_instances=[{"template_name": "crate", "translation": [1, 0.5, -1]}])
    del said["translation_origin"]
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", said)
    np.testing.assert_allclose(bounds(composed(config), 1).mean(axis=0), [1, 0.5, -1], atol=1e-6)


def test_of_several_templates_that_contain_a_name_the_first_is_meant(tmp_path: Path) -> None:
    config = write_dataset(tmp_path)
    write_json(tmp_path / "configs/objects/armcrate.object_config.json", crate_config(scale=[2, 2, 2]))
    instance = {"template_name": "CRATE", "translation_origin": "asset_local"}
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", scene(object_instances=[instance]))
    np.testing.assert_allclose(bounds(composed(config), 1), 2 * CRATE, atol=1e-5)


def test_a_dataset_may_lie_in_a_folder_whose_name_looks_like_a_wildcard(tmp_path: Path) -> None:
    assert composed(write_dataset(tmp_path / "data [v1] *")).categories == ("box", "lamp")


def test_articulated_objects_are_named_as_left_out(tmp_path: Path) -> None:
    space = composed(write_dataset(tmp_path))
    assert "1 articulated objects (URDF) are left out: fridge" in space.provenance["notes"]


def test_invisible_objects_and_primitives_are_left_out_and_noted(tmp_path: Path) -> None:
    config = write_dataset(tmp_path)
    write_json(tmp_path / "configs/objects/ball.object_config.json", {"render_asset": "icosphereSolid_subdivs_1"})
    instances = [
        {"template_name": "crate", "is_instance_visible": False},
        {"template_name": "ball"},
        {"template_name": "lamp"},
    ]
    write_json(tmp_path / "configs/scenes/flat.scene_instance.json", scene(object_instances=instances))
    space = composed(config)
    assert space.categories == ("lamp",)
    assert sum("left out" in note for note in space.provenance["notes"]) == 3


def test_all_missing_files_are_named_before_any_work(tmp_path: Path) -> None:
    config = write_dataset(tmp_path)
    (tmp_path / "objects/crate.glb").unlink()
    (tmp_path / "stages/room.glb").unlink()
    with pytest.raises(UserError, match=r"2 of its files are missing:\n.*room\.glb.*\n.*crate\.glb"):
        composed(config)


def test_a_template_that_the_dataset_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sofa: none of the objects of tiny"):
        with_objects(tmp_path, [{"template_name": "sofa"}])


def test_a_texture_that_several_objects_share_is_kept_once(tmp_path: Path) -> None:
    from PIL import Image

    config = write_dataset(tmp_path)
    mesh = trimesh.creation.box(extents=(1, 1, 1))
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (8, 8), (10, 200, 30)))
    mesh.visual = trimesh.visual.TextureVisuals(uv=np.full((8, 2), 0.5), material=material)
    write_glb(tmp_path / "objects/crate.glb", {"crate": mesh})
    space = composed(config)
    assert len(space.textures) == 1
    assert (space.face_texture[space.face_instance == 2] == 0).all()
    assert space.textures[0][0, 0].tolist() == [10, 200, 30]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"stages": []}, "'stages' is no JSON object"),
        ({"objects": {"paths": {".json": "objects"}}}, "no list of paths"),
        ({"objects": {"configs": {"big": {}}}}, "objects.configs is no list"),
        ({"objects": {"configs": [{"attributes": {}}]}}, "neither 'original_file' nor 'template_handle'"),
        ({"objects": {"configs": [{"original_file": "sofa", "attributes": {}}]}}, "the original sofa"),
    ],
)
def test_a_config_of_another_form_is_refused_in_words(tmp_path: Path, cells: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_dataset(write_json(tmp_path / "x.scene_dataset_config.json", cells))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rotation": [0, 0, 0, 0]}, "rotation"),
        ({"translation": [0, 1]}, "translation"),
        ({"uniform_scale": "big"}, "uniform_scale"),
    ],
)
def test_an_instance_of_another_form_is_refused_in_words(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        with_objects(tmp_path, [{"template_name": "crate", **change}])


# The command


def invoke(*arguments: str, home: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["spaces", "import", *arguments, "--home", str(home)])
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_the_command_keeps_a_scene_and_prints_what_is_left_out(tmp_path: Path) -> None:
    config = write_dataset(tmp_path / "data")
    code, output = invoke("--habitat-dataset", str(config), home=tmp_path / "home")
    assert code == 0
    assert "scan/flat: " in output
    assert "fridge" in output
    space = load_space("scan/flat", tmp_path / "home")
    assert space.digest == composed(config).digest
    assert str(tmp_path) not in json.dumps(space.provenance)


def test_the_command_lists_the_scenes_where_there_are_several(tmp_path: Path) -> None:
    config = write_dataset(tmp_path / "data")
    write_json(tmp_path / "data/configs/scenes/loft.scene_instance.json", scene())
    _, output = invoke("--habitat-dataset", str(config), home=tmp_path / "home")
    assert "has 2 scenes: name one with --scene. flat, loft" in output
    assert invoke("--habitat-dataset", str(config), "--scene", "loft", home=tmp_path / "home")[0] == 0
    _, output = invoke("--habitat-dataset", str(config), "--scene", "fla", home=tmp_path / "home")
    assert "Did you mean flat?" in output


def test_the_command_refuses_what_does_not_go_together(tmp_path: Path) -> None:
    _, output = invoke("mesh.ply", "--habitat-dataset", "x.json", home=tmp_path)
    assert "PATH does not go together with --habitat-dataset" in output
    _, output = invoke("mesh.ply", "--scene", "x", home=tmp_path)
    assert "--scene names a scene of a data set" in output
    _, output = invoke(home=tmp_path)
    assert "Name a scan to import" in output


def test_an_import_that_is_killed_leaves_no_space_and_can_be_repeated(tmp_path: Path) -> None:
    config = write_dataset(tmp_path / "data")
    ball = trimesh.creation.icosphere(subdivisions=6)
    write_glb(tmp_path / "data/objects/crate.glb", {"ball": ball})
    instances = [{"template_name": "crate", "translation": [i, 0, 0]} for i in range(6)]
    write_json(tmp_path / "data/configs/scenes/flat.scene_instance.json", scene(object_instances=instances))
    for attempt in range(5):  # on a busy machine it may be done before it can be killed
        home = tmp_path / f"home-{attempt}"
        arguments = ["spaces", "import", "--habitat-dataset", str(config), "--home", str(home)]
        command = [sys.executable, "-c", "from benchmark.cli import main; main()", *arguments]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        folder = home / "spaces" / "scan"
        deadline = time.monotonic() + 60
        while not any(folder.glob(".flat.*.part/*.npy")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            break
    else:
        pytest.fail("the import was never killed while it wrote")
    assert not (folder / "flat").exists()
    assert "scan/flat" not in list_spaces(home)
    subprocess.run(command, check=True, capture_output=True)
    assert len(load_space("scan/flat", home).faces) == 72 + 6 * 81920
