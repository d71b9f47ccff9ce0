"""The self-test of engines: its picture is exact, and what drivers and engines do wrong does not get past it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter, minimum_filter

from sim_envs.engines.raycast import RaycastEngine
from sim_envs.engines.selftest import BOXES, NORMALS_EDGE_PX, RIG, VIEWS, Fault, View, compare, expected, room, selftest
from sim_envs.modalities import MODALITIES, RENDERED
from sim_envs.rig import Rig
from sim_envs.space import Space

Frame = dict[str, np.ndarray]
SMALL = Rig(64, 48, 80)


def engine_that(spoil: Callable[[Frame], Frame]) -> type[RaycastEngine]:
    """Return a raycast engine whose frames go through a function."""

    class Spoiling(RaycastEngine):
        def render(self, camera_to_world: np.ndarray) -> Frame:
            return spoil(super().render(camera_to_world))

    return Spoiling


def drawn_by(engine: type[RaycastEngine]) -> list[Fault]:
    return selftest(engine(room(), RIG))


def set_square(frame: Frame, modality: str, left: int, top: int, size: int) -> Frame:
    values = frame[modality].copy()
    values[top : top + size, left : left + size] = 0
    return frame | {modality: values}


# --- the expected picture -------------------------------------------------------------------------------


def test_a_wall_seen_face_on_is_as_far_as_the_tape_measure_says() -> None:
    """From (0.9, 1.9, 1) a camera that looks along −z is 2.5 m from the wall at z = −1.5, and nothing is between."""
    frame, surface = expected(View((0.9, 1.9, 1.0), 0, 0).camera_to_world, SMALL)
    assert frame["depth"][24, 32] == 2500
    assert surface[24, 32] == 4
    assert tuple(frame["normals"][24, 32]) == (128, 128, 255)
    assert frame["semantic"][24, 32] == 1


def test_turning_left_by_a_right_angle_shows_the_wall_at_negative_x() -> None:
    frame, surface = expected(View((0.5, 1.9, 0.5), 90, 0).camera_to_world, SMALL)
    assert frame["depth"][24, 32] == 2500
    assert surface[24, 32] == 0


def test_looking_down_shows_the_floor_and_up_the_ceiling() -> None:
    down, floor = expected(View((-0.6, 1.7, 0.2), 0, -90).camera_to_world, SMALL)
    up, ceiling = expected(View((-0.6, 1.7, 0.2), 0, 90).camera_to_world, SMALL)
    assert (down["depth"][24, 32], floor[24, 32]) == (1700, 2)
    assert (up["depth"][24, 32], ceiling[24, 32]) == (700, 3)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(-1.9, 1.9),
    y=st.floats(0.1, 2.3),
    z=st.floats(-1.4, 1.4),
    yaw=st.floats(-180, 180),
    pitch=st.floats(-80, 80),
    hfov=st.floats(40, 120),
)
def test_raycast_draws_the_expected_picture_from_anywhere_in_the_room(
    x: float, y: float, z: float, yaw: float, pitch: float, hfov: float
) -> None:
    outside = (BOXES[1:, 0] - 0.05 > (x, y, z)) | (BOXES[1:, 1] + 0.05 < (x, y, z))
    assume(outside.any(axis=1).all())
    camera, rig = View((x, y, z), yaw, pitch).camera_to_world, Rig(64, 48, hfov)
    frame = RaycastEngine(room(), rig).render(camera)
    right, surface = expected(camera, rig)
    clear = minimum_filter(surface, 3) == maximum_filter(surface, 3)
    same = frame["instance"] == right["instance"]
    assert (same | ~clear).mean() > 0.98  # a column of rays along an edge may round to its other side
    assert (np.abs(frame["depth"].astype(int) - right["depth"])[same] <= 1).all()
    assert (np.abs(frame["normals"].astype(int) - right["normals"])[same] <= 1).all()
    assert np.array_equal(frame["semantic"][same], right["semantic"][same])
    assert np.array_equal(frame["rgb"][clear & same], right["rgb"][clear & same])
    # A box seen edge on has a side that no centre of a pixel sees and antialiasing does.
    assert {fault.modality for fault in compare(frame, 0, camera, rig)} <= {"rgb"}


def test_views_show_every_box_and_most_sides_in_colours_that_differ_from_their_neighbours() -> None:
    seen: set[int] = set()
    for view in VIEWS:
        frame, surface = expected(view.camera_to_world)
        seen |= set(np.unique(surface).tolist())
        for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            differ = surface[one] != surface[other]
            contrast = np.abs(frame["rgb"][one].astype(int) - frame["rgb"][other]).max(axis=-1)
            assert contrast[differ].min() >= 20
        assert frame["rgb"].min() >= 40
        assert frame["instance"].max() > 255
    assert {surface // 6 for surface in seen} == set(range(len(BOXES)))
    assert len(seen) >= 16


# --- what is found --------------------------------------------------------------------------------------


def test_raycast_passes() -> None:
    assert drawn_by(RaycastEngine) == []


@settings(max_examples=30, deadline=None)
@given(
    modality=st.sampled_from(["rgb", "depth", "semantic", "instance"]),
    view=st.integers(0, len(VIEWS) - 1),
    left=st.integers(0, RIG.width - 40),
    top=st.integers(0, RIG.height - 40),
    size=st.integers(3, 40),
)
def test_a_black_square_is_found_wherever_it_is(modality: str, view: int, left: int, top: int, size: int) -> None:
    camera = VIEWS[view].camera_to_world
    right, _ = expected(camera)
    (fault,) = compare(set_square(right, modality, left, top, size), view, camera)
    assert (fault.modality, fault.view, fault.black) == (modality, view, True)
    assert f"{size * size} of 76800 pixels are black (0)" in fault.what
    assert f"columns {left} to {left + size - 1}, rows {top} to {top + size - 1}" in fault.what


def test_of_several_squares_the_largest_is_told() -> None:
    camera = VIEWS[1].camera_to_world
    right, _ = expected(camera)
    frame = set_square(set_square(right, "depth", 10, 20, 16), "depth", 200, 100, 32)
    (fault,) = compare(frame, 1, camera)
    assert "1280 of 76800 pixels" in fault.what
    assert "in 2 patches, the largest in columns 200 to 231, rows 100 to 131" in fault.what


def test_a_black_square_across_all_modalities_is_found_in_each() -> None:
    def spoil(frame: Frame) -> Frame:
        for name in RENDERED:
            frame = set_square(frame, name, 16, 32, 32)
        return frame

    faults = drawn_by(engine_that(spoil))
    assert {fault.modality for fault in faults} == set(RENDERED)
    assert {fault.view for fault in faults} == {0, 1, 2}
    assert all(fault.black for fault in faults)


def _byte_ids(frame: Frame) -> Frame:
    return frame | {"instance": frame["instance"] % 256}


def _world_normals(frame: Frame) -> Frame:
    camera = VIEWS[0].camera_to_world[:3, :3]
    normals = (frame["normals"] / 127.5 - 1) @ camera.T
    return frame | {"normals": np.rint((normals + 1) * 127.5).astype(np.uint8)}


def _ray_length(frame: Frame) -> Frame:
    length = np.linalg.norm(RIG.directions(), axis=-1)
    return frame | {"depth": np.rint(frame["depth"] * length).astype(np.uint16)}


SPOILT: dict[str, tuple[Callable[[Frame], Frame], set[str]]] = {
    "mirrored": (lambda f: {name: values[:, ::-1] for name, values in f.items()}, set(RENDERED)),
    "upside down": (lambda f: {name: values[::-1] for name, values in f.items()}, set(RENDERED)),
    "shifted by three pixels": (
        lambda f: {name: np.pad(v, ((0, 0), (3, 0), (0, 0))[: v.ndim], mode="edge")[:, :-3] for name, v in f.items()},
        {"rgb", "depth", "semantic", "instance"},
    ),
    "blue first": (lambda f: f | {"rgb": f["rgb"][..., ::-1]}, {"rgb"}),
    "too bright": (lambda f: f | {"rgb": (f["rgb"] * 1.1).astype(np.uint8)}, {"rgb"}),
    "centimetres": (lambda f: f | {"depth": f["depth"] // 10}, {"depth"}),
    "ray length": (_ray_length, {"depth"}),
    "normals in the world frame": (_world_normals, {"normals"}),
    "ids in a byte": (_byte_ids, {"instance"}),
    "instances for categories": (lambda f: f | {"semantic": f["instance"]}, {"semantic"}),
    "a modality left out": (lambda f: {name: f[name] for name in f if name != "normals"}, {"normals"}),
    "four channels": (lambda f: f | {"rgb": np.dstack([f["rgb"], f["rgb"][..., :1]])}, {"rgb"}),
    "metres as floats": (lambda f: f | {"depth": (f["depth"] / 1000).astype(np.float32)}, {"depth"}),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_picture_that_breaks_the_contract_is_found(case: str) -> None:
    spoil, modalities = SPOILT[case]
    camera = VIEWS[0].camera_to_world
    right, _ = expected(camera)
    faults = compare(spoil(right), 0, camera)
    assert {fault.modality for fault in faults} == modalities
    assert not any(fault.black for fault in faults)


def test_an_engine_that_culls_back_faces_shows_no_walls_and_is_found() -> None:
    class Culling(RaycastEngine):
        def __init__(self, space: Space, rig: Rig) -> None:
            furniture = slice(12, None)
            super().__init__(
                replace(
                    space,
                    faces=space.faces[furniture],
                    face_instance=space.face_instance[furniture],
                    face_texture=space.face_texture[furniture],
                ),
                rig,
            )

    assert {fault.modality for fault in drawn_by(Culling)} == set(RENDERED)


# --- what is allowed ------------------------------------------------------------------------------------


def test_small_deviations_pass_and_larger_ones_do_not() -> None:
    camera = VIEWS[1].camera_to_world
    right, _ = expected(camera)
    rng = np.random.default_rng(0)

    def off(name: str, most: int) -> Frame:
        by = rng.integers(-most, most + 1, right[name].shape)
        return right | {name: (right[name].astype(int) + by).astype(right[name].dtype)}

    for name in ("rgb", "depth", "normals"):
        assert compare(off(name, 3), 1, camera) == []
        assert compare(off(name, 30), 1, camera) != []


def test_normals_may_be_anything_beside_edges_and_nowhere_else() -> None:
    camera = VIEWS[2].camera_to_world
    right, surface = expected(camera)
    near_edge = np.zeros(surface.shape, bool)
    step = NORMALS_EDGE_PX
    for axis in (0, 1):
        for shift in range(-step, step + 1):
            near_edge |= np.roll(surface, shift, axis=axis) != surface
    normals = right["normals"].copy()
    normals[near_edge] = (255, 128, 128)
    inner = np.zeros(surface.shape, bool)
    inner[step:-step, step:-step] = True
    normals[~inner] = right["normals"][~inner]
    assert compare(right | {"normals": normals}, 2, camera) == []
    normals[:] = (255, 128, 128)
    assert compare(right | {"normals": normals}, 2, camera) != []


def test_a_few_stray_pixels_pass() -> None:
    camera = VIEWS[0].camera_to_world
    right, _ = expected(camera)
    depth = right["depth"].copy()
    depth[100, 40:48] = 0
    assert compare(right | {"depth": depth}, 0, camera) == []
    depth[100, 48] = 0
    assert len(compare(right | {"depth": depth}, 0, camera)) == 1


def test_expected_frames_have_the_stored_types_of_the_modality_table() -> None:
    frame, _ = expected(VIEWS[0].camera_to_world, SMALL)
    assert set(frame) == set(RENDERED)
    for name, values in frame.items():
        assert values.dtype == MODALITIES[name].dtype
        assert values.shape == MODALITIES[name].frame_shape(48, 64)
