"""What a recording holds, what its name follows from, and what of it pre-training can reach."""

from __future__ import annotations

import copy
import gc
import json
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from sim_envs.errors import UserError
from sim_envs.generate import record
from sim_envs.modalities import MODALITIES
from sim_envs.recordings.format import FRAME_COLUMNS, modalities_of, recipe_hash
from sim_envs.recordings.reader import Recording, list_recordings
from sim_envs.recordings.sensed import LabelAccessError, SensedFrames
from sim_envs.recordings.writer import is_valid
from sim_envs.trajectories.plan import plan_trajectories
from tests.sim_envs.recording_kit import FRAMES, SPLITS, recipe, room


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(room(), recipe(), home=tmp_path_factory.mktemp("home"))


# --- what it holds


def test_every_modality_is_stored_as_the_table_says(recording: Recording) -> None:
    assert recording.modalities == tuple(MODALITIES)
    for name, row in MODALITIES.items():
        array = recording.array(name)
        assert (array.shape, array.dtype) == ((FRAMES, *row.frame_shape(32, 32)), np.dtype(row.dtype))


def test_arrays_are_plain_npy_and_read_only(recording: Recording) -> None:
    assert (np.load(recording.folder / "depth.npy") == recording.array("depth")).all()
    with pytest.raises(ValueError, match="read-only"):
        recording.array("depth")[0] = 0


def test_frames_are_in_the_order_of_the_planned_trajectories(recording: Recording) -> None:
    planned = plan_trajectories(room(), recipe().rig(), "auto", SPLITS, 0)
    np.testing.assert_array_equal(recording.poses, np.concatenate([t.camera_to_world for t in planned]))
    np.testing.assert_array_equal(recording.trajectory_ids, np.repeat([t.id for t in planned], 4))
    assert recording.frames["split"].tolist() == [t.split for t in planned for _ in range(4)]
    assert recording.frames["step"].tolist() == [0, 1, 2, 3] * len(planned)


def test_frames_parquet_has_a_plain_schema(recording: Recording) -> None:
    schema = pyarrow.parquet.read_schema(recording.folder / "frames.parquet")
    assert tuple(schema.names) == FRAME_COLUMNS
    types = {"trajectory": "int32", "step": "int32", "split": "string", "valid": "bool"}
    assert {field.name: str(field.type) for field in schema} == {
        name: types.get(name, "double") for name in FRAME_COLUMNS
    }


def test_splits_are_disjoint_and_hold_valid_frames_only(recording: Recording) -> None:
    parts = [recording.indices(split) for split in ("train", "val", "test")]
    np.testing.assert_array_equal(np.concatenate(parts), recording.indices())
    assert recording.frames["valid"].to_numpy()[recording.indices()].all()
    assert not set(recording.trajectory_ids[parts[0]]) & set(recording.trajectory_ids[parts[2]])


def test_meta_says_what_it_was_made_from(recording: Recording) -> None:
    meta = recording.meta
    assert meta.space.digest == room().digest
    assert (meta.engine.name, meta.rig.width, meta.categories) == ("raycast", 32, room().categories)
    assert set(meta.libraries) == {"numpy", "embreex", "trimesh", "opencv-python-headless"}
    assert meta.conventions["depth"].startswith("planar z")
    np.testing.assert_allclose(meta.rig.intrinsics, recording.rig.intrinsics)
    assert meta.valid_fraction["train"] == len(recording.indices("train")) / 12


def test_meta_tells_no_time_and_no_place(recording: Recording, tmp_path: Path) -> None:
    text = (recording.folder / "meta.json").read_text()
    created = json.loads((recording.folder / "log.json").read_text())["created"]
    assert created[:10] not in text
    assert str(recording.folder.parents[3]) not in text


def test_a_space_without_labels_leaves_no_label_files(tmp_path: Path) -> None:
    found = record(room(labels=False), recipe(), home=tmp_path)
    assert found.modalities == ("rgb", "depth", "normals", "edges")
    assert not (found.folder / "semantic.npy").exists()
    with pytest.raises(UserError, match="Unknown modality 'semantic'"):
        found.array("semantic")


