"""Parametric furniture: the contract of a model, and that pools share no look."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_envs.errors import UserError
from sim_envs.spaces.furniture import solids, textures
from sim_envs.spaces.furniture.categories import CATEGORIES, NYU40_OF_CATEGORY
from sim_envs.spaces.furniture.indexing import unique_rows
from sim_envs.spaces.furniture.model import FINISH_KINDS
from sim_envs.spaces.furniture.parametric import parametric_catalog
from sim_envs.spaces.furniture.parametric.catalog import ROWS
from sim_envs.spaces.furniture.sweethome.simplify import extended_uv, simplify
from sim_envs.taxonomy import NYU40
from tests.sim_envs.furniture_kit import check_contract, digest

POOLS = range(4)


def test_every_category_has_a_maker_and_an_nyu40_name() -> None:
    assert set(ROWS) == set(CATEGORIES)
    assert set(NYU40_OF_CATEGORY.values()) <= set(NYU40.categories)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("category", CATEGORIES)
def test_parametric_pieces_keep_the_contract(category: str, pool: int) -> None:
    for seed in range(2):
        model = parametric_catalog(pool).pick(category, np.random.default_rng(seed))
        assert model is not None
        check_contract(model, category)
        assert len(model.faces) < 3000
        high = np.array(ROWS[category].high)
        assert (np.array(model.size) <= high * 1.03 + 0.004).all()
        assert np.prod(np.array(model.size) + 0.01) > 0.1 * np.prod(np.array(ROWS[category].low))


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_same_seed_gives_the_same_bytes(category: str) -> None:
    first, second = (parametric_catalog(1).pick(category, np.random.default_rng(7)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.name == second.name
    assert digest(first) == digest(second)


@pytest.mark.parametrize("category", CATEGORIES)
def test_pools_share_no_look(category: str) -> None:
    looks = [
        {digest(parametric_catalog(pool).pick(category, np.random.default_rng(seed))) for seed in range(2)}  # type: ignore[arg-type]
        for pool in POOLS
    ]
    assert len(set().union(*looks)) == sum(len(look) for look in looks)
    colours = [parametric_catalog(pool).pick(category, np.random.default_rng(0)) for pool in POOLS]
    assert len({np.unique(model.vertex_rgb, axis=0).tobytes() for model in colours if model}) == len(POOLS)


@settings(max_examples=50, deadline=None)
@given(
    category=st.sampled_from(CATEGORIES),
    pool=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
    share=st.tuples(*[st.floats(0.8, 1.6)] * 3),
)
def test_no_piece_exceeds_the_size_asked_for(
    category: str, pool: int, seed: int, share: tuple[float, float, float]
) -> None:
    low = np.array(ROWS[category].low)
    width, height, depth = (float(value) for value in low * share)
    model = parametric_catalog(pool).pick(category, np.random.default_rng(seed), (width, height, depth))
    if min(share) < 1:
        assert model is None
    elif model is not None:
        assert (np.array(model.size) <= np.array([width, height, depth]) + 1e-5).all()


def test_a_bookshelf_holds_its_books_in_several_colours() -> None:
    model = parametric_catalog(0).pick("bookshelf", np.random.default_rng(2))
    assert model is not None
    assert len(np.unique(model.vertex_rgb, axis=0)) > 10


def test_an_unknown_category_names_the_near_ones() -> None:
    with pytest.raises(UserError, match="Did you mean chair"):
        parametric_catalog(0).pick("chiar", np.random.default_rng(0))


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("kind", FINISH_KINDS)
def test_finishes_are_tileable_images_or_plain_colours(kind: str, pool: int) -> None:
    for seed in range(3):
        finish = parametric_catalog(pool).finish(kind, np.random.default_rng(seed))
        again = parametric_catalog(pool).finish(kind, np.random.default_rng(seed))
        assert finish.rgb.shape == (3,)
        assert finish.rgb.dtype == np.uint8
        assert finish.metres_per_repeat > 0
        if finish.texture is not None:
            assert finish.texture.dtype == np.uint8
            np.testing.assert_array_equal(finish.texture, again.texture)


def test_noise_has_no_seam() -> None:
    field = textures.noise(np.random.default_rng(0), 128, 2.0)
    inside = np.abs(np.diff(field, axis=1)).mean()
    assert np.abs(field[:, 0] - field[:, -1]).mean() < 2 * inside


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(*[st.floats(0.02, 3.0)] * 3),
    radius=st.one_of(st.floats(0, 0.2), st.floats(-9, -1).map(lambda exponent: 10**exponent)),
    steps=st.integers(1, 3),
)
def test_a_rounded_box_is_closed_and_as_large_as_asked(
    size: tuple[float, float, float], radius: float, steps: int
) -> None:
    solid = solids.rounded_box(*size, radius, steps)
    mesh = trimesh.Trimesh(solid.vertices, solid.faces)
    mesh.merge_vertices()
    np.testing.assert_allclose(np.ptp(solid.vertices, axis=0), size, rtol=1e-6)
    assert mesh.is_watertight
    assert 0 < mesh.volume <= np.prod(size) * (1 + 1e-6)


@pytest.mark.parametrize(
    ("solid", "volume"),
    [
        (solids.cylinder(0.5, 1.0, 64), np.pi / 4),
        (solids.cylinder(0.5, 1.0, 64, top=0.0), np.pi / 12),
        (solids.ball(1.0, 16), 4 / 3 * np.pi),
        (solids.bar((0, 0, 0), (1, 2, 2), 0.1, 64), 3 * np.pi * 0.01),
    ],
)
def test_round_shapes_have_the_volume_of_geometry_books(solid: solids.Solid, volume: float) -> None:
    mesh = trimesh.Trimesh(solid.vertices, solid.faces)
    mesh.merge_vertices()
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(volume, rel=0.01)


def test_simplifying_a_sphere_keeps_its_shape() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=4)
    kept, corners = simplify(sphere.vertices, sphere.faces, np.zeros(len(sphere.faces), dtype=int), 500)
    assert 300 <= len(kept) <= 500
    lighter = trimesh.Trimesh(corners.reshape(-1, 3), np.arange(3 * len(kept)).reshape(-1, 3))
    lighter.merge_vertices()
    assert lighter.is_watertight
    assert lighter.volume == pytest.approx(sphere.volume, rel=0.06)  # inscribed in the sphere


def test_simplifying_a_flat_sheet_keeps_outline_groups_and_texture() -> None:
    columns = np.linspace(0, 1, 21)
    x, y = (grid.ravel() for grid in np.meshgrid(columns, columns))
    vertices = np.stack([x, y, np.zeros_like(x)], axis=1)
    corner = (np.arange(20)[:, None] * 21 + np.arange(20)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 22], axis=1), np.stack([corner, corner + 22, corner + 21], axis=1)]
    )
    group = (vertices[faces][:, :, 0].mean(axis=1) > 0.5).astype(int)
    kept, corners = simplify(vertices, faces, group, 40)
    assert len(kept) <= 40
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    assert area[group[kept] == 0].sum() == pytest.approx(0.5, abs=1e-6)
    assert area[group[kept] == 1].sum() == pytest.approx(0.5, abs=1e-6)
    uv = extended_uv(vertices[faces[kept]], vertices[faces[kept]][:, :, :2] * 3, corners)
    np.testing.assert_allclose(uv, corners[:, :, :2] * 3, atol=1e-9)


@given(st.lists(st.tuples(st.integers(-(2**20), 2**20), st.integers(0, 5), st.integers(-3, 3)), max_size=60))
def test_unique_rows_agrees_with_numpy(rows: list[tuple[int, int, int]]) -> None:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    first, number = unique_rows(table)
    np.testing.assert_array_equal(table[first][number], table)
    assert len(first) == len(np.unique(table, axis=0))
