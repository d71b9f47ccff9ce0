"""COCO: boxes and masks of the instances in view, for pycocotools and whatever reads its files.

Format: https://cocodataset.org/#format-data. ``images/<split>/<stem>.png`` and
``annotations/instances_<split>.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.exports import Progress, Selection, Written
from sim_envs.exports.frames import Frame, categories_of, frames_of
from sim_envs.exports.pictures import png
from sim_envs.recordings.reader import Recording

MIN_AREA_PX = 16
MIN_SIDE_PX = 2
CONVENTIONS = {
    "categories": "those of the space, in its own words and with its ids; supercategory is the NYU40 category, "
    "empty where there is none",
    "annotations": "one for each instance in view: what is visible of it, however much is hidden, as one mask that may "
    f"have several parts; instances with less than {MIN_AREA_PX} visible pixels, or a box narrower than {MIN_SIDE_PX}, "
    "and instances without a category are left out. Walls, floors and ceilings are instances like others",
    "segmentation": "uncompressed RLE: column by column, run lengths of 0 and 1 in turn; area is its number of pixels; "
    "iscrowd is 0",
    "bbox": "[x, y, width, height] in pixels around the visible pixels, from the top left corner of the picture",
    "instance_id": "of the space: the same object has the same in all frames",
}


class CocoExporter:
    """See :class:`sim_envs.exports.Exporter`."""

    takes = ("rgb", "semantic", "instance")
    needs = ("rgb", "semantic", "instance")

    def write(self, selection: Selection, folder: Path, progress: Progress) -> Written:
        """Write the pictures, and one file of annotations a split."""
        recording = selection.recording
        images: dict[str, list[dict[str, Any]]] = {split: [] for split in selection.splits}
        annotations: dict[str, list[dict[str, Any]]] = {split: [] for split in selection.splits}
        (folder / "annotations").mkdir()
        for split in selection.splits:
            (folder / "images" / split).mkdir(parents=True)
        for done, frame in enumerate(frames_of(selection), start=1):
            image = _image(frame, recording)
            (folder / "images" / frame.split / image["file_name"]).write_bytes(
                png(recording.array("rgb")[frame.number])
            )
            images[frame.split].append(image)
            of_split = annotations[frame.split]
            for annotation in annotate(
                recording.array("instance")[frame.number], recording.array("semantic")[frame.number]
            ):
                of_split.append({"id": len(of_split) + 1, "image_id": image["id"], **annotation})
            progress(done, len(selection.frames))
        categories = [{"id": c.id, "name": c.name, "supercategory": c.nyu40} for c in categories_of(recording)]
        for split in selection.splits:
            dataset = {
                "info": {"description": f"{recording.meta.space.id}, {split}", "version": recording.meta.digest},
                "licenses": [],
                "categories": categories,
                "images": images[split],
                "annotations": annotations[split],
            }
            with (folder / "annotations" / f"instances_{split}.json").open("w", encoding="utf-8") as file:
                json.dump(dataset, file, separators=(",", ":"), ensure_ascii=False)
        counts = {split: len(found) for split, found in annotations.items()}
        return Written(CONVENTIONS, {"annotations": counts, "min_area_px": MIN_AREA_PX, "min_side_px": MIN_SIDE_PX})


def _image(frame: Frame, recording: Recording) -> dict[str, Any]:
    """Return the entry of a picture; its id is the frame's number in the recording, counted from 1."""
    return {
        "id": frame.number + 1,
        "file_name": f"{frame.stem}.png",
        "width": recording.meta.rig.width,
        "height": recording.meta.rig.height,
        "trajectory": frame.trajectory,
        "step": frame.step,
    }


def annotate(instance: np.ndarray, semantic: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield an annotation without ``id`` and ``image_id`` for every instance in view that counts.

    Args:
        instance: (H, W) uint16, 0 = none.
        semantic: (H, W) uint16, 0 = unlabelled.
    """
    for number, count in zip(*np.unique(instance, return_counts=True), strict=True):
        if number == 0 or count < MIN_AREA_PX:
            continue
        mask = instance == number
        category = int(semantic[mask][0])  # an instance has one category
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        width, height = int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
        if category == 0 or min(width, height) < MIN_SIDE_PX:
            continue
        yield {
            "category_id": category,
            "bbox": [int(columns[0]), int(rows[0]), width, height],
            "area": int(count),
            "iscrowd": 0,
            "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
            "instance_id": int(number),
        }


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return COCO's uncompressed RLE of an (H, W) mask: column by column, starting with the number of zeros."""
    flat = np.concatenate([[False], mask.reshape(-1, order="F"), [not mask[-1, -1]]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(changes, prepend=0).tolist()
