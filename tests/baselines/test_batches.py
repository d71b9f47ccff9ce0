"""Batches: which frames come when, and augmentation under which geometry stays true."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.augmentation import UNCHANGED, Augmentation, Changes, draw_changes, jitter_colours
from baselines.batches import FramePool, epoch_order, shrink
from baselines.values import LOG_DEPTH_MEAN, LOG_DEPTH_STD, to_stored, to_values
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED, modality
from sim_envs.recordings.sensed import SensedFrames
from sim_envs.rig import Rig

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
STILL = Augmentation(flip=0.0, max_shift=0, brightness=0.0, contrast=0.0, colour=0.0)
FLIPPED = Augmentation(flip=1.0, max_shift=0, brightness=0.0, contrast=0.0, colour=0.0)
SHIFTED = Augmentation(flip=0.0, max_shift=5, brightness=0.0, contrast=0.0, colour=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def changes(augmentation: Augmentation, frames: int, seed: int = 0) -> Changes | None:
    return draw_changes(augmentation, generator(seed), frames)


def as_tensor(stored: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(stored.view(np.int16) if stored.dtype == np.uint16 else stored)


def metres(depth_values: torch.Tensor) -> np.ndarray:
    return np.exp(depth_values[:, 0].double().numpy() * LOG_DEPTH_STD + LOG_DEPTH_MEAN)


def normals_of_depth(depth: np.ndarray) -> np.ndarray:
    """Return (H−1, W−1, 3) normals by crossing neighbouring points, camera frame, facing the camera."""
    points = Rig(depth.shape[1], depth.shape[0]).directions() * depth[..., None]
    right, down = points[:-1, 1:] - points[:-1, :-1], points[1:, :-1] - points[:-1, :-1]
    normal = np.cross(down, right)
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


@pytest.mark.parametrize("augmentation", [UNCHANGED, FLIPPED])
def test_normals_agree_with_the_depth_also_when_flipped(planes: SensedFrames, augmentation: Augmentation) -> None:
    batch = FramePool([planes], SENSED, 32).batch(np.arange(40), CPU, changes=changes(augmentation, 40))
    for depth, normals, measured in zip(
        metres(batch.values["depth"]), batch.values["normals"].numpy(), batch.measured["depth"].numpy(), strict=True
    ):
        near = measured & (depth < 4)  # farther away, millimetres are too coarse for differences
        near = near[:-1, :-1] & near[1:, :-1] & near[:-1, 1:]
        agreement = (normals_of_depth(depth) * normals.transpose(1, 2, 0)[:-1, :-1]).sum(-1)[near]
        assert np.median(agreement) > math.cos(math.radians(2))


def test_a_flip_mirrors_every_modality(planes: SensedFrames) -> None:
    pool = FramePool([planes], SENSED, 32)
    plain = pool.batch(np.arange(8), CPU)
    mirrored = pool.batch(np.arange(8), CPU, changes=changes(FLIPPED, 8))
    for name in ("rgb", "depth", "edges"):
        assert torch.equal(plain.values[name].flip(-1), mirrored.values[name])
        assert torch.equal(plain.measured[name].flip(-1), mirrored.measured[name])
    sign = torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(plain.values["normals"].flip(-1) * sign, mirrored.values["normals"], atol=0.01, rtol=0)


@pytest.mark.parametrize("name", SENSED)
def test_mirroring_is_what_the_modality_table_says(planes: SensedFrames, name: str) -> None:
    rows = np.arange(8)
    mirrored = FramePool([planes], (name,), 32).batch(rows, CPU, changes=changes(FLIPPED, 8))
    by_the_table = np.ascontiguousarray(modality(name).flip(planes.get(name, rows)))
    expected = to_values(name, as_tensor(by_the_table), mirrored.measured[name])
    assert torch.equal(mirrored.values[name], expected)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_frames_changed_on_a_device_are_those_changed_on_the_cpu(planes: SensedFrames, device: str) -> None:
    rows, drawn = np.array([3, 39, 0, 7]), changes(Augmentation(), 4)
    where = torch.device(device)
    plain = FramePool([planes], SENSED, 32).batch(rows, CPU, changes=drawn)
    held = FramePool([planes], SENSED, 32, device=where).batch(rows, where, changes=drawn)
    sent = FramePool([planes], SENSED, 32, memory_limit_bytes=0).batch(rows, where, changes=drawn)
    for name in SENSED:
        for other in (held, sent):
            torch.testing.assert_close(other.values[name].cpu(), plain.values[name], rtol=1e-5, atol=1e-5)
            assert torch.equal(other.measured[name].cpu(), plain.measured[name])


def test_a_part_of_a_batch_is_changed_as_in_the_whole(planes: SensedFrames) -> None:
    pool, rows, drawn = FramePool([planes], SENSED, 32), np.arange(10), changes(Augmentation(), 10)
    assert drawn is not None
    whole = pool.batch(rows, CPU, changes=drawn)[4:7]
    part = pool.batch(rows[4:7], CPU, changes=drawn[4:7])
    assert np.array_equal(whole.rows, part.rows)
    assert all(torch.equal(whole.values[name], part.values[name]) for name in SENSED)
    assert all(torch.equal(whole.measured[name], part.measured[name]) for name in SENSED)


def test_a_shift_moves_all_modalities_alike_and_measures_nothing_beyond_the_border(planes: SensedFrames) -> None:
    pool = FramePool([planes], SENSED, 32)
    plain = pool.batch(np.arange(30), CPU)
    moved = pool.batch(np.arange(30), CPU, changes=changes(SHIFTED, 30))
    for index in range(30):
        inside = moved.measured["rgb"][index]
        rows, columns = inside.any(1).nonzero().flatten(), inside.any(0).nonzero().flatten()
        assert inside.sum() == len(rows) * len(columns)
        height, width = len(rows), len(columns)
        source_y, source_x = (0 if rows[-1] == 31 else 32 - height), (0 if columns[-1] == 31 else 32 - width)
        for name in SENSED:
            now = moved.values[name][index][:, rows[0] : rows[0] + height, columns[0] : columns[0] + width]
            was = plain.values[name][index][:, source_y : source_y + height, source_x : source_x + width]
            assert torch.equal(now, was)
    assert not moved.measured["rgb"].all()
    assert not (moved.measured["depth"] & ~moved.measured["rgb"]).any()


def test_depth_and_normals_are_measured_only_where_depth_is(planes: SensedFrames) -> None:
    rows = np.arange(40)
    depth_mm = planes.get("depth", rows)
    assert (depth_mm == 0).any()
    batch = FramePool([planes], ("rgb", "normals"), 32).batch(rows, CPU)
    assert np.array_equal(batch.measured["normals"].numpy(), depth_mm > 0)
    assert batch.measured["rgb"].all()
    assert not batch.values["normals"].permute(0, 2, 3, 1)[~batch.measured["normals"]].any()


def test_colour_jitter_stays_within_its_limits_and_touches_rgb_alone(planes: SensedFrames) -> None:
    pool = FramePool([planes], SENSED, 32)
    plain = pool.batch(np.arange(8), CPU)
    colours = Augmentation(flip=0.0, max_shift=0)
    jittered = pool.batch(np.arange(8), CPU, changes=changes(colours, 8))
    assert not torch.equal(plain.values["rgb"], jittered.values["rgb"])
    contrast = [
        values.amax(dim=(2, 3)) - values.amin(dim=(2, 3)) for values in (plain.values["rgb"], jittered.values["rgb"])
    ]
    log_gain = torch.log(contrast[1] / contrast[0])[contrast[0] > 0]
    assert log_gain.abs().max() <= colours.brightness + colours.contrast + colours.colour + 1e-4
    for name in ("depth", "normals", "edges"):
        assert torch.equal(plain.values[name], jittered.values[name])


def test_brightness_alone_scales_light_above_black() -> None:
    rgb = torch.rand(3, 3, 4, 4) * 2 - 1
    bright = Augmentation(flip=0, max_shift=0, brightness=0.3, contrast=0.0, colour=0.0)
    ratio = (jitter_colours(rgb, generator(), bright) + 1) / (rgb + 1)
    torch.testing.assert_close(ratio, ratio[:, :1, :1, :1].expand_as(ratio), rtol=1e-3, atol=1e-3)


def test_the_same_generator_gives_the_same_batch(planes: SensedFrames) -> None:
    pool = FramePool([planes], SENSED, 32)
    first, second = (pool.batch(np.arange(8), CPU, changes=changes(Augmentation(), 8, seed=7)) for _ in range(2))
    assert all(torch.equal(first.values[name], second.values[name]) for name in SENSED)


def test_frames_read_on_demand_are_those_held_in_memory(planes: SensedFrames) -> None:
    held = FramePool([planes, planes], SENSED, 32)
    read = FramePool([planes, planes], SENSED, 32, memory_limit_bytes=0)
    rows = np.array([79, 0, 41, 39, 0])
    assert all(np.array_equal(held.take(name, rows), read.take(name, rows)) for name in SENSED)
    assert held.identity == read.identity
    assert held.where(41) == (1, 1)


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    epoch=st.integers(0, 1000),
)
def test_an_epoch_in_proportion_shows_every_frame_once(sizes: list[int], seed: int, epoch: int) -> None:
    counts = np.array(sizes)
    order = epoch_order(counts, counts / counts.sum(), seed, epoch)
    assert sorted(order) == list(range(counts.sum()))


@given(seed=st.integers(0, 2**31))
def test_shares_decide_how_often_each_source_is_drawn(seed: int) -> None:
    order = epoch_order(np.array([10, 90]), np.array([0.5, 0.5]), seed, 0)
    small = order[order < 10]
    assert len(order) == 100
    assert len(small) == 50
    assert (np.bincount(small) == 5).all()


def test_steps_walk_through_epochs_without_gaps(planes: SensedFrames) -> None:
    pool = FramePool([planes], ("rgb",), 32)
    stream = np.concatenate([pool.rows_of_step(1, step, 24) for step in range(10)])
    for epoch in range(6):
        assert sorted(stream[40 * epoch : 40 * (epoch + 1)]) == list(range(40))
    assert not np.array_equal(stream[:40], stream[40:80])
    assert len(pool.rows_of_step(1, 3, 100)) == 100


def test_labels_cannot_be_asked_for(planes: SensedFrames) -> None:
    with pytest.raises(UserError, match="'semantic' is a label"):
        FramePool([planes], ("rgb", "semantic"), 32)


def test_a_source_without_a_modality_is_named(planes: SensedFrames) -> None:
    bare = SensedFrames({"rgb": planes.get("rgb", slice(None))}, np.arange(40))
    with pytest.raises(UserError, match="Source 1 senses rgb, but pre-training needs depth"):
        FramePool([planes, bare], ("rgb", "depth"), 32)


@pytest.mark.parametrize("shares", [[1.0], [-1.0, 2.0], [0.0, 0.0], [float("nan"), 1.0]])
def test_shares_that_do_not_fit_are_refused(planes: SensedFrames, shares: list[float]) -> None:
    with pytest.raises(UserError, match="Shares"):
        FramePool([planes, planes], ("rgb",), 32, shares=shares)


def test_no_frames_are_refused(planes: SensedFrames) -> None:
    empty = SensedFrames({"rgb": planes.get("rgb", slice(None))}, np.arange(0))
    for sources in ([], [empty]):
        with pytest.raises(UserError, match="nothing to pre-train on"):
            FramePool(sources, ("rgb",), 32)


@pytest.mark.parametrize("size", [48, 64, 24])
def test_frames_that_are_no_multiple_are_refused(planes: SensedFrames, size: int) -> None:
    with pytest.raises(UserError, match=f"32×32 pixels do not fit an encoder for {size}×{size}"):
        FramePool([planes], ("rgb",), size)


def test_larger_frames_are_averaged_or_sampled() -> None:
    rgb = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1).repeat(3, axis=-1)
    depth = np.arange(16, dtype=np.uint16).reshape(1, 4, 4)
    assert shrink("rgb", rgb, 2)[0, :, :, 0].tolist() == [[2, 4], [10, 12]]  # means 2.5 4.5 10.5 12.5, to even
    assert set(shrink("depth", depth, 2).flatten().tolist()) <= set(range(16))
    assert shrink("edges", rgb[..., 0], 2).tolist() == [[[5, 7], [13, 15]]]


@pytest.mark.parametrize("name", SENSED)
def test_values_turn_back_into_what_was_stored(planes: SensedFrames, name: str) -> None:
    stored = planes.get(name, np.arange(10))
    measured = torch.from_numpy(planes.get("depth", np.arange(10)) > 0)
    back = to_stored(name, to_values(name, as_tensor(stored), measured))
    difference = np.abs(back.astype(int) - stored.astype(int))[measured.numpy()]
    assert difference.max() <= 1


def test_depth_beyond_32_metres_does_not_wrap() -> None:
    stored = np.full((1, 1, 1), 40_000, np.uint16)
    values = to_values("depth", as_tensor(stored), torch.ones(1, 1, 1, dtype=torch.bool))
    assert metres(values)[0, 0, 0] == pytest.approx(40, rel=1e-5)
