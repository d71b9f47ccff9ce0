"""Views of self-distillation show a part of their frame, alike for equal draws, and colours change as they should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as T

from baselines.self_distillation.config import CropPlan
from baselines.self_distillation.crops import (
    ASPECT,
    Views,
    blurred,
    change_colours,
    crop,
    draw_boxes,
    draw_views,
    grey,
    show,
    turn_hue,
)
from sim_envs.errors import UserError

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)


def frames(count: int, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(count)) * 2 - 1


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9), st.floats(0, 0.1))
@PROPERTY
def test_boxes_lie_in_the_frame_and_have_the_share_of_its_area_that_was_asked_for(
    seed: int, low: float, more: float
) -> None:
    boxes = draw_boxes(np.random.default_rng(seed), 20, (low, low + more))
    centre, half = boxes[:, :2], np.abs(boxes[:, 2:])
    assert (np.abs(centre) + half <= 1 + 1e-12).all()
    uncut = (half < 1).all(axis=1)
    area = half.prod(axis=1)
    assert (area <= low + more + 1e-12).all()
    assert (area[uncut] >= low - 1e-12).all()
    aspect = half[uncut, 0] / half[uncut, 1]
    assert ((aspect >= 1 / ASPECT - 1e-9) & (aspect <= ASPECT + 1e-9)).all()


def test_about_half_of_the_boxes_mirror() -> None:
    boxes = draw_boxes(np.random.default_rng(0), 4000, (0.1, 0.4))
    assert (boxes[:, 2] < 0).mean() == pytest.approx(0.5, abs=0.03)
    assert (boxes[:, 3] > 0).all()


def test_a_box_of_the_whole_frame_is_the_frame_and_a_negative_width_its_mirror() -> None:
    rgb = frames(2)
    cut = crop(rgb, np.array([[0, 0, 1, 1], [0, 0, -1, 1.0]]), 32)
    torch.testing.assert_close(cut[0], rgb[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(cut[1], rgb[1].flip(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [16, 32])
def test_a_slope_stays_the_same_slope_in_a_crop(size: int) -> None:
    axis = (torch.arange(32) + 0.5) / 16 - 1  # the frame spans −1…1
    ramp = torch.stack([axis.expand(32, 32), axis[:, None].expand(32, 32)])[None]
    cut = crop(ramp, np.array([[0.2, -0.1, 0.6, 0.5]]), size)
    place = (torch.arange(size) + 0.5) / (size / 2) - 1
    torch.testing.assert_close(cut[0, 0], (0.2 + 0.6 * place).expand(size, size), atol=1e-5, rtol=0)
    torch.testing.assert_close(cut[0, 1], (-0.1 + 0.5 * place)[:, None].expand(size, size), atol=1e-5, rtol=0)


def test_a_small_view_averages_pixels_instead_of_skipping_them() -> None:
    stripes = torch.tensor([-1.0, 1.0]).repeat(16).expand(1, 3, 32, 32)
    assert crop(stripes, np.array([[0, 0, 1, 1.0]]), 16).abs().max() < 0.01


def whole(count: int, **changes: object) -> Views:
    """Return one view a frame that is the frame as it is, but for some numbers."""
    still = Views(
        boxes=np.tile([0.0, 0.0, 1.0, 1.0], (count, 1)),
        **{name: np.ones(count) for name in ("brightness", "contrast", "saturation")},
        **{name: np.zeros(count) for name in ("hue", "blur")},
        solarised=np.zeros(count, dtype=bool),
    )
    return replace(still, **{name: np.full(count, value) for name, value in changes.items()})


def test_a_view_without_changes_is_the_frame() -> None:
    rgb = frames(3)
    torch.testing.assert_close(change_colours(rgb, whole(3), np.zeros(3)), rgb, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "reference"),
    [
        ("brightness", T.adjust_brightness),
        ("contrast", T.adjust_contrast),
        ("saturation", T.adjust_saturation),
    ],
)
def test_colours_change_as_torchvision_changes_them(change: str, reference: Callable[..., torch.Tensor]) -> None:
    rgb, factors = frames(3), np.array([0.6, 1.0, 1.4])
    views = change_colours(rgb, whole(3, **{change: factors}), np.zeros(3)) / 2 + 0.5
    for view, frame, factor in zip(views, rgb / 2 + 0.5, factors, strict=True):
        torch.testing.assert_close(view, reference(frame, factor), atol=5e-4, rtol=0)


def test_grey_is_torchvisions_grey() -> None:
    rgb = frames(2) / 2 + 0.5
    torch.testing.assert_close(grey(rgb), T.rgb_to_grayscale(rgb), atol=2e-4, rtol=0)


def test_without_saturation_all_channels_are_equal() -> None:
    views = change_colours(frames(3), whole(3, saturation=0.0), np.zeros(3))
    torch.testing.assert_close(views, views.mean(dim=1, keepdim=True).expand_as(views), atol=1e-5, rtol=0)


def test_a_third_of_a_turn_of_hue_moves_every_channel_to_the_next_and_greys_stay() -> None:
    rgb = frames(2) / 2 + 0.5
    turned = turn_hue(rgb, np.array([1 / 3, 0.0]))
    torch.testing.assert_close(turned[0], rgb[0].roll(1, dims=0), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned[1], rgb[1], atol=1e-5, rtol=0)
    even = rgb.mean(dim=1, keepdim=True).expand_as(rgb)
    torch.testing.assert_close(turn_hue(even, np.array([0.1, -0.2])), even, atol=1e-5, rtol=0)


def test_blur_is_torchvisions_away_from_the_border() -> None:
    rgb = frames(2)
    ours = blurred(rgb, np.array([0.5, 1.3]))
    for view, frame, deviation in zip(ours, rgb, (0.5, 1.3), strict=True):
        expected = T.gaussian_blur(frame, [7, 7], [deviation, deviation])  # both reach 3 pixels
        torch.testing.assert_close(view[:, 3:-3, 3:-3], expected[:, 3:-3, 3:-3], atol=1e-5, rtol=0)
    assert torch.equal(blurred(rgb, np.zeros(2)), rgb)


def test_solarising_turns_the_bright_half_over() -> None:
    rgb = frames(2)
    views = change_colours(rgb, whole(2, solarised=True), np.zeros(2))
    torch.testing.assert_close(views, -rgb.abs(), atol=1e-5, rtol=0)


def test_equal_draws_give_equal_views_and_every_view_is_another() -> None:
    rgb, plan = frames(4), CropPlan(local_crops=3)
    first, again, other = (draw_views(np.random.default_rng(seed), 4, plan) for seed in (5, 5, 6))
    large, small = show(rgb, first, range(2), 32), show(rgb, first, range(2, 5), 16)
    assert large.shape == (8, 3, 32, 32)
    assert small.shape == (12, 3, 16, 16)
    assert torch.equal(large, show(rgb, again, range(2), 32))
    assert not torch.equal(large, show(rgb, other, range(2), 32))
    assert len({view.numpy().tobytes() for view in (*large, *small)}) == 8 + 12
    assert max(large.abs().max(), small.abs().max()) <= 1 + 1e-5


def test_some_of_the_frames_get_the_views_they_get_among_all() -> None:
    rgb, drawn = frames(4), draw_views(np.random.default_rng(0), 4, CropPlan())
    all_of_them = show(rgb, drawn, range(2), 32).unflatten(0, (2, 4))
    rows = np.array([2, 0])
    torch.testing.assert_close(show(rgb[rows], drawn[rows], range(2), 32).unflatten(0, (2, 2)), all_of_them[:, rows])


def test_views_are_changed_as_often_as_the_paper_changes_them() -> None:
    drawn = draw_views(np.random.default_rng(0), 4000, CropPlan(local_crops=2))
    often = [(values != 0).mean(axis=0) for values in (drawn.blur, drawn.solarised, drawn.hue)]
    np.testing.assert_allclose(often, [[1, 0.1, 0.5, 0.5], [0, 0.2, 0, 0], [0.8] * 4], atol=0.03)
    assert (drawn.saturation == 0).mean() == pytest.approx(0.2, abs=0.02)
    assert (drawn.blur.max(), drawn.blur[drawn.blur > 0].min()) == pytest.approx((2 / 224, 0.1 / 224), rel=0.02)
    areas = np.abs(drawn.boxes[..., 2:]).prod(axis=-1)
    assert areas[:, :2].min() > 0.35
    assert areas[:, 2:].max() <= 0.4


def test_local_views_are_whole_patches_in_the_papers_proportion() -> None:
    assert CropPlan().local_size(224, 16) == 96
    assert CropPlan().local_size(64, 8) == 24
    assert CropPlan().local_size(32, 8) == 16


@pytest.mark.parametrize(
    "wrong",
    [
        {"global_crops": 1},
        {"local_crops": -1},
        {"global_area": (0.5, 0.4)},
        {"local_area": (0.0, 0.4)},
        {"local_side": 0.0},
        {"contrast": 1.0},
    ],
)
def test_plans_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        CropPlan(**wrong)  # type: ignore[arg-type]
