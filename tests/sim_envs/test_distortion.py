"""Radial distortion against OpenCV's, in numbers and in pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim_envs.distortion import RadialDistortion
from sim_envs.engines import open_engine
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.habitat.interpreter import habitat_versions
from sim_envs.rig import Rig
from sim_envs.sensors.lens import Lens, covering_pinhole
from sim_envs.sensors.normals import normals_from_depth
from sim_envs.trajectories.views import Scene, look_around, view_content
from tests.sim_envs.habitat_scene import cameras, tiny_room
from tests.sim_envs.rooms import empty_room
from tests.sim_envs.test_raycast import SQUARE, SQUARE_FACES, decode, make_space, pose, textured

BARREL, PINCUSHION, BOTH = RadialDistortion(-0.2, 0.04), RadialDistortion(0.2, 0.0), RadialDistortion(-0.25, 0.12)
LENSES = [BARREL, PINCUSHION, BOTH]
lenses = st.builds(RadialDistortion, st.floats(-0.5, 0.5), st.floats(-0.2, 0.5))
angles = st.floats(0, 2 * np.pi)


def lens_rigs(size: tuple[int, int] = (48, 36)) -> st.SearchStrategy[Rig]:
    """Rigs through whose lens the picture does not fold."""

    def build(hfov: float, distortion: RadialDistortion) -> Rig | None:
        try:
            return Rig(*size, hfov, distortion)
        except UserError:
            return None

    return st.builds(build, st.floats(30, 100), lenses).filter(lambda rig: rig is not None)  # type: ignore[return-value]


def opencv_slopes(rig: Rig, pixels: np.ndarray) -> np.ndarray:
    """Return (N, 2) x/z and y/z (y down) of the rays through (N, 2) pixels, by OpenCV."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-12)
    coefficients = np.array([rig.distortion.k1, rig.distortion.k2, 0, 0])
    return cv2.undistortPointsIter(pixels[:, None].astype(float), rig.intrinsics, coefficients, None, None, criteria)[
        :, 0
    ]


def pixel_centres(rig: Rig) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(rig.width) + 0.5, np.arange(rig.height) + 0.5), axis=-1).reshape(-1, 2)


# --- in numbers


@given(lenses, st.floats(0, 0.999), angles)
def test_undistorting_undoes_distorting(lens: RadialDistortion, share: float, angle: float) -> None:
    radius = share * min(lens.reach, 3.0)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    back = lens.distort(*lens.undistort(np.array(x), np.array(y)))
    np.testing.assert_allclose(back, (x, y), atol=1e-9)


@given(lens_rigs())
def test_rays_land_on_their_pixels_when_opencv_projects_them(rig: Rig) -> None:
    points = rig.directions().reshape(-1, 3).astype(float) * (1, -1, -1)
    coefficients = np.array([rig.distortion.k1, rig.distortion.k2, 0, 0])
    seen, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), rig.intrinsics, coefficients)
    np.testing.assert_allclose(seen[:, 0], pixel_centres(rig), atol=1e-3)


@pytest.mark.parametrize("lens", LENSES)
def test_rays_are_those_that_opencv_undistorts(lens: RadialDistortion) -> None:
    rig = Rig(96, 64, 75.0, lens)
    ours = rig.directions()[..., :2].reshape(-1, 2) * (1, -1)
    np.testing.assert_allclose(ours, opencv_slopes(rig, pixel_centres(rig)), atol=1e-5)


@given(lenses, angles, st.floats(0.01, 0.99))
def test_straight_lines_through_the_middle_stay_straight(lens: RadialDistortion, angle: float, share: float) -> None:
    radius = np.linspace(0.001, share * min(lens.reach, 2.0), 20)
    x, y = lens.undistort(radius * np.cos(angle), radius * np.sin(angle))
    np.testing.assert_allclose(x * np.sin(angle), y * np.cos(angle), atol=1e-12)
    assert (np.diff(np.hypot(x, y)) > 0).all()


