"""Built-in spaces: furnished flats, the same bytes from the same number."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces.builtin.source import (
    GENERATOR_VERSION,
    BuiltinSource,
    Layout,
    build_flat,
    build_home,
    draw_layout,
    pool_of,
)
from sim_envs.spaces.furniture.parametric import parametric_catalog
from sim_envs.spaces.furniture.sweethome.catalog import DEBIAN_FOLDER
from sim_envs.spaces.store import save_space

NUMBERS = (1, 12, 34)


@lru_cache
def flat(number: int) -> Space:
    return build_flat(number)


@lru_cache
def layout(number: int) -> Layout:
    return draw_layout("flat", number, parametric_catalog(pool_of(number)))


def categories_of(space: Space) -> set[str]:
    return {space.categories[i - 1] for i in space.instance_category[1:]}


def test_the_same_number_gives_the_same_bytes_in_another_process() -> None:
    code = "from sim_envs.spaces.builtin.source import build_flat; print(build_flat(1).digest)"
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == flat(1).digest


def test_different_numbers_differ_in_plan_and_furniture() -> None:
    assert layout(1).plan != layout(12).plan
    assert {p.model.name for p in layout(1).pieces}.isdisjoint({p.model.name for p in layout(12).pieces})


@pytest.mark.parametrize("number", NUMBERS)
def test_a_flat_holds_at_least_twenty_furniture_categories(number: int) -> None:
    assert len({piece.category for piece in layout(number).pieces}) >= 20


def test_every_piece_and_every_part_of_the_shell_is_an_instance() -> None:
    found = categories_of(flat(1))
    assert found == {"floor", "wall", "ceiling", "door", "window", *(p.category for p in layout(1).pieces)}
    assert len(flat(1).instance_category) > len(layout(1).pieces) + 1


@pytest.mark.parametrize("number", NUMBERS)
def test_rooms_hold_what_they_are_for(number: int) -> None:
    drawn = layout(number)
    held = {
        room.use: {p.category for p in drawn.pieces if p.room == index} for index, room in enumerate(drawn.plan.rooms)
    }
    assert {"sofa", "tv stand"} <= held["living"]
    assert {"sink", "stove"} <= held["kitchen"]
    assert {"bed", "wardrobe"} <= held["bedroom"]
    assert {"toilet", "washbasin"} <= held["bathroom"]


@pytest.mark.parametrize("number", NUMBERS)
def test_no_piece_stands_in_another(number: int) -> None:
    """Rugs lie under furniture, and what rests on a piece may sink into its box (a pillow between armrests)."""
    for a, b in itertools.combinations(layout(number).pieces, 2):
        if "rug" not in (a.category, b.category) and a.host is not b and b.host is not a:
            assert not a.box.overlaps(b.box), (a.category, b.category)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_walker_gets_from_every_room_to_every_other(number: int) -> None:
    drawn, cell = layout(number), 0.02
    plan = drawn.plan
    outlines = [room.outline for room in plan.rooms]
    x = np.arange(min(r.x0 for r in outlines), max(r.x1 for r in outlines), cell)
    z = np.arange(min(r.z0 for r in outlines), max(r.z1 for r in outlines), cell)
    xx, zz = np.meshgrid(x, z, indexing="ij")
    rooms = [(xx > r.x0) & (xx < r.x1) & (zz > r.z0) & (zz < r.z1) for r in (room.inner for room in plan.rooms)]
    floor = np.any(rooms, axis=0)
    for opening in plan.openings:
        if opening.kind in ("door", "passage"):
            inner = plan.rooms[opening.rooms[0]].inner
            along, across = (xx, zz) if opening.side % 2 == 0 else (zz, xx)
            wall = (inner.z0, inner.x1, inner.z1, inner.x0)[opening.side]
            floor |= (
                (along > opening.low + 0.03) & (along < opening.high - 0.03) & (abs(across - wall) < plan.wall + 0.05)
            )
    for box in [*(p.box for p in drawn.pieces if p.category != "rug"), *(leaf.box for leaf in drawn.leaves)]:
        if box.low < 1.8 and box.high > 0.05:
            local = np.abs(np.stack([xx - box.x, zz - box.z], -1) @ box.axes.T)
            floor &= (local > (box.width / 2, box.depth / 2)).any(axis=-1)
    regions, _ = ndimage.label(ndimage.distance_transform_edt(floor) * cell > 0.25)
    main = [np.bincount(regions[room & (regions > 0)]).argmax() for room in rooms]
    assert len(set(main)) == 1


def test_faces_instances_and_textures_are_in_range_and_every_instance_is_seen() -> None:
    space = flat(1)  # Space itself checks index ranges
    counts = np.bincount(space.face_instance)
    assert counts[0] == 0
    assert (counts[1:] > 0).all()
    assert len(counts) == len(space.instance_category)
    assert 20_000 < len(space.faces) < 150_000


def test_floors_are_level_and_ceilings_as_high_as_said() -> None:
    space = flat(1)
    name = np.array(["", *space.categories])[space.instance_category[space.face_instance]]
    floor, ceiling = (space.vertices[space.faces[name == which]][..., 1] for which in ("floor", "ceiling"))
    assert np.abs(floor).max() == 0
    np.testing.assert_allclose(ceiling, space.provenance["ceiling_height"], atol=1e-3)


def test_light_is_well_exposed_and_varies_over_the_walls() -> None:
    space = flat(1)
    name = np.array(["", *space.categories])[space.instance_category[space.face_instance]]
    means = np.array([*(t.mean() for t in space.textures), 255.0])[space.face_texture]
    grey = space.vertex_rgb[space.faces].mean(axis=(1, 2)) * means / 255
    a, b, c = (space.vertices[space.faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    shell = np.isin(name, ["floor", "wall", "ceiling"])
    assert 90 < np.average(grey[shell], weights=area[shell]) < 190
    assert grey[name == "ceiling"].std() > 4


def test_provenance_says_how_the_space_was_made() -> None:
    provenance = flat(1).provenance
    assert provenance["generator_version"] == GENERATOR_VERSION
    assert (provenance["number"], provenance["furniture_pool"]) == (1, 0)
    assert {"name", "use", "polygon"} == set(provenance["rooms"][0])


def test_pools_change_every_ten_numbers() -> None:
    assert [pool_of(n) for n in (1, 10, 11, 20, 21, 31, 40, 41, 99)] == [0, 0, 1, 1, 2, 3, 3, 0, 1]


def test_a_loaded_space_is_kept_and_read_back(tmp_path: Path) -> None:
    source = BuiltinSource()
    first = source.load("flat-01", tmp_path)
    stamp = (tmp_path / "spaces/builtin/flat-01/space.json").stat().st_mtime_ns
    again = source.load("flat-01", tmp_path)
    assert first.digest == again.digest == flat(1).digest
    assert (tmp_path / "spaces/builtin/flat-01/space.json").stat().st_mtime_ns == stamp


def test_a_copy_of_an_older_generator_is_built_again(tmp_path: Path) -> None:
    older = replace(flat(1), provenance=dict(flat(1).provenance) | {"generator_version": 0})
    save_space(older, tmp_path / "spaces/builtin/flat-01")
    found = BuiltinSource().load("flat-01", tmp_path)
    assert found.provenance["generator_version"] == GENERATOR_VERSION


def test_a_damaged_copy_is_built_again(tmp_path: Path) -> None:
    folder = tmp_path / "spaces/builtin/flat-01"
    save_space(flat(1), folder)
    (folder / "vertices.npy").write_bytes(b"no array")
    with pytest.warns(UserWarning, match="damaged"):
        assert BuiltinSource().load("flat-01", tmp_path).digest == flat(1).digest


def test_an_unknown_name_is_answered_with_near_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="flat-01"):
        BuiltinSource().load("flat-1", tmp_path)


def test_there_are_99_of_each_family(tmp_path: Path) -> None:
    names = BuiltinSource().names(tmp_path)
    assert len(names) == 198
    assert names == sorted(names)


@pytest.mark.slow
def test_a_home_is_furnished_like_a_flat_and_names_its_makers() -> None:
    if not DEBIAN_FOLDER.is_dir():
        pytest.skip("no Sweet Home 3D furniture on this machine")
    home = build_home(1)
    assert len(categories_of(home) - {"floor", "wall", "ceiling", "door", "window"}) >= 20
    libraries = home.provenance["furniture"]["libraries"]
    assert all(len(library["sha256"]) == 64 for library in libraries)
    assert any(library["authors"] for library in libraries)


def test_a_home_without_a_library_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sh3f"):
        build_home(1, libraries=[tmp_path / "none.sh3f"])
