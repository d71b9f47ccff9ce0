"""Noise models against their closed forms: mean, variance, steps, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from sim_envs.errors import UserError
from sim_envs.rig import NOISE_RANGES, Rig, SensorNoise
from sim_envs.sensors.device import Device
from sim_envs.sensors.motion import MAX_VIEWS, blurred_light, pose_at, views_while_open
from sim_envs.sensors.noise import exposed, gaussian, redwood_depth, redwood_table, shot, to_light, to_srgb
from tests.sim_envs.test_raycast import pose

EVERY_BYTE = np.arange(256, dtype=np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- light


def test_every_byte_survives_the_way_to_light_and_back() -> None:
    np.testing.assert_array_equal(to_srgb(to_light(EVERY_BYTE)), EVERY_BYTE)


def test_light_is_that_of_the_srgb_standard() -> None:
    """IEC 61966-2-1: white is 1, black 0, the linear part ends at byte 10, mid-grey 188 is half of white."""
    light = to_light(EVERY_BYTE)
    assert light[0] == 0
    assert light[255] == 1
    np.testing.assert_allclose(light[1:11], np.arange(1, 11) / 255 / 12.92, rtol=1e-6)
    assert light[188] == pytest.approx(0.5, abs=0.005)
    assert (np.diff(light) > 0).all()


@given(st.floats(-8, 8))
def test_exposure_multiplies_light_by_two_to_its_stops(ev: float) -> None:
    light = to_light(EVERY_BYTE)
    np.testing.assert_allclose(exposed(light, ev), light * 2.0**ev, rtol=1e-6)


@pytest.mark.parametrize("ev", [-3.0, -1.0, 1.0, 2.0])
def test_a_picture_exposed_is_within_half_a_grey_level_of_the_exact_one(ev: float) -> None:
    found = to_srgb(exposed(to_light(EVERY_BYTE), ev)).astype(int)
    linear = np.minimum(to_light(EVERY_BYTE).astype(float) * 2**ev, 1)
    exact = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    assert np.abs(found - exact).max() < 0.53


# --- colours


@pytest.mark.parametrize("photons", [20.0, 300.0])
def test_shot_noise_has_the_mean_of_the_light_and_a_variance_in_proportion(photons: float) -> None:
    levels = np.array([0.02, 0.1, 0.4, 0.9], np.float32)
    draws = shot(np.repeat(levels[None], 40_000, axis=0), photons, rng())
    np.testing.assert_allclose(draws.mean(axis=0), levels, rtol=0.02)
    np.testing.assert_allclose(draws.var(axis=0), levels / photons, rtol=0.05)


def test_shot_noise_comes_in_whole_photons_and_leaves_black_black() -> None:
    draws = shot(np.full((50, 50), 0.3, np.float32), 10, rng()) * 10
    np.testing.assert_allclose(draws, np.rint(draws), atol=1e-5)
    assert not shot(np.zeros((9, 9), np.float32), 10, rng()).any()


@pytest.mark.parametrize("sigma", [1.0, 5.0, 20.0])
def test_gaussian_noise_has_its_sigma_and_no_bias(sigma: float) -> None:
    grey = np.full((120, 120, 3), 128, np.uint8)
    error = gaussian(grey, sigma, rng()).astype(float) - 128
    assert abs(error.mean()) < 4 * sigma / np.sqrt(error.size)
    assert error.var() == pytest.approx(sigma**2 + 1 / 12, rel=0.03)  # rounding adds a twelfth
    assert abs(np.corrcoef(error[..., 0].ravel(), error[..., 1].ravel())[0, 1]) < 0.05


def test_gaussian_noise_stays_within_bytes() -> None:
    ends = np.array([0, 255], np.uint8).repeat(500)
    noisy = gaussian(ends, 40, rng())
    assert noisy.dtype == np.uint8
    assert (noisy[:500] < 200).all()
    assert (noisy[500:] > 55).all()


# --- depth


def test_redwood_depths_are_eighths_of_a_pixel_of_disparity() -> None:
    depth = rng().integers(400, 9999, (80, 100)).astype(np.uint16)
    noisy = redwood_depth(depth, 1.0, rng(1)).astype(float)
    steps = 35_130 * 8 / noisy
    allowed = 35_130 * 8 / (noisy - 0.5) - 35_130 * 8 / (noisy + 0.5)
    assert (np.abs(steps - np.rint(steps)) <= allowed).all()


@pytest.mark.parametrize("metres", [1.0, 2.0, 4.0, 8.0])
def test_redwood_noise_of_a_wall_is_that_of_its_disparity(metres: float) -> None:
    """Every pixel sees the same depth, so what is left is 1/36 pixel of noise, rounded to 1/8 pixel."""
    noisy = redwood_depth(np.full((200, 200), round(metres * 1000), np.uint16), 1.0, rng()) / 1000
    disparity, exact = 35.130 / noisy, 35.130 / metres
    levels = np.rint(exact * 8) / 8 + np.arange(-3, 4) / 8
    share = norm.cdf((levels + 1 / 16 - exact) / 0.027778) - norm.cdf((levels - 1 / 16 - exact) / 0.027778)
    mean = (share * levels).sum()
    assert disparity.mean() == pytest.approx(mean, rel=2e-3)
    assert disparity.var() == pytest.approx((share * (levels - mean) ** 2).sum(), rel=0.15, abs=2e-6 * exact**2)


def test_redwood_noise_grows_with_the_square_of_the_distance() -> None:
    """Over many depths, so that the steps lie anywhere: 1/36 pixel and the rounding to 1/8, times z² / 35.13."""
    for metres in (1.0, 2.0, 4.0):
        errors = []
        for level in rng().uniform(950 * metres, 1050 * metres, 150).astype(np.uint16):
            errors.append(
                redwood_depth(np.full((32, 32), level, np.uint16), 1.0, rng(int(level))).astype(float) - level
            )
        expected = 1000 * metres**2 / 35.130 * np.hypot(0.027778, 1 / 8 / np.sqrt(12))
        assert np.std(errors) == pytest.approx(expected, rel=0.15)


def test_redwood_looks_depths_up_beside_the_pixel_on_every_second_one() -> None:
    """A step between columns 31 and 32 is seen sharp by most pixels and displaced by few, never by more than 2."""
    depth = np.full((64, 64), 1000, np.uint16)
    depth[:, 32:] = 3000
    noisy = redwood_depth(depth, 1.0, rng())
    far = noisy > 2000
    assert not far[:, :30].any()
    assert far[:, 34:].all()
    assert 0 < far[:, 31].mean() + (~far[:, 32]).mean() < 0.2


def test_redwood_measures_nothing_where_there_is_nothing_or_from_ten_metres_on() -> None:
    depth = np.full((64, 64), 2000, np.uint16)
    depth[::3] = 0
    depth[40:] = 10_000
    depth[50:] = 65_535
    noisy = redwood_depth(depth, 1.0, rng())
    assert not noisy[::3].any()
    assert not noisy[41:].any()
    assert (noisy[1:36:3] > 0).mean() > 0.4
    assert not redwood_depth(np.zeros((32, 32), np.uint16), 10.0, rng()).any()


def test_a_weaker_redwood_has_the_steps_alone_left() -> None:
    wall = np.full((64, 64), 2000, np.uint16)
    assert len(np.unique(redwood_depth(wall, 0.01, rng()))) == 1
    assert len(np.unique(redwood_depth(wall, 5.0, rng()))) > 5


def test_a_table_of_ones_changes_nothing_and_its_entries_divide_depths() -> None:
    depth = rng().integers(400, 9999, (48, 64)).astype(np.uint16)
    plain = redwood_depth(depth, 1.0, rng())
    np.testing.assert_array_equal(redwood_depth(depth, 1.0, rng(), np.ones((80, 80, 5), np.float32)), plain)
    wall = np.full((48, 64), 2000, np.uint16)
    longer = redwood_depth(wall, 0.1, rng(), np.full((80, 80, 5), 0.8, np.float32))
    assert longer.mean() == pytest.approx(2500, rel=0.02)
    assert not redwood_depth(wall, 0.1, rng(), np.zeros((80, 80, 5), np.float32)).any()


@pytest.mark.parametrize(
    ("metres", "divisor"), [(0.6, 1.1), (1.0, 1.1), (2.0, 1.15), (3.0, 1.2), (8.5, 1.475), (9.5, 1.5)]
)
def test_a_table_is_linear_between_its_distances_and_constant_beyond(metres: float, divisor: float) -> None:
    table = np.broadcast_to(np.array([1.1, 1.2, 1.3, 1.4, 1.5], np.float32), (80, 80, 5))
    found = redwood_depth(np.full((32, 32), round(metres * 1000), np.uint16), 0.01, rng(), table)
    steps = 35_130 * 8 / found.astype(float)
    assert steps.mean() == pytest.approx(8 * 35.130 / metres * divisor, abs=0.6)


def test_a_table_is_laid_over_the_whole_picture_whatever_its_size() -> None:
    table = np.ones((80, 80, 5), np.float32)
    table[:40, 40:] = 2
    for height, width in ((480, 640), (64, 64), (32, 200)):
        found = redwood_depth(np.full((height, width), 4000, np.uint16), 0.01, rng(), table)
        halved = found < 3000
        expected = np.zeros((height, width), bool)
        expected[: height // 2, width // 2 :] = True
        assert (halved == expected).mean() > 0.97


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content in (("text.npy", b"hello"), ("none.npy", None)):
        if content:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=r"(Cannot read|is no table).*habitat-sim has it"):
            redwood_table(tmp_path / name)
    np.save(tmp_path / "small.npy", np.ones((80, 80)))
    with pytest.raises(UserError, match="not 80 × 80 × 5 floats"):
        redwood_table(tmp_path / "small.npy")
    np.save(tmp_path / "flat.npy", np.arange(32_000, dtype=np.float64).reshape(80, 400))
    assert redwood_table(tmp_path / "flat.npy")[1, 2, 3] == 400 + 13


# --- motion


def test_poses_at_frames_are_the_frames_and_between_them_lie_between() -> None:
    poses = np.stack([pose(0, 1, 0, yaw=0), pose(1, 1, 0, yaw=20), pose(1, 1, 2, yaw=80)])
    for time in range(3):
        np.testing.assert_allclose(pose_at(poses, time), poses[time], atol=1e-12)
    np.testing.assert_allclose(pose_at(poses, 0.25), pose(0.25, 1, 0, yaw=5), atol=1e-12)
    np.testing.assert_allclose(pose_at(poses, 1.5), pose(1, 1, 1, yaw=50), atol=1e-12)


def test_before_the_first_frame_and_after_the_last_the_camera_goes_on() -> None:
    poses = np.stack([pose(0, 1, 0, yaw=0), pose(1, 1, 0, yaw=20)])
    np.testing.assert_allclose(pose_at(poses, -0.5), pose(-0.5, 1, 0, yaw=-10), atol=1e-12)
    np.testing.assert_allclose(pose_at(poses, 1.5), pose(1.5, 1, 0, yaw=30), atol=1e-12)
    np.testing.assert_array_equal(pose_at(poses[:1], 0.5), poses[0])


def test_the_shutter_is_open_as_long_before_the_frame_as_after_it() -> None:
    poses = np.stack([pose(x, 1, 0) for x in (0.0, 1.0, 2.0)])
    rig = Rig(64, 64, 90, noise=SensorNoise(shutter=0.5))
    views = np.stack(list(views_while_open(np.full((64, 64), 2000, np.uint16), 1, poses, rig)))
    offsets = views[:, 0, 3] - 1
    assert len(offsets) == 8  # half a metre of movement seen from two metres, focal length 32: eight pixels
    np.testing.assert_allclose(offsets, -offsets[::-1], atol=1e-12)
    np.testing.assert_allclose(np.diff(np.insert(offsets, 4, 0)), 0.5 / 9, atol=1e-12)


def test_fast_movement_takes_no_more_views_than_the_most() -> None:
    poses = np.stack([pose(x, 1, 0) for x in (0.0, 50.0)])
    rig = Rig(64, 64, 90, noise=SensorNoise(shutter=1.0))
    assert len(list(views_while_open(np.full((64, 64), 500, np.uint16), 0, poses, rig))) == MAX_VIEWS - 1


def frame_of(value: np.ndarray) -> dict[str, np.ndarray]:
    return {"rgb": value, "depth": np.full(value.shape[:2], 2000, np.uint16)}


def test_a_camera_that_stands_still_blurs_nothing_and_renders_nothing_more() -> None:
    picture = rng().integers(0, 256, (32, 32, 3)).astype(np.uint8)
    rig = Rig(32, 32, 90, noise=SensorNoise(shutter=1.0))
    still = np.stack([pose(1, 1, 0, yaw=30)] * 3)

    def render(_: np.ndarray) -> dict[str, np.ndarray]:
        raise AssertionError

    device = Device(rig, still, 0, 0, render)
    for step in range(3):
        np.testing.assert_array_equal(device.sense(frame_of(picture), step)["rgb"], picture)


def test_motion_blur_averages_light_not_bytes() -> None:
    """Half of the time black, half white is light 0.5: byte 188, not 128."""
    poses = np.stack([pose(x, 1, 0) for x in (0.0, 1.0, 2.0)])
    rig = Rig(64, 64, 90, noise=SensorNoise(shutter=0.5))

    def render(camera: np.ndarray) -> dict[str, np.ndarray]:
        return frame_of(np.full((64, 64, 3), 255 if camera[0, 3] > 1 else 0, np.uint8))

    light = blurred_light(frame_of(np.full((64, 64, 3), 188, np.uint8)), 1, poses, rig, render)
    np.testing.assert_array_equal(to_srgb(light), 188)


# --- the whole device


def ideal() -> dict[str, np.ndarray]:
    random = rng(5)
    return {
        "rgb": random.integers(0, 256, (48, 64, 3)).astype(np.uint8),
        "depth": random.integers(500, 6000, (48, 64)).astype(np.uint16),
        "normals": np.full((48, 64, 3), (128, 128, 255), np.uint8),
        "semantic": np.full((48, 64), 3, np.uint16),
        "instance": np.full((48, 64), 7, np.uint16),
    }


def device(noise: SensorNoise, trajectory: int = 4, seed: int = 9) -> Device:
    return Device(Rig(64, 48, 90, noise=noise), np.stack([pose(y=1)] * 3), trajectory, seed, lambda _: ideal())


def test_without_noise_nothing_changes() -> None:
    sensed = device(SensorNoise()).sense(ideal(), 0)
    assert set(sensed) == set(ideal())
    for name, values in ideal().items():
        np.testing.assert_array_equal(sensed[name], values)


def test_noise_in_colours_leaves_depth_and_labels_alone_and_the_other_way_round() -> None:
    coloured = device(SensorNoise(gaussian_sigma=5)).sense(ideal(), 0)
    deep = device(SensorNoise(redwood_strength=1)).sense(ideal(), 0)
    assert {name for name in ideal() if (coloured[name] != ideal()[name]).any()} == {"rgb"}
    assert {name for name in ideal() if (deep[name] != ideal()[name]).any()} == {"depth", "normals"}


@pytest.mark.parametrize("setting", ["exposure_spread_ev", "photons_at_white", "gaussian_sigma", "redwood_strength"])
def test_noise_depends_on_seed_trajectory_and_step_alone(setting: str) -> None:
    noise = SensorNoise(**{setting: 3.0})
    name = "depth" if setting == "redwood_strength" else "rgb"
    first = device(noise).sense(ideal(), 1)[name]
    other_steps = device(noise)
    other_steps.sense(ideal(), 0)
    np.testing.assert_array_equal(other_steps.sense(ideal(), 1)[name], first)
    assert (device(noise, seed=10).sense(ideal(), 1)[name] != first).any()
    assert (device(noise, trajectory=5).sense(ideal(), 1)[name] != first).any()
    changes_by_step = setting != "exposure_spread_ev"
    assert (device(noise).sense(ideal(), 2)[name] != first).any() == changes_by_step


def test_one_kind_of_noise_does_not_change_the_draws_of_another() -> None:
    alone = device(SensorNoise(gaussian_sigma=5)).sense(ideal(), 0)["rgb"]
    np.testing.assert_array_equal(
        device(SensorNoise(gaussian_sigma=5, redwood_strength=1)).sense(ideal(), 0)["rgb"], alone
    )


def test_exposures_of_trajectories_spread_evenly_over_their_range() -> None:
    noise = SensorNoise(exposure_ev=-1, exposure_spread_ev=0.5)
    grey = ideal() | {"rgb": np.full((48, 64, 3), 200, np.uint8)}
    levels = np.array([device(noise, trajectory=k).sense(grey, 0)["rgb"][0, 0, 0] for k in range(200)])
    stops = np.log2(to_light(levels) / to_light(np.array(200, np.uint8)))
    assert stops.min() == pytest.approx(-1.5, abs=0.05)
    assert stops.max() == pytest.approx(-0.5, abs=0.05)
    assert stops.mean() == pytest.approx(-1, abs=0.07)


def test_more_light_means_less_shot_noise_for_the_same_byte() -> None:
    """Two stops more on a grey two stops darker: the same mean, and the same number of photons for it."""
    bright = np.full((64, 64, 3), 200, np.uint8)
    dark = to_srgb(exposed(to_light(bright), -2))
    plain = device(SensorNoise(photons_at_white=100)).sense(ideal() | {"rgb": bright}, 0)["rgb"].astype(float)
    pushed = device(SensorNoise(photons_at_white=100, exposure_ev=2)).sense(ideal() | {"rgb": dark}, 0)["rgb"]
    assert pushed.std() == pytest.approx(plain.std(), rel=0.05)
    assert pushed.mean() == pytest.approx(plain.mean(), abs=1)


@pytest.mark.parametrize("name", NOISE_RANGES)
def test_settings_out_of_range_are_named(name: str) -> None:
    low, high, unit = NOISE_RANGES[name]
    for value in (high * 1.01, low - 0.1 if low <= 0 else low / 2, float("nan")):
        with pytest.raises(UserError, match=f"Noise {name} .* is out of range: {low:g} to {high:g} {unit}"):
            SensorNoise(**{name: value})
    assert SensorNoise(**{name: high})
    assert not SensorNoise(**{name: 0.0})
