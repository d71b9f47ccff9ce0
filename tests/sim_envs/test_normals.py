"""Normals from depth: exact on planes, robust at edges, measured against geometry on a flat and a real scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim_envs.engines.geometry import RayCaster
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.rig import Rig
from sim_envs.sensors import normals as module
from sim_envs.sensors.normals import encoded_normals_from_depth, normals_from_depth
from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.spaces.scans.source import read_scan
from sim_envs.trajectories.plan import plan_trajectories

SCAN = Path(__file__).parents[2].parent / "shared" / "real" / "redkitchen" / "scan"


def angles_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angles between unit vectors, also where they are tiny."""
    chord = np.linalg.norm(np.asarray(one, float) - other, axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))


def plane_depth(rig: Rig, normal: np.ndarray, distance: float, far: float = 20) -> np.ndarray:
    """Return the planar depth of the plane n · p = −distance; 0 where no ray meets it before ``far``."""
    with np.errstate(divide="ignore"):
        depth = -distance / (rig.directions().astype(float) @ normal)
    return np.where((depth > 0) & (depth < far), depth, 0).astype(np.float32)


def unit(yaw_deg: float, pitch_deg: float) -> np.ndarray:
    """Return a unit vector; at 0, 0 it points at the camera."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


@settings(max_examples=40, deadline=None)
@given(
    yaw=st.floats(-75, 75),
    pitch=st.floats(-75, 75),
    distance=st.floats(0.2, 4),
    hfov=st.floats(40, 120),
    width=st.integers(32, 96),
    height=st.integers(32, 96),
)
def test_every_pixel_of_a_plane_has_its_normal(
    yaw: float, pitch: float, distance: float, hfov: float, width: int, height: int
) -> None:
    rig, normal = Rig(width, height, hfov), unit(yaw, pitch)
    depth = plane_depth(rig, normal, distance)
    seen = depth > 0
    assume(seen.mean() > 0.2)
    normals = normals_from_depth(depth, rig)
    assert normals.dtype == np.float32
    assert not normals[~seen].any()
    assert np.allclose(np.linalg.norm(normals[seen], axis=-1), 1, atol=1e-5)
    in_a_row = sum(np.roll(seen, k, axis=1) for k in (-1, 0, 1)) + sum(np.roll(seen, k, axis=0) for k in (-1, 0, 1))
    assert angles_deg(normals, normal)[in_a_row == 6].max() < 0.05


@settings(max_examples=20, deadline=None)
@given(near=st.floats(0.5, 2), gap=st.floats(0.05, 5), yaw=st.floats(-25, 25), pitch=st.floats(-25, 25))
def test_both_sides_of_a_depth_edge_keep_their_normals(near: float, gap: float, yaw: float, pitch: float) -> None:
    rig = Rig(64, 64, 70)
    front, back = unit(0, 0), unit(yaw, pitch)
    depth = plane_depth(rig, back, near + gap + 3, far=1000)  # no ray misses it
    inside = np.zeros((64, 64), bool)
    inside[20:44, 17:40] = True
    depth[inside] = near
    normals = normals_from_depth(depth, rig)
    assert angles_deg(normals, np.where(inside[..., None], front, back))[depth > 0].max() < 0.05


def test_a_crease_between_walls_stays_sharp() -> None:
    rig = Rig(64, 48, 80)
    left, right = unit(40, 0), unit(-35, 0)
    depths = [plane_depth(rig, normal, 1.5) for normal in (left, right)]
    on_left = depths[0] < depths[1]
    normals = normals_from_depth(np.minimum(*depths), rig)
    assert 0.3 < on_left.mean() < 0.7
    assert angles_deg(normals, np.where(on_left[..., None], left, right)).max() < 0.05


def test_a_sphere_has_the_normals_of_its_equation() -> None:
    rig, centre = Rig(128, 128, 50), np.array([0.1, -0.2, -3])
    rays = rig.directions().astype(float)
    a, b, c = (rays**2).sum(-1), rays @ centre, centre @ centre - 0.8**2
    under = b**2 - a * c
    t = np.where(under > 0, (b - np.sqrt(np.maximum(under, 0))) / a, 0)
    normal = (rays * t[..., None] - centre) / 0.8
    away_from_outline = under > 0.05 * b**2 / 9
    errors = angles_deg(normals_from_depth(t.astype(np.float32), rig), normal)[away_from_outline]
    assert errors.mean() < 0.5
    assert errors.max() < 5


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(32, 120), band=st.integers(1, 40))
def test_working_in_bands_of_rows_leaves_no_seam(seed: int, height: int, band: int) -> None:
    rig = Rig(48, height, 75)
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 5, (height, 48)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.2] = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BAND_PIXELS", height * 48)
        whole = normals_from_depth(depth, rig)
        patch.setattr(module, "BAND_PIXELS", band * 48)
        assert np.array_equal(normals_from_depth(depth, rig), whole)


def test_encoded_normals_are_in_the_stored_type() -> None:
    rig = Rig(64, 48, 80)
    depth = plane_depth(rig, unit(30, 40), 1.5)
    encoded = encoded_normals_from_depth(depth, rig)
    assert encoded.dtype == np.uint8
    expected = np.rint((normals_from_depth(depth, rig) + 1) * 127.5)
    assert np.abs(encoded - expected).max() <= 1
    assert (encoded[depth == 0] == 128).all()


def test_every_normal_faces_the_camera_and_thin_things_have_one() -> None:
    rig = Rig(40, 32, 75)
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 5, (32, 40)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.6] = 0  # many pixels without a neighbour
    normals = normals_from_depth(depth, rig)
    seen = depth > 0
    assert np.allclose(np.linalg.norm(normals[seen], axis=-1), 1, atol=1e-5)
    assert ((normals * rig.directions()).sum(-1)[seen] < 0).all()
    lone = np.zeros_like(depth)
    lone[5, 7] = 2
    assert np.allclose(normals_from_depth(lone, rig)[5, 7], -rig.directions()[5, 7] * (0, 0, 1))


def against_geometry(space: Space, size: int) -> np.ndarray:
    """Return the angles in degrees between normals from float depth and those of the faces, over 24 views."""
    rig = Rig(size, size, 90)
    planned = plan_trajectories(space, rig, "auto", {"train": (12, 2)}, seed=0)
    engine, caster, found = RaycastEngine(space, rig), RayCaster(space.vertices, space.faces), []
    for camera in np.concatenate([trajectory.camera_to_world for trajectory in planned]):
        rays = rig.directions().reshape(-1, 3) @ camera[:3, :3].T.astype(np.float32)
        distance, face = caster.cast(camera[:3, 3], rays)
        depth = np.where(face >= 0, distance, 0).astype(np.float32).reshape(size, size)
        exact = engine.render(camera)["normals"] / 127.5 - 1
        exact /= np.linalg.norm(exact, axis=-1, keepdims=True)
        found.append(angles_deg(normals_from_depth(depth, rig), exact)[depth > 0])
    return np.concatenate(found)


@pytest.mark.parametrize(("size", "mean", "within"), [(128, 4.6, 0.91), (256, 1.9, 0.96)])
def test_in_a_flat_normals_are_as_near_as_the_docstring_says(size: int, mean: float, within: float) -> None:
    errors = against_geometry(load_space("builtin/flat-01"), size)
    assert errors.mean() < mean
    assert np.median(errors) < 0.3
    assert (errors < 11.25).mean() > within


@pytest.mark.parametrize(("size", "mean", "within"), [(128, 11.5, 0.72), (256, 7.7, 0.81)])
def test_in_a_real_scan_normals_are_as_near_as_the_docstring_says(size: int, mean: float, within: float) -> None:
    if not SCAN.exists():
        pytest.skip("the RedKitchen scan is not here")
    errors = against_geometry(read_scan(SCAN, name="redkitchen"), size)
    assert errors.mean() < mean
    assert (errors < 11.25).mean() > within
