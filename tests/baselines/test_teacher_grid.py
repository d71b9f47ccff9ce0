"""A teacher's map, read at an encoder's patches, shows each place of the frame where it is, flipped or shifted."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.augmentation import Augmentation, Changes, draw_changes
from baselines.teachers.grid import on_patches
from sim_envs.modalities import COMPONENTS

SIZE = 32
FEATURES = "features:mock"
SIDES = st.integers(2, 19)
SEEDS = st.integers(0, 2**32 - 1)


def changes(seed: int, frames: int = 3, shift: int = 5) -> Changes:
    drawn = draw_changes(Augmentation(max_shift=shift), torch.Generator().manual_seed(seed), frames)
    assert drawn is not None
    return drawn


def places(patches: int, changed: Changes, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the (patches,) rows and columns in pixels of the recorded frame at which patch centres lie."""
    centre = (np.arange(patches) + 0.5) * SIZE / patches
    y, x = centre + int(changed.shift[0, frame]), centre + int(changed.shift[1, frame])
    return y, (SIZE - x if changed.flipped[frame] else x)


def test_a_map_on_the_encoders_own_grid_stays_as_it_is() -> None:
    stored = torch.randn(2, 4, 4, COMPONENTS)
    values, inside = on_patches(FEATURES, stored, 4, SIZE, None)
    assert torch.allclose(values, stored.permute(0, 3, 1, 2), atol=1e-5)
    assert inside.all()


@given(side=SIDES, patches=SIDES, seed=SEEDS)
def test_features_that_say_where_they_are_still_do_between_cells_and_after_a_flip_and_a_shift(
    side: int, patches: int, seed: int
) -> None:
    changed = changes(seed)
    centre = (np.arange(side) + 0.5) * SIZE / side
    stored = torch.zeros(3, side, side, COMPONENTS)
    stored[..., 0], stored[..., 1] = torch.from_numpy(centre)[:, None], torch.from_numpy(centre)
    values, _ = on_patches(FEATURES, stored, patches, SIZE, changed)
    for frame in range(3):
        y, x = (axis.clip(centre[0], centre[-1]) for axis in places(patches, changed, frame))
        assert np.allclose(values[frame, 0], y[:, None], atol=1e-3)
        assert np.allclose(values[frame, 1], x, atol=1e-3)


@given(patches=st.sampled_from([2, 4, 8]), seed=SEEDS)
def test_an_id_is_that_of_the_cell_a_patchs_part_lies_in(patches: int, seed: int) -> None:
    side = 7  # no centre lies on the border of two of its cells
    changed = changes(seed)
    stored = torch.randint(0, 133, (3, side, side), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    values, _ = on_patches("seg-masks", stored, patches, SIZE, changed)
    assert values.shape == (3, 1, 4 * patches, 4 * patches)
    for frame in range(3):
        y, x = places(4 * patches, changed, frame)
        row, column = ((axis * side / SIZE).astype(int).clip(0, side - 1) for axis in (y, x))
        assert np.array_equal(values[frame, 0], stored[frame].numpy()[row][:, column])


@given(patches=SIDES, seed=SEEDS)
def test_what_a_shift_brings_in_is_not_measured(patches: int, seed: int) -> None:
    changed = changes(seed, shift=20)
    _, inside = on_patches(FEATURES, torch.zeros(3, 5, 5, COMPONENTS), patches, SIZE, changed)
    for frame in range(3):
        y, x = ((axis > -1e-4) & (axis < SIZE + 1e-4) for axis in places(patches, changed, frame))
        strict_y, strict_x = ((axis > 1e-4) & (axis < SIZE - 1e-4) for axis in places(patches, changed, frame))
        found = inside[frame].numpy()
        assert not found[~(y[:, None] & x)].any()
        assert found[strict_y[:, None] & strict_x].all()
