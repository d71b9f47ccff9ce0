"""Labels for real photos, rendered from a scan of the same place at the poses the photos were taken from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.resample import View
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories.pose_files import rigid_pose

NEAR_M = 0.05
NEAR_SHARE = 0.02
CHECK_SIZE, CHECK_FRAMES = 96, 20
LEAST_AGREEMENT = 0.25


@dataclass(frozen=True, eq=False)
class ScanLabels:
    """Where the labels of a capture come from.

    Attributes:
        space: a labelled scan of the place.
        capture_to_space: (4, 4) rigid, takes the world of the capture to that of the scan.
    """

    space: Space
    capture_to_space: np.ndarray

    def described(self) -> dict[str, Any]:
        """Return everything that labels depend on beside the frames, as JSON-like values."""
        return {
            "space": self.space.id,
            "digest": self.space.digest,
            "capture_to_space": self.capture_to_space.tolist(),
            "agreement": {"metres": NEAR_M, "share_of_depth": NEAR_SHARE},
        }


def agreeing(measured_mm: np.ndarray, rendered_mm: np.ndarray) -> np.ndarray:
    """Return where the device measured the surface that the scan shows, bool of the same shape.

    The two may differ by 0.05 m plus 2 % of the measured depth: what depth and poses of a hand-held device are off
    by. Beyond that something else stands there: an object that was moved, an outline that the pose shifts. Where
    nothing was measured, nothing confirms the scan, and the answer is no. In RedKitchen (40 frames) the median
    difference is 8 mm; of the measured pixels 81 % agree within 20 mm, 93 % within 50 mm, 94.4 % by this rule and
    no more than 96.8 % within 300 mm, while 1.3 % look through holes of the scan.

    Args:
        measured_mm: (H, W) uint16, planar millimetres, 0 = none.
        rendered_mm: (H, W) uint16, planar millimetres, 0 = none.
    """
    measured, rendered = measured_mm.astype(np.float32), rendered_mm.astype(np.float32)
    near = np.abs(measured - rendered) <= 1000 * NEAR_M + NEAR_SHARE * measured
    return near & (measured_mm > 0) & (rendered_mm > 0)


def agreement_share(
    labels: ScanLabels, camera: Camera, camera_to_world: np.ndarray, depth_mm: np.ndarray, name: str
) -> float:
    """Return the share of measured pixels, over up to 20 frames, where the scan shows the same surface.

    Args:
        camera: of the frames.
        camera_to_world: (N, 4, 4), in the world of the capture.
        depth_mm: (N, H, W) uint16.
        name: of the capture, for messages.

    Raises:
        UserError: they agree so little that the scan is of another place, or lies elsewhere.
    """
    rig = Rig(CHECK_SIZE, CHECK_SIZE, camera.widest_hfov(CHECK_SIZE, CHECK_SIZE))
    view, engine = View.of(camera, rig, name), RaycastEngine(labels.space, rig)
    same = measured = 0
    for i in np.unique(np.linspace(0, len(camera_to_world) - 1, CHECK_FRAMES).astype(int)):
        sample = view.sample(depth_mm[i])
        rendered = engine.render(labels.capture_to_space @ camera_to_world[i])["depth"]
        same += np.count_nonzero(agreeing(sample, rendered))
        measured += np.count_nonzero(sample)
    engine.close()
    share = same / max(measured, 1)
    if share < LEAST_AGREEMENT:
        raise UserError(
            f"{name} and {labels.space.id} agree on {100 * share:.0f} % of the measured pixels: as laid over each "
            "other, they are not the same place. Say where the capture lies in the scan with --align."
        )
    return share


def read_alignment(path: Path) -> np.ndarray:
    """Read the 4×4 ``capture_to_space`` of a JSON file: that matrix alone, or under this key.

    Raises:
        UserError: no such file, not such JSON, or not rigid.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        matrix = np.array(value["capture_to_space"] if isinstance(value, dict) else value, np.float64)
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError) as error:
        reason = "no key capture_to_space" if isinstance(error, KeyError) else str(error)
        raise UserError(f"Cannot read a 4 × 4 capture_to_space from {path}: {reason}.") from None
    if matrix.shape != (4, 4):
        raise UserError(f"{path} holds an array of shape {matrix.shape}, not a 4 × 4 capture_to_space.")
    return rigid_pose(path, "capture_to_space", matrix)