def test_unknown_names_are_answered_with_near_ones(recording: Recording) -> None:
    with pytest.raises(UserError, match="Did you mean depth"):
        recording.array("deph")
    with pytest.raises(UserError, match="Did you mean train"):
        recording.indices("trian")


def test_recordings_are_listed_by_space(recording: Recording) -> None:
    assert list_recordings(recording.folder.parents[3]) == [recording.folder]


# --- which frames are of use


def frame(**changes: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    full = {
        "rgb": rng.integers(0, 256, (32, 32, 3)).astype(np.uint8),
        "depth": np.full((32, 32), 1500, np.uint16),
        "normals": np.full((32, 32, 3), (128, 128, 255), np.uint8),
        "semantic": np.zeros((32, 32), np.uint16),
    }
    return full | changes


def test_a_frame_with_something_to_see_is_valid_whatever_its_labels() -> None:
    assert is_valid(frame())


def test_a_frame_with_less_than_three_tenths_measured_is_not_valid() -> None:
    depth = np.zeros((32, 32), np.uint16)
    depth[:9] = 1500
    assert not is_valid(frame(depth=depth))
    depth[:12] = 1500
    assert is_valid(frame(depth=depth))


def test_one_plain_wall_is_not_valid_but_two_plain_walls_are() -> None:
    plain = np.full((32, 32, 3), 180, np.uint8)
    assert not is_valid(frame(rgb=plain))
    corner = np.full((32, 32, 3), (128, 128, 255), np.uint8)
    corner[:, 16:] = (255, 128, 128)
    assert is_valid(frame(rgb=plain, normals=corner))


# --- what its name follows from


@pytest.mark.parametrize(
    "change",
    [
        {"width": 33},
        {"height": 33},
        {"hfov": 91.0},
        {"seed": 1},
        {"trajectories": "walk"},
        {"splits": {"train": (3, 5)}},
        {"engine": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_recipe_changes_the_name(change: dict[str, Any]) -> None:
    names = modalities_of(room())
    assert recipe_hash(recipe(**change), "d", "1", names) != recipe_hash(recipe(), "d", "1", names)


def test_space_engine_version_and_modalities_change_the_name() -> None:
    names = modalities_of(room())
    hashes = {
        recipe_hash(recipe(), "d", "1", names),
        recipe_hash(recipe(), "e", "1", names),
        recipe_hash(recipe(), "d", "2", names),
        recipe_hash(recipe(), "d", "1", names[:4]),
    }
    assert len(hashes) == 4
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in hashes)


def test_the_order_of_splits_and_empty_splits_do_not_change_the_name() -> None:
    turned = recipe(splits={"test": (2, 4), "val": (1, 4), "train": (3, 4)})
    assert recipe_hash(turned, "d", "1", ()) == recipe_hash(recipe(), "d", "1", ())
    assert recipe(splits={"train": (3, 4), "val": (0, 4)}) == recipe(splits={"train": (3, 4)})


def test_a_pose_file_counts_by_its_content_not_its_place(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\n")
    one, two = (recipe_hash(recipe(trajectories=str(tmp_path / name)), "d", "1", ()) for name in ("a.txt", "b.txt"))
    assert one == two
    (tmp_path / "b.txt").write_text("1 0 0 5 0 1 0 0 0 0 1 0 0 0 0 1\n")
    assert recipe_hash(recipe(trajectories=str(tmp_path / "b.txt")), "d", "1", ()) != one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": {"trian": (1, 4)}}, "Unknown split 'trian'. Did you mean train"),
        ({"splits": {"train": (-1, 4)}}, "make no sense"),
        ({"splits": {"train": (1, 0)}}, "make no sense"),
        ({"splits": {}}, "0 frames are out of range"),
        ({"splits": {"train": (2000, 1000)}}, "2000000 frames are out of range"),
        ({"width": 31}, "Frame width 31 is out of range"),
        ({"hfov": 180.0}, "hfov 180.0 is out of range"),
    ],
)
def test_a_recipe_out_of_range_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        recipe(**change)


def test_a_kind_of_trajectory_that_is_no_file_either_is_answered_with_near_ones() -> None:
    with pytest.raises(UserError, match="Did you mean handheld"):
        recipe(trajectories="handhold").described()


# --- what pre-training can reach


@pytest.fixture(scope="module")
def sensed(recording: Recording) -> SensedFrames:
    return recording.sensed("train")


def test_sensed_frames_are_those_of_their_split_alone(recording: Recording, sensed: SensedFrames) -> None:
    assert sensed.modalities == ("rgb", "depth", "normals", "edges")
    rows = np.array([3, 0, 3])
    for name in sensed.modalities:
        wanted = recording.array(name)[recording.indices("train")[rows]]
        np.testing.assert_array_equal(sensed.get(name, rows), wanted)
    assert len(sensed) == len(recording.indices("train"))
    with pytest.raises(IndexError):
        sensed.get("rgb", np.array([len(sensed)]))


def test_slices_and_single_rows_are_copies_too(recording: Recording, sensed: SensedFrames) -> None:
    first = recording.indices("train")[0]
    for found in (sensed.get("depth", 0), sensed.get("depth", slice(0, 1))[0]):
        np.testing.assert_array_equal(found, recording.array("depth")[first])
        assert found.flags.writeable


@pytest.mark.parametrize("name", ["semantic", "instance"])
def test_asking_for_a_label_by_name_is_refused(name: str, sensed: SensedFrames) -> None:
    with pytest.raises(LabelAccessError, match="never shown to pre-training"):
        sensed.get(name, np.array([0]))


def test_labels_cannot_be_put_in_either(recording: Recording) -> None:
    with pytest.raises(LabelAccessError):
        SensedFrames({"semantic": recording.array("semantic")}, recording.indices())


def test_no_attribute_names_a_file_or_leads_to_the_recording(sensed: SensedFrames) -> None:
    assert not hasattr(sensed, "__dict__")
    values = [getattr(sensed, name) for name in dir(sensed) if not name.startswith("__")]
    assert not any(isinstance(value, str | Path | Recording) for value in values)


def test_arrays_lead_to_no_file_name(sensed: SensedFrames) -> None:
    array: Any = sensed.get("rgb", np.array([0]))
    assert not hasattr(array, "filename")
    array = sensed._arrays["rgb"]
    while array is not None:
        assert not isinstance(array, np.memmap)
        assert not hasattr(array, "filename")
        assert not hasattr(array, "name")
        array = getattr(array, "base", getattr(array, "obj", None))


def test_nothing_that_the_object_holds_is_the_path(recording: Recording, sensed: SensedFrames) -> None:
    """Walk everything reachable from the instance, types and modules left aside."""
    seen: set[int] = set()
    stack: list[Any] = [getattr(sensed, name) for name in SensedFrames.__slots__]
    while stack:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        assert not isinstance(thing, Path | Recording)
        assert not (isinstance(thing, str) and str(recording.folder.name) in thing)
        assert not (isinstance(thing, bytes) and recording.folder.name.encode() in thing)
        stack.extend(gc.get_referents(thing))
        stack.extend([thing.base] if isinstance(thing, np.ndarray) and thing.base is not None else [])
        stack.extend([thing.obj] if isinstance(thing, memoryview) else [])
    assert len(seen) > 8


def test_maps_are_read_only(sensed: SensedFrames) -> None:
    with pytest.raises(ValueError, match="read-only"):
        sensed._arrays["depth"][0] = 0
    with pytest.raises(ValueError, match="read-only"):
        sensed.indices[0] = 5


@pytest.mark.parametrize("escape", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_pickling_is_refused_rather_than_telling_the_path(escape: Any, sensed: SensedFrames) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        escape(sensed)


def test_forked_workers_read_the_same_frames(sensed: SensedFrames) -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    worker = context.Process(target=lambda: theirs.send(sensed.get("rgb", np.arange(4))))
    worker.start()
    np.testing.assert_array_equal(ours.recv(), sensed.get("rgb", np.arange(4)))
    worker.join()
    assert worker.exitcode == 0


def test_even_the_representation_says_no_path(recording: Recording, sensed: SensedFrames) -> None:
    assert recording.folder.name not in repr(sensed)
    assert repr(sensed) == f"SensedFrames({len(sensed)} frames of rgb, depth, normals, edges)"