@given(lenses, st.floats(0.05, 0.95), angles)
def test_derivatives_are_those_of_small_steps(lens: RadialDistortion, share: float, angle: float) -> None:
    radius = share * min(lens.reach, 1.5)
    x, y = (float(part) for part in lens.undistort(np.array(radius * np.cos(angle)), np.array(radius * np.sin(angle))))
    step = 1e-6
    by_x = (np.array(lens.distort(x + step, y)) - lens.distort(x - step, y)) / (2 * step)
    by_y = (np.array(lens.distort(x, y + step)) - lens.distort(x, y - step)) / (2 * step)
    xx, xy, yy = lens.jacobian(x, y)
    np.testing.assert_allclose([by_x, by_y], [[xx, xy], [xy, yy]], atol=1e-6)
    smallest = np.linalg.svd(np.array([[xx, xy], [xy, yy]]), compute_uv=False).min()
    assert lens.stretch(x, y) == pytest.approx(1 / smallest, rel=1e-6)


@given(st.floats(30, 150), st.integers(32, 64), st.integers(32, 64))
def test_without_distortion_a_rig_has_the_rays_of_a_pinhole(hfov: float, width: int, height: int) -> None:
    rig = Rig(width, height, hfov, RadialDistortion(0.0, 0.0))
    np.testing.assert_array_equal(rig.directions(), Rig(width, height, hfov).directions())
    assert rig == Rig(width, height, hfov)


def test_a_barrel_shows_more_than_the_pinhole_and_a_pincushion_less() -> None:
    for lens, more in ((BARREL, True), (PINCUSHION, False)):
        bent, plain = Rig(64, 48, 90, lens).half_angles, Rig(64, 48, 90).half_angles
        assert (bent[0] > plain[0]) == (bent[1] > plain[1]) == more


