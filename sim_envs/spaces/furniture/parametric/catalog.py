"""The parametric catalog: which maker builds a category, and within which sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim_envs.errors import unknown
from sim_envs.spaces.furniture.assembly import Part, assemble, shrunk_to
from sim_envs.spaces.furniture.finishes import draw_finish
from sim_envs.spaces.furniture.model import Finish, FurnitureModel
from sim_envs.spaces.furniture.parametric import (
    bathroom,
    bedroom,
    cabinets,
    decor,
    kitchen,
    lights,
    seating,
    shelves,
    storage,
    tables,
    walls,
)
from sim_envs.spaces.furniture.parametric.kit import POOLS, Kit

Size = tuple[float, float, float]


@dataclass(frozen=True)
class Row:
    """How one category is made.

    Attributes:
        make: builds parts that roughly fill a size.
        low, high: smallest and largest width, height and depth, metres.
        round: depth equals width.
    """

    make: Callable[[Kit, Size], list[Part]]
    low: Size
    high: Size
    round: bool = False


ROWS: Mapping[str, Row] = {
    "bed": Row(bedroom.bed, (0.95, 0.8, 2.02), (1.85, 1.25, 2.18)),
    "wardrobe": Row(storage.wardrobe, (0.8, 1.85, 0.52), (2.2, 2.3, 0.64)),
    "nightstand": Row(storage.nightstand, (0.36, 0.42, 0.33), (0.55, 0.62, 0.45)),
    "dresser": Row(storage.dresser, (0.7, 0.75, 0.42), (1.5, 1.1, 0.52)),
    "pillow": Row(bedroom.pillow, (0.38, 0.1, 0.36), (0.6, 0.16, 0.5)),
    "clothes": Row(bedroom.clothes, (0.3, 0.1, 0.28), (0.5, 0.28, 0.42)),
    "desk": Row(tables.desk, (1.0, 0.71, 0.55), (1.7, 0.77, 0.8)),
    "office chair": Row(seating.office_chair, (0.58, 0.9, 0.58), (0.68, 1.2, 0.68)),
    "chair": Row(seating.chair, (0.4, 0.8, 0.44), (0.5, 1.02, 0.56)),
    "dining table": Row(tables.dining_table, (0.95, 0.72, 0.75), (2.1, 0.78, 1.0)),
    "coffee table": Row(tables.coffee_table, (0.7, 0.34, 0.5), (1.3, 0.48, 0.75)),
    "sofa": Row(seating.sofa, (1.5, 0.74, 0.82), (2.4, 0.92, 1.0)),
    "armchair": Row(seating.armchair, (0.72, 0.76, 0.72), (0.95, 1.05, 0.9)),
    "tv": Row(decor.tv, (0.75, 0.5, 0.16), (1.45, 0.9, 0.28)),
    "tv stand": Row(storage.tv_stand, (1.1, 0.38, 0.38), (1.9, 0.58, 0.48)),
    "bookshelf": Row(shelves.bookshelf, (0.7, 1.5, 0.27), (1.5, 2.15, 0.36)),
    "shelf": Row(shelves.shelf, (0.6, 0.75, 0.3), (1.2, 1.7, 0.42)),
    "computer": Row(decor.computer, (0.33, 0.22, 0.26), (0.62, 0.48, 0.46)),
    "kitchen cabinet": Row(cabinets.kitchen_cabinet, (0.45, 0.86, 0.58), (1.2, 0.93, 0.64)),
    "wall cabinet": Row(cabinets.wall_cabinet, (0.45, 0.55, 0.3), (1.1, 0.8, 0.38)),
    "counter": Row(cabinets.counter, (1.1, 0.88, 0.6), (1.9, 1.05, 0.85)),
    "stove": Row(kitchen.stove, (0.5, 0.86, 0.58), (0.76, 0.93, 0.64)),
    "refrigerator": Row(kitchen.refrigerator, (0.56, 1.55, 0.6), (0.92, 1.95, 0.72)),
    "sink": Row(kitchen.sink, (0.8, 1.1, 0.58), (1.3, 1.17, 0.64)),
    "washbasin": Row(bathroom.washbasin, (0.45, 1.0, 0.4), (0.8, 1.1, 0.52)),
    "toilet": Row(bathroom.toilet, (0.35, 0.75, 0.62), (0.42, 0.88, 0.72)),
    "bathtub": Row(bathroom.bathtub, (1.45, 0.6, 0.68), (1.8, 0.75, 0.82)),
    "shower": Row(bathroom.shower, (0.78, 1.98, 0.78), (1.1, 2.15, 1.0)),
    "washing machine": Row(kitchen.washing_machine, (0.56, 0.82, 0.52), (0.64, 0.92, 0.62)),
    "towel": Row(bedroom.towel, (0.45, 0.5, 0.08), (0.75, 0.85, 0.14)),
    "mirror": Row(walls.mirror, (0.45, 0.55, 0.02), (0.9, 1.2, 0.045)),
    "picture": Row(walls.picture, (0.35, 0.3, 0.02), (1.2, 0.85, 0.045)),
    "curtain": Row(walls.curtain, (1.2, 1.6, 0.1), (2.4, 2.45, 0.18)),
    "clock": Row(walls.clock, (0.24, 0.28, 0.04), (0.42, 0.5, 0.07)),
    "radiator": Row(walls.radiator, (0.6, 0.5, 0.09), (1.4, 0.7, 0.16)),
    "lamp": Row(lights.floor_lamp, (0.3, 1.35, 0.3), (0.5, 1.75, 0.5), round=True),
    "table lamp": Row(lights.table_lamp, (0.2, 0.32, 0.2), (0.36, 0.55, 0.36), round=True),
    "ceiling lamp": Row(lights.ceiling_lamp, (0.32, 0.4, 0.32), (0.7, 0.75, 0.7), round=True),
    "plant": Row(decor.plant, (0.3, 0.4, 0.3), (0.85, 1.6, 0.85), round=True),
    "rug": Row(decor.rug, (1.0, 0.008, 0.7), (2.6, 0.016, 1.8)),
    "book": Row(shelves.book, (0.14, 0.025, 0.2), (0.22, 0.11, 0.3)),
    "vase": Row(decor.vase, (0.1, 0.18, 0.1), (0.24, 0.45, 0.24), round=True),
    "box": Row(storage.cardboard_box, (0.22, 0.16, 0.2), (0.55, 0.42, 0.42)),
    "bag": Row(bedroom.bag, (0.28, 0.32, 0.14), (0.48, 0.6, 0.26)),
    "toy": Row(decor.toy, (0.14, 0.13, 0.16), (0.28, 0.3, 0.3)),
    "bottle": Row(decor.bottle, (0.06, 0.18, 0.06), (0.095, 0.33, 0.095), round=True),
    "bowl": Row(decor.bowl, (0.14, 0.06, 0.14), (0.32, 0.13, 0.32), round=True),
    "shoes": Row(bedroom.shoes, (0.2, 0.09, 0.24), (0.28, 0.16, 0.32)),
    "trash bin": Row(storage.trash_bin, (0.22, 0.28, 0.22), (0.36, 0.62, 0.36), round=True),
}


@dataclass(frozen=True, eq=False)
class ParametricCatalog:
    """Furniture made on demand; fills :class:`sim_envs.spaces.furniture.model.Catalog`.

    Attributes:
        pool: 0…3; models of different pools share neither style nor colours.
    """

    pool: int
    _picked: Counter[str]

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The kind of catalog, its pool, and how many pieces of each category were made."""
        return {"furniture": "parametric", "pool": self.pool, "pieces": dict(sorted(self._picked.items()))}

    def pick(self, category: str, rng: np.random.Generator, max_size: Size | None = None) -> FurnitureModel | None:
        """Build one model, or return None when ``max_size`` is below the category's smallest size.

        Raises:
            UserError: the category is not one of the furniture categories.
        """
        if category not in ROWS:
            raise unknown("furniture category", category, ROWS)
        row = ROWS[category]
        size = _draw_size(row, rng, max_size)
        if size is None:
            return None
        parts = row.make(Kit(self.pool, rng), size)
        self._picked[category] += 1
        name = f"parametric {category}, pool {self.pool}, {rng.integers(16**8):08x}"
        return shrunk_to(assemble(name, category, parts), _bound(size, max_size))

    def finish(self, kind: str, rng: np.random.Generator) -> Finish:
        """Return a surface in this pool's manner."""
        return draw_finish(kind, self.pool, rng)


def _bound(size: Size, max_size: Size | None) -> Size:
    """Return how large a piece may come out that was asked to fill ``size``: handles may stick out a little."""
    width, height, depth = (extent * 1.02 + 0.003 for extent in size)
    if max_size is None:
        return width, height, depth
    return min(width, max_size[0]), min(height, max_size[1]), min(depth, max_size[2])


def _draw_size(row: Row, rng: np.random.Generator, max_size: Size | None) -> Size | None:
    """Return a size within the row and ``max_size``, large ones large in every direction; None: no room."""
    low, high = np.array(row.low), np.array(row.high)
    if max_size is not None:
        high = np.minimum(high, np.array(max_size))
    if row.round:
        high[[0, 2]] = high[[0, 2]].min()
    if (high < low).any():
        return None
    share = np.clip(rng.random() + rng.uniform(-0.25, 0.25, size=3), 0, 1)
    if row.round:
        share[2] = share[0]
    width, height, depth = (float(value) for value in low + share * (high - low))
    return width, height, depth


def parametric_catalog(pool: int) -> ParametricCatalog:
    """Return the catalog of one pool.

    Args:
        pool: any integer; pools repeat after four.
    """
    return ParametricCatalog(pool % POOLS, Counter())
