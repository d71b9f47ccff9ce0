"""nerfstudio: ``transforms.json`` with RGB and depth, for ``ns-train … nerfstudio-data --data FOLDER``.

Format: https://docs.nerf.studio/quickstart/data_conventions.html. Its cameras are ours (OpenGL, camera-to-world);
its parser turns and scales the world by itself (``orientation_method``, ``auto_scale_poses``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sim_envs.exports import Progress, Selection, Written
from sim_envs.exports.frames import camera_of, frames_of
from sim_envs.exports.pictures import png
from sim_envs.trajectories import SPLITS

TRANSFORMS_FILE = "transforms.json"
FOLDERS = {"rgb": "images", "depth": "depths"}
CONVENTIONS = {
    TRANSFORMS_FILE: "transform_matrix is the 4×4 camera-to-world of an OpenGL camera, metres, Y up; "
    "camera_model OPENCV with fl_x, fl_y, cx, cy in pixels and the radial k1, k2",
    "depth": "16-bit PNG, planar z in millimetres, 0 = no measurement: nerfstudio's depth_unit_scale_factor 0.001 "
    "(its default) and is_euclidean_depth False",
    "splits": "train_filenames, val_filenames and test_filenames where all three splits are here; nerfstudio refuses "
    "a file with only some of them, so a part of the splits comes without, and nerfstudio divides it by itself",
}


class NerfstudioExporter:
    """See :class:`sim_envs.exports.Exporter`."""

    takes = ("rgb", "depth")
    needs = ("rgb",)

    def write(self, selection: Selection, folder: Path, progress: Progress) -> Written:
        """Write the pictures, then the file that names them."""
        recording, camera = selection.recording, camera_of(selection.recording)
        for name in selection.modalities:
            (folder / FOLDERS[name]).mkdir()
        frames: list[dict[str, Any]] = []
        files: dict[str, list[str]] = {split: [] for split in SPLITS}
        for done, frame in enumerate(frames_of(selection), start=1):
            paths = {name: f"{FOLDERS[name]}/{frame.stem}.png" for name in selection.modalities}
            for name, path in paths.items():
                (folder / path).write_bytes(png(recording.array(name)[frame.number]))
            depth = {"depth_file_path": paths["depth"]} if "depth" in paths else {}
            frames.append({"file_path": paths["rgb"], **depth, "transform_matrix": frame.camera_to_world.tolist()})
            files[frame.split].append(paths["rgb"])
            progress(done, len(selection.frames))
        transforms: dict[str, Any] = {
            "camera_model": "OPENCV",
            "w": camera.width,
            "h": camera.height,
            "fl_x": camera.fx,
            "fl_y": camera.fy,
            "cx": camera.cx,
            "cy": camera.cy,
            "k1": camera.k1,
            "k2": camera.k2,
            "p1": 0.0,
            "p2": 0.0,
        }
        if all(files.values()):
            transforms |= {f"{split}_filenames": names for split, names in files.items()}
        text = json.dumps(transforms | {"frames": frames}, indent=1)
        (folder / TRANSFORMS_FILE).write_text(text + "\n", encoding="utf-8")
        return Written(CONVENTIONS)