@given(lens_rigs())
def test_half_angles_are_those_of_the_outermost_rays(rig: Rig) -> None:
    right = rig.directions((1.0, 0.0))[rig.height // 2, -1]
    up = rig.directions((0.0, 0.0))[0, rig.width // 2]
    np.testing.assert_allclose(rig.half_angles, [np.arctan(right[0]), np.arctan(up[1])], atol=1e-4)


@pytest.mark.parametrize(
    ("lens", "message"),
    [
        ((1.5, 0.0), "k1 1.5 is out of range: -1 to 1"),
        ((0.0, -2.0), "k2 -2 is out of range"),
        ((float("nan"), 0.0), "k1 nan is out of range"),
        ((-0.3, 0.0), "folds the picture .* corners of 64x64 at hfov 90 are 1.41 away"),
        ((0.3, -0.3), "folds the picture"),
    ],
)
def test_distortion_that_cannot_be_undone_is_refused(lens: tuple[float, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Rig(64, 64, 90.0, RadialDistortion(*lens))


# --- in pictures


@pytest.mark.parametrize("lens", LENSES)
def test_a_checkered_wall_looks_as_opencv_bends_it(lens: RadialDistortion) -> None:
    """Ids, depth and colour of tiles of 20 cm, two metres away, against rays that OpenCV undistorts."""
    rig, tile = Rig(96, 64, 75.0, lens), 0.2
    count, half = 40, 4.0
    grid = np.stack(np.meshgrid(*[np.linspace(-half, half, count + 1)] * 2), axis=-1).reshape(-1, 2)
    first = (np.arange(count)[:, None] * (count + 1) + np.arange(count)).ravel()
    quads = np.stack([first, first + 1, first + count + 2, first + count + 1], axis=1)
    faces = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    own = grid[faces].reshape(-1, 2)  # every face has vertices of its own, and so a colour of its own
    ids = np.repeat(np.arange(1, count * count + 1), 2)
    shade = np.where((np.arange(count * count) // count + np.arange(count * count)) % 2, 220, 30)
    space = make_space(
        np.column_stack([own, np.zeros(len(own))]),
        np.arange(len(own)).reshape(-1, 3),
        np.repeat(shade, 6)[:, None].repeat(3, axis=1),
        ids,
    )
    frame = RaycastEngine(space, rig).render(pose(z=2))
    hit = opencv_slopes(rig, pixel_centres(rig)) * 2 * (1, -1)
    place = (hit + half) / tile
    cell = np.floor(place).astype(int)
    expected = (cell[:, 1] * count + cell[:, 0] + 1).reshape(rig.height, rig.width)
    clear = (np.abs(place - np.rint(place)).min(axis=1) > 1e-3).reshape(expected.shape)
    assert (frame["depth"] == 2000).all()
    assert np.array_equal(frame["instance"][clear], expected[clear])
    far = (np.abs(place - np.rint(place)).min(axis=1) > 0.25).reshape(expected.shape)
    assert far.mean() > 0.2
    assert np.array_equal(frame["rgb"][far][:, 0], shade[expected[far] - 1])


@pytest.mark.parametrize("lens", LENSES)
def test_outlines_are_antialiased_through_the_lens(lens: RadialDistortion) -> None:
    near, far = SQUARE * 0.5, SQUARE * 9 - (0, 0, 3)
    space = make_space(
        np.vstack([near, far]),
        np.vstack([SQUARE_FACES, SQUARE_FACES + 4]),
        np.repeat([[180], [80]], 4, axis=0),
        instance=[1, 1, 2, 2],
    )
    camera = pose(z=0.62) @ pose(roll=17)
    frame = RaycastEngine(space, Rig(48, 48, 80, lens)).render(camera)
    fine = RaycastEngine(space, Rig(48 * 16, 48 * 16, 80, lens)).render(camera)["instance"] == 1
    share = fine.reshape(48, 16, 48, 16).mean(axis=(1, 3))
    rgb = (frame["rgb"][..., 0] - 80.0) / 100
    outline = (share > 0) & (share < 1)
    assert outline.sum() > 40
    assert np.abs(rgb - share)[outline].mean() < 0.4 * np.abs((frame["instance"] == 1) - share)[outline].mean()
    assert np.abs(rgb - share).max() < 0.35


def test_textures_are_blurred_where_the_lens_squeezes_them() -> None:
    """Lines one texel wide turn grey in the squeezed corners, and stay lines in the middle."""
    lines = np.zeros((512, 512, 3), np.uint8)
    lines[:, ::2] = 240
    wall = textured(lines, uv_scale=2)
    lens = RadialDistortion(-0.2, 0.0)
    view = RaycastEngine(wall, Rig(512, 512, 60, lens)).render(pose(z=0.75))["rgb"][..., 0].astype(float)
    assert view[236:276, 236:276].std() > 60
    assert view[:20, :20].std() < 20


@settings(max_examples=25, deadline=None)
@given(lens_rigs(), st.floats(-40, 40), st.floats(-40, 40))
def test_normals_from_depth_know_the_lens(rig: Rig, yaw: float, pitch: float) -> None:
    wall = make_space(SQUARE * 60, SQUARE_FACES)
    frame = RaycastEngine(wall, rig).render(pose(z=2) @ pose(yaw=yaw, pitch=pitch))
    rays = rig.directions().astype(float)
    normal = np.array([0, 0, 1.0]) @ (pose(yaw=yaw, pitch=pitch)[:3, :3])
    depth = -2 / (rays @ (pose(yaw=yaw, pitch=pitch)[2, :3]))
    assume((depth > 0).all() and (depth < 60).all())
    assert np.abs(frame["depth"] - depth * 1000).max() <= 1 + 1e-4 * depth.max() * 1000
    found = normals_from_depth(depth.astype(np.float32), rig)[2:-2, 2:-2]
    assert np.degrees(np.arccos(np.clip(found @ normal, -1, 1))).max() < 1.0
    assert (decode(frame["normals"]) @ normal).min() > 0.999


@pytest.mark.parametrize("lens", LENSES)
def test_views_are_judged_by_what_the_lens_shows(lens: RadialDistortion) -> None:
    """The camera is 1.2 m above the floor, and the walls are farther: the steepest ray decides what is nearest."""
    scene, rig = Scene.of(empty_room()), Rig(64, 64, 80, lens)
    found = view_content(scene, rig, np.stack([pose(2.5, 1.2, 2)]))
    grid = 32 + 32 * ((np.arange(24) + 0.5) / 24 * 2 - 1)
    slopes = opencv_slopes(rig, np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2))
    length = np.sqrt(1 + (slopes**2).sum(axis=1))
    with np.errstate(divide="ignore"):
        exits = np.stack(
            [2 + 0 * length, 2.5 / np.abs(slopes[:, 0]), 1.2 / slopes[:, 1].clip(0), 1.3 / (-slopes[:, 1]).clip(0)]
        )
    distance = exits.min(axis=0) * length
    assert found.nearest[0] == pytest.approx(distance.min(), rel=1e-4)
    assert found.median[0] == pytest.approx(np.median(distance), rel=1e-2)
    assert look_around(scene, np.array([[2.5, 1.2, 2]])).content(rig, np.zeros(1)).hits.min() == 1


# --- from a pinhole's picture


@pytest.mark.parametrize("lens", LENSES)
def test_a_pinholes_picture_bent_afterwards_is_the_lenss_own(lens: RadialDistortion) -> None:
    rig = Rig(96, 72, 75.0, lens)
    bend = Lens.of(rig)
    space = empty_room()
    camera = pose(2, 1.2, 2.2, yaw=30, pitch=-10)
    own, bent = (
        RaycastEngine(space, rig).render(camera),
        bend.picture(RaycastEngine(space, bend.pinhole).render(camera)),
    )
    assert set(bent) == set(own)
    for name in own:
        assert (bent[name].shape, bent[name].dtype) == (own[name].shape, own[name].dtype)
    same = bent["instance"] == own["instance"]
    assert same.mean() > 0.98
    around = [fold(own["depth"], np.ones((3, 3))).astype(float) for fold in (cv2.erode, cv2.dilate)]
    assert ((bent["depth"] >= around[0] - 9) & (bent["depth"] <= around[1] + 9)).mean() > 0.995
    assert np.abs(bent["normals"][same].astype(int) - own["normals"][same]).max() <= 1
    assert (bent["depth"] > 0).all()


def test_colours_bent_afterwards_are_those_of_the_lenss_own_picture() -> None:
    rng = np.random.default_rng(3)
    wall = textured(cv2.resize(rng.integers(0, 256, (24, 24, 3), np.uint8), (480, 480), interpolation=cv2.INTER_CUBIC))
    for lens in LENSES:
        rig = Rig(96, 72, 75.0, lens)
        bend = Lens.of(rig)
        own = RaycastEngine(wall, rig).render(pose(z=0.8))
        bent = bend.picture(RaycastEngine(wall, bend.pinhole).render(pose(z=0.8)))["rgb"]
        inner = cv2.erode((own["depth"] > 0).astype(np.uint8), np.ones((5, 5))) > 0
        assert inner.mean() > 0.5
        error = (bent.astype(float) - own["rgb"])[inner]
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 33


@pytest.mark.parametrize("lens", LENSES)
def test_habitat_shows_through_a_lens_what_raycast_does(lens: RadialDistortion) -> None:
    try:
        habitat_versions()
    except UserError as error:
        pytest.skip(str(error).partition(".")[0])
    rig = Rig(128, 96, 75.0, lens)
    ours, its = (open_engine(name, tiny_room(), rig) for name in ("raycast", "habitat"))
    try:
        for camera in cameras()[:3]:
            one, other = ours.render(camera), its.render(camera)
            assert (one["instance"] == other["instance"]).mean() > 0.96
            assert np.median(np.abs(one["depth"].astype(float) - other["depth"])) < 10
    finally:
        its.close()


@given(lens_rigs())
def test_the_covering_pinhole_sees_all_of_the_picture_and_as_finely(rig: Rig) -> None:
    try:
        pinhole = covering_pinhole(rig)
    except UserError as error:
        assert "150" in str(error) or "2048" in str(error)  # noqa: PT017
        return
    assert not pinhole.distortion
    for offset in ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)):
        x, y, _ = np.abs(rig.directions(offset).reshape(-1, 3)).T * pinhole.focal
        assert x.max() <= pinhole.width / 2 + 1e-3
        assert y.max() <= pinhole.height / 2 + 1e-3
    xx, _, yy = rig.distortion.jacobian(*rig.directions()[..., :2].reshape(-1, 2).T)
    assert pinhole.focal >= rig.focal * max(xx.max(), yy.max()) * 0.999


def test_a_picture_too_wide_or_too_large_for_a_pinhole_is_refused() -> None:
    with pytest.raises(UserError, match=r"degrees wide, and this engine renders up to 150"):
        covering_pinhole(Rig(256, 32, 140.8, RadialDistortion(-0.01833, 0.0)))
    with pytest.raises(UserError, match="would have to render"):
        covering_pinhole(Rig(2048, 2048, 75.0, PINCUSHION))
