"""Look at a capture: what there is to know of it, where the camera went, and a contact sheet of its frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim_envs.captures.capture import Capture
from sim_envs.captures.engine import CaptureEngine
from sim_envs.rig import Rig
from sim_envs.spaces.preview import RIG, VIEWS, contact_sheet
from sim_envs.storage import write_whole

_CLOUD_FRAMES, _CLOUD_STEP = 60, 12
_ARROWS, _ARROW_M = 40, 0.25


def capture_info(capture: Capture) -> dict[str, Any]:
    """Return a JSON-like description of a capture."""
    positions = capture.camera_to_world[:, :3, 3]
    seconds = np.ptp(capture.timestamps) if np.isfinite(capture.timestamps).all() else None
    return {
        "id": capture.id,
        "digest": capture.digest,
        "frames": len(capture),
        "size": f"{capture.camera.width} × {capture.camera.height}",
        "hfov_deg": round(capture.camera.widest_hfov(capture.camera.width, capture.camera.height), 2),
        "widest_square_hfov_deg": capture.widest_hfov(1, 1),
        "measured_pixels": capture.provenance["measured_share"],
        "seconds": None if seconds is None else round(float(seconds), 2),
        "camera_path_m": round(float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum()), 2),
        "camera_extent_m": [round(float(side), 3) for side in np.ptp(positions, axis=0)],
        "labels": capture.labels.space.id if capture.labels else False,
        "agreement_with_scan": capture.provenance.get("agreement_with_scan"),
        "categories": list(capture.categories),
        "left_out": capture.provenance["left_out"],
        "up_from": capture.provenance["conversions"]["up_from"],
        "notes": capture.provenance["notes"],
        "provenance": dict(capture.provenance),
    }


def preview_capture(capture: Capture, out: Path) -> list[Path]:
    """Write ``path.png`` and ``contact-sheet.png`` into a folder, and return their paths.

    Raises:
        UserError: the folder cannot be written, or a frame is damaged.
    """
    path, sheet = out / "path.png", out / "contact-sheet.png"
    write_whole(path, lambda beside: _draw_path(capture, beside))
    picture = contact_sheet(capture, _views(capture))
    write_whole(sheet, lambda beside: picture.save(beside, format="PNG"))
    return [path, sheet]


def _views(capture: Capture) -> list[dict[str, np.ndarray]]:
    """Return frames spread evenly over the capture, as its engine gives them."""
    engine = CaptureEngine(capture, Rig(RIG.width, RIG.height, min(RIG.hfov, capture.widest_hfov(1, 1))))
    try:
        return [engine.render(capture.camera_to_world[i]) for i in _spread(len(capture), VIEWS)]
    finally:
        engine.close()


def _draw_path(capture: Capture, path: Path) -> None:
    """Draw, from straight above, the measured points in their colours and the camera's path over them."""
    figure = Figure(figsize=(9, 9), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    points, colours = _cloud(capture)
    upwards = np.argsort(points[:, 1])
    axes.scatter(points[upwards, 0], points[upwards, 2], c=colours[upwards] / 255, s=1.5, linewidths=0)
    poses = capture.camera_to_world
    time = np.linspace(0, 1, len(poses))
    axes.plot(poses[:, 0, 3], poses[:, 2, 3], color="white", linewidth=3)
    axes.scatter(poses[:, 0, 3], poses[:, 2, 3], c=time, cmap="viridis", s=9, zorder=3)
    some = poses[_spread(len(poses), _ARROWS)]
    looks = -_ARROW_M * some[:, :3, 2]
    axes.quiver(
        *(some[:, 0, 3], some[:, 2, 3], looks[:, 0], looks[:, 2], np.linspace(0, 1, len(some))),
        cmap="viridis", angles="xy", scale_units="xy", scale=1, width=0.003, zorder=4,
    )  # fmt: skip
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_xlabel("x, metres")
    axes.set_ylabel("z, metres")
    axes.set_title(f"{capture.id}: {len(capture)} frames, from violet (first) to yellow (last), seen from above")
    figure.savefig(path, format="png", bbox_inches="tight")


def _cloud(capture: Capture) -> tuple[np.ndarray, np.ndarray]:
    """Return (M, 3) measured points in the world, metres, and their (M, 3) uint8 colours."""
    camera, points, colours = capture.camera, [], []
    rgb, depth = (capture.frames(name) for name in ("rgb", "depth"))
    rows, columns = np.mgrid[0 : camera.height : _CLOUD_STEP, 0 : camera.width : _CLOUD_STEP]
    rays = np.stack(
        [(columns + 0.5 - camera.cx) / camera.fx, -(rows + 0.5 - camera.cy) / camera.fy, -np.ones(rows.shape)], axis=-1
    )
    for i in _spread(len(capture), _CLOUD_FRAMES):
        metres = depth[i][rows, columns] / 1000
        seen = metres > 0
        pose = capture.camera_to_world[i]
        points.append((rays * metres[..., None])[seen] @ pose[:3, :3].T + pose[:3, 3])
        colours.append(rgb[i][rows, columns][seen])
    return np.concatenate(points), np.concatenate(colours)


def _spread(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int))
