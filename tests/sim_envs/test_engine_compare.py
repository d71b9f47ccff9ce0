"""How engines are held against each other: figures that can be worked out by hand, and the pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sim_envs.engines import ENGINES, render_in_order
from sim_envs.engines.compare import EQUAL_DB, Frame, agreement, angle_deg, away_from_edges, compare_engines
from sim_envs.engines.difference_pictures import write_difference_pictures
from sim_envs.errors import UserError
from sim_envs.rig import Rig
from tests.sim_envs.habitat_scene import RIG, cameras, tiny_room
from tests.sim_envs.recording_kit import install_engine


def frame(size: int = 40, depth_mm: int = 2000) -> Frame:
    """Return a frame of one plane, whose left half is instance 1 and whose right half is instance 2."""
    instance = np.ones((size, size), np.uint16)
    instance[:, size // 2 :] = 2
    return {
        "rgb": np.full((size, size, 3), 100, np.uint8),
        "depth": np.full((size, size), depth_mm, np.uint16),
        "normals": np.full((size, size, 3), (128, 128, 255), np.uint8),
        "instance": instance,
    }


def test_equal_frames_agree_in_everything() -> None:
    found = agreement([frame()] * 2, [frame()] * 2)
    assert found.ids_equal == 1
    assert (found.depth_median_mm, found.depth_95_mm, found.depth_one_sided) == (0, 0, 0)
    assert found.normals_mean_deg < 0.1
    assert found.rgb_psnr_db == EQUAL_DB
    assert found.shortfalls() == []


def test_pixels_near_a_change_of_ids_do_not_count_in_either_picture() -> None:
    moved = frame()
    moved["instance"] = np.roll(moved["instance"], 1, axis=1)
    moved["instance"][:, 0] = 1
    found = agreement([frame()], [moved])
    assert found.ids_equal == 1
    assert found.ids_compared == pytest.approx(35 / 40)  # 2 + 2 columns of one change, one more of the other
    wrong = frame()
    wrong["instance"][:20, :18] = 3
    found = agreement([frame()], [wrong])
    assert found.ids_equal == pytest.approx(1 - 18 * 16 / (18 * 36 + 18 * 40), abs=0.02)
    assert "ids agree on" in found.shortfalls()[0]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_away_from_edges_means_that_all_ids_within_two_pixels_are_the_same(seed: int) -> None:
    ids = np.kron(np.random.default_rng(seed).integers(0, 3, (4, 4)), np.ones((5, 5))).astype(np.uint16)
    padded = np.pad(ids, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    assert np.array_equal(away_from_edges(ids[None])[0], windows.min(axis=(2, 3)) == windows.max(axis=(2, 3)))


def test_depth_is_compared_where_both_measure() -> None:
    other = frame(depth_mm=2003)
    other["depth"][:4] = 0
    found = agreement([frame()], [other])
    assert (found.depth_median_mm, found.depth_95_mm) == (3, 3)
    assert found.depth_one_sided == pytest.approx(0.1)
    assert found.shortfalls() == ["depth differs by 3.00 mm (median), not 2 mm or less"]


def test_normals_are_compared_by_their_angle() -> None:
    turned = frame()
    turned["normals"][:] = np.rint((np.array([np.sin(np.radians(30)), 0, np.cos(np.radians(30))]) + 1) * 127.5)
    found = agreement([frame()], [turned])
    assert found.normals_mean_deg == pytest.approx(30, abs=0.5)
    assert found.normals_near == 0
    assert angle_deg(np.array([[0, 128, 128]], np.uint8), np.array([[255, 128, 128]], np.uint8))[0] > 179


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_psnr_is_that_of_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = frame(), frame()
    one["rgb"], other["rgb"] = (rng.integers(0, 256, (40, 40, 3), dtype=np.uint8) for _ in range(2))
    found = agreement([one], [other])
    assert found.rgb_psnr_db == pytest.approx(cv2.PSNR(one["rgb"], other["rgb"]), abs=1e-3)
    assert any("PSNR" in line for line in found.shortfalls())


def test_a_space_without_labels_has_no_figure_for_ids() -> None:
    bare = frame()
    bare["instance"][:] = 0
    assert agreement([bare], [bare]).ids_equal is None


def test_frames_that_show_nothing_are_refused() -> None:
    with pytest.raises(UserError, match="share no pixel with a depth"):
        agreement([frame(depth_mm=0)], [frame()])


def test_a_third_party_engine_is_compared_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It renders from 20 cm further to the side: by how much depth differs then is seen by the ray caster alone."""
    body = "camera_to_world = camera_to_world.copy()\ncamera_to_world[0, 3] += 0.2"
    monkeypatch.syspath_prepend(str(install_engine(tmp_path / "site", body)))
    seen: list[int] = []
    comparison, ours, theirs = compare_engines(
        tiny_room(), RIG, cameras(), ("raycast", "third"), lambda: seen.append(1)
    )
    assert len(seen) == len(ours) + len(theirs) == 8
    assert [run.engine for run in comparison.runs] == ["raycast", "third"]
    assert all(run.frames_per_second > 0 for run in comparison.runs)
    assert len(comparison.agreement.shortfalls()) == 3


def test_pictures_show_every_view_and_leave_none_of_an_earlier_comparison(tmp_path: Path) -> None:
    engine = ENGINES["raycast"](tiny_room(), Rig(64, 64, 80))
    frames = list(render_in_order(engine, cameras()))
    changed = [one | {"rgb": one["rgb"] // 2} for one in frames]
    (tmp_path / "differences-07.png").write_bytes(b"old")
    paths = write_difference_pictures(frames, changed, ("raycast", "other"), tmp_path)
    assert sorted(tmp_path.iterdir()) == paths
    assert len(paths) == 2
    with Image.open(paths[0]) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[1] == 12 * (64 + 3) + 3
    rgb_difference, depth_difference = pixels[30:70, 140:190], pixels[30:70, 340:390]
    assert rgb_difference.max() > 200
    assert not depth_difference.any()
