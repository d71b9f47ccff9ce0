"""Image folders: ``<modality>/<split>/<stem>.png``, with poses, intrinsics and categories beside them."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

from sim_envs.exports import Progress, Selection, Written
from sim_envs.exports.frames import camera_of, categories_of, frames_of
from sim_envs.exports.pictures import png
from sim_envs.modalities import MODALITIES
from sim_envs.recordings.format import POSE_COLUMNS

CONVENTIONS = {
    "folders": "<modality>/<split>/<trajectory>-<step>.png; PNGs hold the stored values, 8 or 16 bits, without loss",
    "poses.csv": "one row a frame: name, split, trajectory, step, and p00…p33, the 4×4 camera-to-world row by row",
    "intrinsics.json": "OpenCV: pixels, x right, y down, the centre of the top left pixel at (0.5, 0.5)",
    "categories.csv": "id in semantic, name in the words of the space, NYU40 id and name (0 and empty: none)",
}


class ImagesExporter:
    """See :class:`sim_envs.exports.Exporter`."""

    takes = tuple(MODALITIES)
    needs: tuple[str, ...] = ()

    def write(self, selection: Selection, folder: Path, progress: Progress) -> Written:
        """Write one PNG a frame and modality."""
        recording = selection.recording
        for name in selection.modalities:
            for split in selection.splits:
                (folder / name / split).mkdir(parents=True)
        with (folder / "poses.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["name", "split", "trajectory", "step", *POSE_COLUMNS])
            for done, frame in enumerate(frames_of(selection), start=1):
                for name in selection.modalities:
                    path = folder / name / frame.split / f"{frame.stem}.png"
                    path.write_bytes(png(recording.array(name)[frame.number]))
                pose = map(repr, frame.camera_to_world.reshape(-1).tolist())
                rows.writerow([frame.stem, frame.split, frame.trajectory, frame.step, *pose])
                progress(done, len(selection.frames))
        intrinsics = json.dumps(dataclasses.asdict(camera_of(recording)), indent=1)
        (folder / "intrinsics.json").write_text(intrinsics + "\n", encoding="utf-8")
        if "semantic" not in selection.modalities:
            return Written({key: how for key, how in CONVENTIONS.items() if key != "categories.csv"})
        with (folder / "categories.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["id", "name", "nyu40_id", "nyu40"])
            rows.writerows(dataclasses.astuple(category) for category in categories_of(recording))
        return Written(CONVENTIONS)
