"""The engine of captures: it renders nothing, it gives the frame that was taken at a pose."""

from __future__ import annotations

import hashlib

import numpy as np

from sim_envs.captures.capture import STORED, Capture, no_capture
from sim_envs.captures.labels import agreeing
from sim_envs.captures.resample import View
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.recordings.format import modality_file
from sim_envs.rig import Rig
from sim_envs.sensors.normals import normals_from_depth
from sim_envs.sensors.smoothing import smoothed_for_normals


class CaptureEngine:
    """Plays a capture back through a rig whose view lies within the captured picture.

    RGB is the area mean of the captured pixels, depth a sample of them. Normals come from the depth, smoothed
    first (:func:`~sim_envs.sensors.smoothing.smoothed_for_normals`). With a labelled scan, ``semantic`` and
    ``instance`` are rendered from it at the pose of the frame, and kept where the device measured the same surface.
    """

    name = "capture"
    version = "1"
    renders_spaces = False

    def __init__(self, capture: Capture, rig: Rig) -> None:
        if not isinstance(capture, Capture):  # a caller may try every engine of the table on a space
            raise no_capture(capture.id)
        self._capture, self._rig = capture, rig
        self._view = View.of(capture.camera, rig, capture.id)
        self._smooth_view: View | None = None
        self._number = {pose.tobytes(): i for i, pose in enumerate(capture.camera_to_world)}
        self._frames = {name: capture.frames(name) for name in STORED}
        self._scan = RaycastEngine(capture.labels.space, rig) if capture.labels else None

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return the frame of a pose of the capture; see :class:`sim_envs.engines.Engine`.

        Raises:
            UserError: no frame was taken at exactly this pose, or the stored one is damaged.
        """
        number = self._number.get(np.ascontiguousarray(camera_to_world, np.float64).tobytes())
        if number is None:
            raise UserError(
                f"{self._capture.id} has no frame of the pose asked for: what was not photographed is not made up."
            )
        rgb, depth_mm = (self._stored(name, number) for name in STORED)
        frame = {
            "rgb": self._view.colour(rgb),
            "depth": self._view.sample(depth_mm),
            "normals": self._normals(depth_mm),
        }
        return frame | self._labels(camera_to_world, frame["depth"])

    def close(self) -> None:
        """Let go of the frames."""
        del self._frames
        if self._scan is not None:
            self._scan.close()

    def _stored(self, name: str, number: int) -> np.ndarray:
        frame: np.ndarray = self._frames[name][number]
        if hashlib.sha256(frame.data).hexdigest() != self._capture.frame_digests[name][number]:
            path = self._capture.folder / modality_file(name)
            raise UserError(
                f"{path} is damaged in frame {number} ({self._capture.names[number]}): it is not what was saved. "
                f"Remove {self._capture.folder} and import the capture again."
            )
        return frame

    def _normals(self, depth_mm: np.ndarray) -> np.ndarray:
        """Return (H, W, 3) uint8 normals of the rig's pixels."""
        camera = self._capture.camera
        smooth = smoothed_for_normals(
            depth_mm.astype(np.float32) / 1000, camera.fx, coarsest=camera.fx / self._rig.focal
        )
        height, width = smooth.shape
        if self._smooth_view is None:  # of every frame alike
            self._smooth_view = View.of(camera.resized(width, height), self._rig, self._capture.id)
        normals = normals_from_depth(self._smooth_view.sample(smooth), self._rig)
        return np.rint((normals + 1) * np.float32(127.5)).astype(np.uint8)

    def _labels(self, camera_to_world: np.ndarray, depth_mm: np.ndarray) -> dict[str, np.ndarray]:
        if self._scan is None or self._capture.labels is None:
            return {}
        rendered = self._scan.render(self._capture.labels.capture_to_space @ camera_to_world)
        same = agreeing(depth_mm, rendered["depth"])
        return {name: np.where(same, rendered[name], 0).astype(np.uint16) for name in ("semantic", "instance")}
