"""The rig: intrinsics and ray directions belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_envs.errors import UserError
from sim_envs.rig import Rig

rigs = st.builds(Rig, width=st.integers(32, 200), height=st.integers(32, 200), hfov=st.floats(30, 150, allow_nan=False))


@given(rigs)
def test_rays_project_back_onto_their_pixel_centres(rig: Rig) -> None:
    points = rig.directions().astype(np.float64) * 2.5
    seen = points * (1, -1, -1) @ rig.intrinsics.T  # OpenGL camera to OpenCV camera, then to pixels
    pixels = seen[..., :2] / seen[..., 2:]
    columns, rows = np.meshgrid(np.arange(rig.width) + 0.5, np.arange(rig.height) + 0.5)
    assert np.allclose(pixels, np.stack([columns, rows], axis=-1), atol=1e-3)


@given(rigs)
def test_rays_have_planar_depth_one(rig: Rig) -> None:
    directions = rig.directions()
    assert directions.dtype == np.float32
    assert directions.shape == (rig.height, rig.width, 3)
    assert (directions[..., 2] == -1).all()


@given(rigs)
def test_the_outermost_rays_span_the_horizontal_field_of_view(rig: Rig) -> None:
    left, right = rig.directions((0.0, 0.5))[0, 0, 0], rig.directions((1.0, 0.5))[0, -1, 0]
    assert np.degrees(np.arctan(right) - np.arctan(left)) == pytest.approx(rig.hfov, abs=1e-3)


def test_row_0_looks_up_and_column_0_looks_left() -> None:
    directions = Rig(64, 48, 90.0).directions()
    assert directions[0, 0, 0] < 0 < directions[0, -1, 0]
    assert directions[-1, 0, 1] < 0 < directions[0, 0, 1]


def test_pixels_are_square() -> None:
    directions = Rig(64, 48, 70.0).directions()
    across, down = directions[0, 1, 0] - directions[0, 0, 0], directions[0, 0, 1] - directions[1, 0, 1]
    assert across == pytest.approx(down, rel=1e-4)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("width", 31, "width 31"),
        ("height", 2049, "height 2049"),
        ("hfov", 5.0, "hfov 5.0"),
        ("hfov", 179.0, "30 to 150"),
    ],
)
def test_numbers_out_of_range_are_named(field: str, value: float, told: str) -> None:
    with pytest.raises(UserError, match=told):
        Rig(**{field: value})
