"""Each export format, read back by the library it is meant for, or by another that knows nothing of us."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import PIL.Image
import pytest
import webdataset as wds
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sim_envs.distortion import RadialDistortion
from sim_envs.exports import webdataset as our_webdataset
from sim_envs.exports.coco import MIN_AREA_PX, annotate, run_lengths
from sim_envs.exports.export import export_recording
from sim_envs.exports.frames import camera_of
from sim_envs.exports.pictures import png
from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from tests.sim_envs.export_kit import INVALID, labelled_room, record_room

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:pycocotools.*")
VALID = [number for number in range(16) if number != INVALID]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record_room(tmp_path_factory.mktemp("home"))


def exported(recording: Recording, format_name: str, root: Path, **asked: Any) -> Path:
    folder = root / format_name
    export_recording(recording, format_name, folder, home=root, **asked)
    return folder


def picture(source: Any) -> np.ndarray:
    """Decode a PNG by Pillow."""
    return np.array(PIL.Image.open(source))


def stem(recording: Recording, number: int) -> str:
    row = recording.frames.iloc[number]
    return f"{row.trajectory:06d}-{row.step:06d}"


# --- pictures


@given(
    st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda dtype: arrays(dtype, st.tuples(st.integers(1, 9), st.integers(1, 9)))
    )
)
def test_a_map_comes_back_from_its_png_as_it_was(values: np.ndarray) -> None:
    back = picture(io.BytesIO(png(values)))
    np.testing.assert_array_equal(back, values)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_a_colour_picture_comes_back_from_its_png_as_it_was(values: np.ndarray) -> None:
    np.testing.assert_array_equal(picture(io.BytesIO(png(values))), values)


# --- images


def test_image_folders_hold_the_stored_values_under_their_split(recording: Recording, tmp_path: Path) -> None:
    folder = exported(recording, "images", tmp_path)
    for name in recording.modalities:
        found = sorted(path.relative_to(folder / name).as_posix() for path in (folder / name).rglob("*.png"))
        split = recording.frames["split"]
        assert found == sorted(f"{split[number]}/{stem(recording, number)}.png" for number in VALID)
        for number in VALID:
            path = folder / name / split[number] / f"{stem(recording, number)}.png"
            np.testing.assert_array_equal(picture(path), recording.array(name)[number])


def test_poses_and_intrinsics_beside_the_images_are_those_of_the_recording(
    recording: Recording, tmp_path: Path
) -> None:
    folder = exported(recording, "images", tmp_path)
    poses = pd.read_csv(folder / "poses.csv", float_precision="round_trip")
    columns = [f"p{row}{column}" for row in range(4) for column in range(4)]
    np.testing.assert_array_equal(poses[columns].to_numpy().reshape(-1, 4, 4), recording.poses[VALID])
    assert poses["name"].tolist() == [stem(recording, number) for number in VALID]
    assert poses["split"].tolist() == recording.frames["split"].iloc[VALID].tolist()
    said = json.loads((folder / "intrinsics.json").read_text())
    focal = 24 / np.tan(np.radians(35))
    assert [said[name] for name in ("width", "height", "cx", "cy", "k1", "k2")] == [48, 32, 24, 16, 0, 0]
    assert [said["fx"], said["fy"]] == pytest.approx([focal, focal])


def test_categories_have_the_words_of_the_space_and_their_nyu40_category(recording: Recording, tmp_path: Path) -> None:
    folder = exported(recording, "images", tmp_path)
    with (folder / "categories.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [["1", "wall", "1", "wall"], ["2", "office chair", "5", "chair"], ["3", "gizmo", "0", ""]]


# --- WebDataset


def read_tars(folder: Path, modality: str, split: str) -> list[dict[str, Any]]:
    """Read the shards of a modality by the webdataset library."""
    shards = [str(path) for path in sorted((folder / modality).glob(f"{split}-*.tar"))]
    lossless = wds.handle_extension(f"{modality}.png", lambda data: picture(io.BytesIO(data)))
    return list(wds.WebDataset(shards, shardshuffle=False).decode(lossless))


@pytest.mark.parametrize("shard_frames", [3, 1000])
def test_webdataset_reads_equal_keys_and_the_stored_values_in_every_modality(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard_frames: int
) -> None:
    monkeypatch.setattr(our_webdataset, "SHARD_FRAMES", shard_frames)
    folder = exported(recording, "webdataset", tmp_path)
    numbers = {stem(recording, number): number for number in VALID}
    seen = []
    for split in ("train", "val", "test"):
        keys = [sample["__key__"] for sample in read_tars(folder, "camera", split)]
        seen += keys
        for name in recording.modalities:
            samples = read_tars(folder, name, split)
            assert [sample["__key__"] for sample in samples] == keys
            for sample in samples:
                stored = recording.array(name)[numbers[sample["__key__"]]]
                np.testing.assert_array_equal(sample[f"{name}.png"], stored)
                assert sample[f"{name}.png"].dtype == stored.dtype
    assert seen == list(numbers)
    shards = {path.name for path in (folder / "rgb").iterdir()}
    assert len(shards) == (7 if shard_frames == 3 else 3)
    assert all({path.name for path in (folder / name).iterdir()} == shards for name in recording.modalities)


def test_webdataset_decodes_colours_and_cameras_without_help(recording: Recording, tmp_path: Path) -> None:
    folder = exported(recording, "webdataset", tmp_path)
    rgb = next(iter(wds.WebDataset(str(folder / "rgb" / "test-000000.tar"), shardshuffle=False).decode("rgb8")))
    np.testing.assert_array_equal(rgb["rgb.png"], recording.array("rgb")[12])
    camera = read_tars(folder, "camera", "test")[0]["camera.json"]
    np.testing.assert_array_equal(camera["camera_to_world"], recording.poses[12])
    assert (camera["trajectory"], camera["step"], camera["split"]) == (3, 0, "test")


# --- nerfstudio


def distance_to_boxes(space: Space, points: np.ndarray) -> np.ndarray:
    """Return how far (N, 3) points are from the nearest surface of a space made of boxes, metres."""
    corners = space.vertices.reshape(-1, 8, 3).astype(np.float64)  # eight a box
    low, high = corners.min(axis=1), corners.max(axis=1)
    beyond = np.maximum(low[None] - points[:, None], points[:, None] - high[None])  # (N, boxes, 3)
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
    inside = np.minimum(beyond.max(axis=-1), 0)
    return np.abs(outside + inside).min(axis=1)


@pytest.mark.parametrize("lens", [RadialDistortion(0.0, 0.0), RadialDistortion(-0.2, 0.05)], ids=str)
def test_depth_of_transforms_json_puts_every_pixel_on_the_surface_it_shows(
    lens: RadialDistortion, tmp_path: Path
) -> None:
    folder = exported(record_room(tmp_path / "home", distortion=lens), "nerfstudio", tmp_path)
    said = json.loads((folder / "transforms.json").read_text())
    matrix = np.array([[said["fl_x"], 0, said["cx"]], [0, said["fl_y"], said["cy"]], [0, 0, 1]])
    rows, columns = np.mgrid[: said["h"], : said["w"]]
    pixels = np.stack([columns + 0.5, rows + 0.5], axis=-1).reshape(-1, 1, 2)
    rays = cv2.undistortPoints(pixels, matrix, np.array([said["k1"], said["k2"], 0, 0]))
    x, y = rays.reshape(said["h"], said["w"], 2).transpose(2, 0, 1)
    for frame in said["frames"]:
        depth = picture(folder / frame["depth_file_path"]) * 0.001
        camera = np.stack([x * depth, -y * depth, -depth, np.ones_like(depth)], axis=-1)[depth > 0]
        world = camera @ np.array(frame["transform_matrix"]).T
        assert distance_to_boxes(labelled_room(), world[:, :3]).max() < 1e-3  # depth is rounded to a millimetre


def test_boxes_are_seen_on_the_pixels_that_matrix_and_intrinsics_say(recording: Recording, tmp_path: Path) -> None:
    """Corners projected by hand bound what is seen of a box; a box that nothing hides fills the bounds."""
    corners = labelled_room().vertices.reshape(-1, 8, 3).astype(np.float64)  # instances count the boxes from 1
    folder = exported(recording, "nerfstudio", tmp_path)
    said = json.loads((folder / "transforms.json").read_text())
    instances = {f"images/{stem(recording, number)}.png": recording.array("instance")[number] for number in VALID}
    filled = 0
    for frame in said["frames"]:
        pose = np.array(frame["transform_matrix"])
        camera = (corners - pose[:3, 3]) @ pose[:3, :3]  # (boxes, 8, 3)
        for number in np.unique(instances[frame["file_path"]]).tolist():
            x, y, z = camera[number - 1].T
            if number and (z < -0.1).all():
                u, v = said["cx"] + said["fl_x"] * x / -z, said["cy"] - said["fl_y"] * y / -z
                rows, columns = np.nonzero(instances[frame["file_path"]] == number)
                seen = np.array([columns.min(), rows.min(), -columns.max() - 1, -rows.max() - 1])
                bounds = np.array([max(u.min(), 0), max(v.min(), 0), -min(u.max(), 48), -min(v.max(), 32)])
                assert (seen > bounds - 0.6).all()  # a pixel is seen by its centre
                filled += bool((seen < bounds + 0.6).all())
    assert filled >= 5


def test_the_splits_of_nerfstudio_are_ours_where_all_are_there_and_left_out_otherwise(
    recording: Recording, tmp_path: Path
) -> None:
    said = json.loads((exported(recording, "nerfstudio", tmp_path) / "transforms.json").read_text())
    for split in ("train", "val", "test"):
        numbers = recording.indices(split)
        assert said[f"{split}_filenames"] == [f"images/{stem(recording, number)}.png" for number in numbers]
    part = exported(recording, "nerfstudio", tmp_path / "part", splits=["train", "test"], modalities=["rgb"])
    said = json.loads((part / "transforms.json").read_text())
    assert not [key for key in said if key.endswith("_filenames")]
    assert len(said["frames"]) == 11
    assert not any("depth_file_path" in frame for frame in said["frames"])


def test_the_parser_of_nerfstudio_reads_cameras_depth_and_splits(recording: Recording, tmp_path: Path) -> None:
    parser = pytest.importorskip("nerfstudio.data.dataparsers.nerfstudio_dataparser")
    folder = exported(recording, "nerfstudio", tmp_path)
    config = parser.NerfstudioDataParserConfig(
        data=folder, orientation_method="none", center_method="none", auto_scale_poses=False
    )
    camera = camera_of(recording)
    for split in ("train", "val", "test"):
        found = config.setup().get_dataparser_outputs(split)
        numbers = recording.indices(split)
        assert found.image_filenames == [folder / "images" / f"{stem(recording, n)}.png" for n in numbers]
        assert found.metadata["depth_filenames"] == [folder / "depths" / f"{stem(recording, n)}.png" for n in numbers]
        np.testing.assert_allclose(found.cameras.camera_to_worlds.numpy(), recording.poses[numbers, :3], atol=1e-5)
        for name in ("fx", "fy", "cx", "cy", "width", "height"):
            np.testing.assert_allclose(getattr(found.cameras, name).numpy(), getattr(camera, name), rtol=1e-6)


# --- COCO


def test_pycocotools_reads_masks_and_boxes_of_the_instances_in_view(recording: Recording, tmp_path: Path) -> None:
    folder = exported(recording, "coco", tmp_path)
    compared = 0
    for split in ("train", "val", "test"):
        coco = COCO(str(folder / "annotations" / f"instances_{split}.json"))
        assert len(coco.imgs) == len(recording.indices(split))
        for number in recording.indices(split):
            instance, semantic = (recording.array(name)[number] for name in ("instance", "semantic"))
            image = coco.loadImgs([number + 1])[0]
            np.testing.assert_array_equal(
                picture(folder / "images" / split / image["file_name"]), recording.array("rgb")[number]
            )
            annotations = coco.loadAnns(coco.getAnnIds(imgIds=[number + 1]))
            for annotation in annotations:
                mask = coco.annToMask(annotation).astype(bool)
                np.testing.assert_array_equal(mask, instance == annotation["instance_id"])
                assert set(semantic[mask].tolist()) == {annotation["category_id"]}
                rle = coco.annToRLE(annotation)
                assert annotation["area"] == coco_mask.area(rle)
                assert annotation["bbox"] == coco_mask.toBbox(rle).tolist()
                assert annotation["iscrowd"] == 0
                compared += 1
            ids, counts = np.unique(instance[instance > 0], return_counts=True)
            left_out = set(ids[counts >= MIN_AREA_PX].tolist()) - {a["instance_id"] for a in annotations}
            for missing in left_out:
                assert min(coco_mask.toBbox(coco_mask.encode(np.asfortranarray(instance == missing)))[2:]) < 2
            assert all(a["area"] >= MIN_AREA_PX for a in annotations)
    assert compared > 50


def test_coco_categories_are_the_words_of_the_space_below_those_of_nyu40(recording: Recording, tmp_path: Path) -> None:
    folder = exported(recording, "coco", tmp_path, splits=["val"])
    coco = COCO(str(folder / "annotations" / "instances_val.json"))
    assert [(c["id"], c["name"], c["supercategory"]) for c in coco.loadCats(coco.getCatIds())] == [
        (1, "wall", "wall"), (2, "office chair", "chair"), (3, "gizmo", "")
    ]  # fmt: skip
    assert not (folder / "annotations" / "instances_train.json").exists()


def test_the_annotations_score_full_marks_against_themselves(recording: Recording, tmp_path: Path) -> None:
    folder = exported(recording, "coco", tmp_path)
    truth = COCO(str(folder / "annotations" / "instances_test.json"))
    found = truth.loadRes([annotation | {"score": 1.0} for annotation in truth.dataset["annotations"]])
    for kind in ("bbox", "segm"):
        evaluation = COCOeval(truth, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        assert evaluation.stats[0] == pytest.approx(1.0)


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_run_lengths_are_those_of_pycocotools(mask: np.ndarray) -> None:
    ours = {"size": list(mask.shape), "counts": run_lengths(mask)}
    assert coco_mask.frPyObjects(ours, *mask.shape) == coco_mask.encode(np.asfortranarray(mask, np.uint8))


def test_specks_threads_and_what_has_no_category_are_not_annotated() -> None:
    instance = np.zeros((32, 32), np.uint16)
    instance[0:4, 0:4] = 1  # 16 pixels
    instance[0:3, 10:15] = 2  # 15 pixels
    instance[20, 0:30] = 3  # a thread
    instance[24:30, 0:6] = 4  # without a category
    instance[24:28, 20:24] = instance[10:12, 20:24] = 300  # in two parts
    semantic = np.where((instance > 0) & (instance != 4), 7, 0).astype(np.uint16)
    found = {annotation["instance_id"]: annotation for annotation in annotate(instance, semantic)}
    assert sorted(found) == [1, 300]
    assert found[300]["bbox"] == [20, 10, 4, 18]
    assert found[300]["area"] == 24
    assert found[300]["category_id"] == 7
