"""Check one engine against another: the same poses through both, and how far what they see is apart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict

from sim_envs.engines import ENGINES, libraries_of, render_in_order
from sim_envs.errors import UserError
from sim_envs.rig import Rig
from sim_envs.space import Space

EDGE_MARGIN = 2  # pixels from where ids change, in either picture
IDS_GOAL, DEPTH_GOAL_MM, RGB_GOAL_DB = 0.995, 2.0, 30.0
NEAR_NORMAL_DEG = 11.25
EQUAL_DB = 99.0

Frame = dict[str, np.ndarray]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Agreement(_Part):
    """How far two engines agree over all frames.

    Attributes:
        ids_equal: share of pixels with equal instance ids, of those more than ``EDGE_MARGIN`` pixels from where ids
            change; None for a space without labels.
        ids_compared: share of all pixels that these are.
        depth_median_mm, depth_95_mm: median and 95 % quantile of the absolute difference, where both measure.
        depth_one_sided: share of pixels that only one of them measures.
        normals_mean_deg, normals_median_deg: angle, where both measure.
        normals_near: share of these within ``NEAR_NORMAL_DEG``.
        rgb_psnr_db: peak signal to noise ratio of the mean squared error over all pixels.
        rgb_worst_psnr_db: that of the frame where it is lowest.
    """

    ids_equal: float | None
    ids_compared: float
    depth_median_mm: float
    depth_95_mm: float
    depth_one_sided: float
    normals_mean_deg: float
    normals_median_deg: float
    normals_near: float
    rgb_psnr_db: float
    rgb_worst_psnr_db: float

    def shortfalls(self) -> list[str]:
        """Return one sentence for each goal that is missed."""
        found = []
        if self.ids_equal is not None and self.ids_equal < IDS_GOAL:
            found.append(f"ids agree on {self.ids_equal:.2%} of the pixels away from edges, not {IDS_GOAL:.1%}")
        if not self.depth_median_mm <= DEPTH_GOAL_MM:
            found.append(f"depth differs by {self.depth_median_mm:.2f} mm (median), not {DEPTH_GOAL_MM:g} mm or less")
        if self.rgb_psnr_db < RGB_GOAL_DB:
            found.append(f"RGB has a PSNR of {self.rgb_psnr_db:.1f} dB, not {RGB_GOAL_DB:g} dB")
        return found


class Run(_Part):
    """What one engine took.

    Attributes:
        engine, version: its row and version.
        libraries: what it renders with, as recordings say it.
        renderer: what OpenGL calls the device; "" for engines without one.
        open_seconds: from the space in memory to an engine that has rendered its first frame.
        frames_per_second: of all modalities after that, in memory, by one engine.
    """

    engine: str
    version: str
    libraries: dict[str, str]
    renderer: str
    open_seconds: float
    frames_per_second: float


class Comparison(_Part):
    """Two engines on the same poses of a space; the second is checked against the first."""

    space: str
    faces: int
    width: int
    height: int
    hfov: float
    frames: int
    runs: tuple[Run, Run]
    agreement: Agreement


def compare_engines(
    space: Space,
    rig: Rig,
    camera_to_world: np.ndarray,
    engines: tuple[str, str],
    on_frame: Callable[[], object] = lambda: None,
) -> tuple[Comparison, list[Frame], list[Frame]]:
    """Render (N, 4, 4) poses with two engines, one after the other, and compare.

    Args:
        on_frame: called after every frame of either.

    Returns:
        The comparison, and the frames of both.

    Raises:
        UserError: an engine cannot run here, or no pixel is measured by both.
    """
    (first, ours), (second, theirs) = (_render(space, rig, camera_to_world, engine, on_frame) for engine in engines)
    comparison = Comparison(
        space=space.id,
        faces=len(space.faces),
        width=rig.width,
        height=rig.height,
        hfov=rig.hfov,
        frames=len(camera_to_world),
        runs=(first, second),
        agreement=agreement(ours, theirs),
    )
    return comparison, ours, theirs


def _render(
    space: Space, rig: Rig, camera_to_world: np.ndarray, name: str, on_frame: Callable[[], object]
) -> tuple[Run, list[Frame]]:
    row = ENGINES[name]
    libraries = libraries_of(row)
    started = time.perf_counter()
    engine = row(space, rig)
    try:
        engine.render(camera_to_world[0])
        opened = time.perf_counter()
        frames = []
        for frame in render_in_order(engine, camera_to_world):
            frames.append(frame)
            on_frame()
        seconds = time.perf_counter() - opened
    finally:
        engine.close()
    run = Run(
        engine=name,
        version=row.version,
        libraries=libraries,
        renderer=getattr(engine, "renderer", ""),
        open_seconds=round(opened - started, 3),
        frames_per_second=round(len(frames) / seconds, 2),
    )
    return run, frames


def agreement(ours: Sequence[Frame], theirs: Sequence[Frame]) -> Agreement:
    """Compare two lists of frames of the same poses, in the stored types of the modality table.

    Raises:
        UserError: no pixel is measured by both.
    """
    first, second = _stacked(ours), _stacked(theirs)
    both = (first["depth"] > 0) & (second["depth"] > 0)
    if not both.any():
        raise UserError("The engines share no pixel with a depth: the poses show nothing of the space.")
    inner = away_from_edges(first["instance"]) & away_from_edges(second["instance"])
    labelled = first["instance"].any() or second["instance"].any()
    same_ids = (first["instance"] == second["instance"])[inner]
    depth_mm = depth_difference_mm(first["depth"], second["depth"])[both]
    angles = angle_deg(first["normals"], second["normals"])[both]
    squared = ((first["rgb"].astype(np.float32) - second["rgb"]) ** 2).mean(axis=(1, 2, 3))
    return Agreement(
        ids_equal=float(same_ids.mean()) if labelled and len(same_ids) else None,
        ids_compared=float(inner.mean()),
        depth_median_mm=float(np.median(depth_mm)),
        depth_95_mm=float(np.quantile(depth_mm, 0.95)),
        depth_one_sided=float(((first["depth"] > 0) != (second["depth"] > 0)).mean()),
        normals_mean_deg=float(angles.mean()),
        normals_median_deg=float(np.median(angles)),
        normals_near=float((angles <= NEAR_NORMAL_DEG).mean()),
        rgb_psnr_db=psnr_db(float(squared.mean())),
        rgb_worst_psnr_db=psnr_db(float(squared.max())),
    )


def _stacked(frames: Sequence[Frame]) -> Frame:
    return {name: np.stack([frame[name] for frame in frames]) for name in ("rgb", "depth", "normals", "instance")}


def away_from_edges(ids: np.ndarray) -> np.ndarray:
    """Return (N, H, W) bool: whether all ids within ``EDGE_MARGIN`` pixels are the same.

    Args:
        ids: (N, H, W) uint16.
    """
    around = np.ones((2 * EDGE_MARGIN + 1,) * 2, np.uint8)
    return np.stack([cv2.dilate(frame, around) == cv2.erode(frame, around) for frame in ids])


def depth_difference_mm(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the absolute difference of two uint16 depths, float32."""
    return np.abs(first.astype(np.float32) - second)


def angle_deg(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the angles between (..., 3) uint8 normals, float32 degrees."""
    one, other = (normals.astype(np.float32) / np.float32(127.5) - 1 for normals in (first, second))
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosine = np.einsum("...k,...k->...", one, other) / np.maximum(lengths, np.float32(1e-6))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def psnr_db(squared_error: float) -> float:
    """Return the peak signal to noise ratio of bytes; no higher than ``EQUAL_DB``, which stands for no error."""
    return min(EQUAL_DB, 10 * math.log10(255**2 / squared_error)) if squared_error else EQUAL_DB
