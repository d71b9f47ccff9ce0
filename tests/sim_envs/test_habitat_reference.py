"""The ray caster against frames that the real habitat-sim made; see ``make_habitat_reference.py``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim_envs.engines import compare
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.storage import digest_file
from tests.sim_envs.habitat_scene import RIG, cameras, tiny_room
from tests.sim_envs.make_habitat_reference import FRAMES, PROVENANCE


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    """``rgb``, ``depth_m`` and ``ids`` of habitat-sim."""
    with np.load(FRAMES) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def rendered() -> dict[str, np.ndarray]:
    """The same views by the ray caster, modality → (N, H, W[, C])."""
    engine = RaycastEngine(tiny_room(), RIG)
    frames = [engine.render(pose) for pose in cameras()]
    return {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}


def test_the_reference_is_of_this_room_these_poses_and_this_rig(reference: dict[str, np.ndarray]) -> None:
    provenance = json.loads(PROVENANCE.read_text())
    assert provenance["frames_sha256"] == digest_file(FRAMES)
    assert provenance["space_digest"] == tiny_room().digest
    assert provenance["rig"] == {"width": RIG.width, "height": RIG.height, "hfov": RIG.hfov}
    assert np.allclose(provenance["camera_to_world"], cameras())
    assert np.allclose(reference["poses"], cameras())
    assert provenance["versions"]["habitat_sim"]


def test_instance_ids_are_those_of_habitat(reference: dict[str, np.ndarray], rendered: dict[str, np.ndarray]) -> None:
    same = reference["ids"] == rendered["instance"]
    assert same.mean() > 0.999
    assert same[compare.away_from_edges(rendered["instance"])].all()
    assert {0, 9, 40000} <= set(np.unique(reference["ids"]))  # nothing and unlabelled, the sheet's back, a high id


def test_depth_is_that_of_habitat(reference: dict[str, np.ndarray], rendered: dict[str, np.ndarray]) -> None:
    """Rounding to millimetres takes 0.5 mm at most, habitat-sim's depth buffer 0.2 mm more."""
    away = compare.away_from_edges(rendered["instance"])
    difference_mm = np.abs(reference["depth_m"] * 1000 - rendered["depth"])[away]
    assert np.median(difference_mm) < 0.3
    assert difference_mm.max() < 0.7
    assert np.array_equal(reference["depth_m"][away] > 0, rendered["depth"][away] > 0)


def test_colours_are_those_of_habitat(reference: dict[str, np.ndarray], rendered: dict[str, np.ndarray]) -> None:
    """Within surfaces to a few grey levels: vertex colours, and a texture times vertex colours."""
    away = compare.away_from_edges(rendered["instance"])
    difference = np.abs(reference["rgb"].astype(int) - rendered["rgb"]).max(axis=-1)
    crate = rendered["instance"] == 40000
    assert difference[away & ~crate].max() <= 1
    assert np.quantile(difference[away & crate], 0.9) <= 4
    squared = ((reference["rgb"].astype(float) - rendered["rgb"]) ** 2).mean()
    assert compare.psnr_db(float(squared)) > 35


def test_a_miss_is_black_and_without_depth_and_id_in_both(
    reference: dict[str, np.ndarray], rendered: dict[str, np.ndarray]
) -> None:
    missed = (reference["depth_m"] == 0) & (rendered["depth"] == 0)
    assert missed.mean() > 0.01
    assert not reference["rgb"][missed].any()
    assert not rendered["rgb"][missed].any()
    assert not reference["ids"][missed].any()
