"""Moves a person makes when furnishing a room: set against a wall, hang up, put on top, gather around a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim_envs.spaces.builtin.floorplan import Side
from sim_envs.spaces.builtin.placement import Board, Box, Piece, box_of, span_on
from sim_envs.spaces.furniture.model import Catalog, FurnitureModel

Size = tuple[float, float, float]
ANY: Size = (9.0, 9.0, 9.0)
SMALL: Size = (0.35, 0.4, 0.35)
_TRIES = 2


class Furnisher:
    """Furnishes one room from a catalog; every choice comes from ``rng``."""

    def __init__(self, board: Board, catalog: Catalog, rng: np.random.Generator) -> None:
        self.board = board
        self.catalog = catalog
        self.rng = rng
        self._taste = int(rng.integers(2**32))

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < probability)

    def pick(self, category: str, size: Size = ANY, least: float = 0.8) -> FurnitureModel | None:
        """Return a model no higher than the room, or None.

        Args:
            size: upper bounds of width, height and depth, metres.
            least: a model that is too large may be had this much smaller, as makers offer sizes.
        """
        return self._choose(category, size, least, self.rng)

    def pick_alike(self, category: str, size: Size) -> FurnitureModel | None:
        """Return the model that the room's owner always takes for this: both curtains match, and all radiators."""
        return self._choose(category, size, 0.8, np.random.default_rng(self._taste))

    def _choose(self, category: str, size: Size, least: float, rng: np.random.Generator) -> FurnitureModel | None:
        width, height, depth = size
        limit = (width, min(height, self.board.height - 0.02), depth)
        model = self.catalog.pick(category, rng, limit)
        if model is not None:
            return model
        larger = self.catalog.pick(category, rng, (limit[0] / least, limit[1] / least, limit[2] / least))
        if larger is None:
            return None
        factor = min(bound / extent for bound, extent in zip(limit, larger.size, strict=True) if extent > 0)
        return replace(larger, vertices=larger.vertices * np.float32(min(1.0, 0.999 * factor)))

    def wall(self, category: str, *sizes: Size, **rules: Any) -> Piece | None:
        """Set a piece against a wall (see :meth:`Board.against_wall`), trying each size limit in turn."""
        for size in sizes or (ANY,):
            for _ in range(_TRIES):
                model = self.pick(category, size)
                if model is None:
                    break
                piece = self.board.against_wall(model, self.rng, **rules)
                if piece is not None:
                    return piece
        return None

    def hang(
        self,
        category: str,
        middle: float,
        size: Size = ANY,
        score: Callable[[Side, float, Box], float] | None = None,
        sides: Sequence[int] | None = None,
    ) -> Piece | None:
        """Hang a piece on a wall with its middle at a height, metres."""
        for _ in range(_TRIES):
            model = self.pick(category, size)
            if model is None:
                return None
            base = float(np.clip(middle - model.size[1] / 2, 0.1, max(0.1, self.board.height - model.size[1] - 0.05)))
            piece = self.board.against_wall(model, self.rng, base=base, score=score, sides=sides)
            if piece is not None:
                return piece
        return None

    def hang_above(self, host: Piece, category: str, size: Size, clearance: float, middle: float) -> Piece | None:
        """Hang a piece on the wall behind another, above it."""
        model = self.pick_alike(category, size)
        if model is None:
            return None
        side = min(self.board.sides, key=lambda s: abs(_turn(s.yaw - host.box.yaw)))
        s = _along(side, host.box.x, host.box.z)
        base = max(host.box.high + clearance, middle - model.size[1] / 2)
        x, z = side.at(s, model.size[2] / 2 + 0.003)
        return self.board.try_at(model, box_of(model, x, z, side.yaw, base))

    def on_top(
        self,
        host: Piece | None,
        category: str,
        size: Size = (0.5, 0.6, 0.5),
        spot: tuple[float, float] | None = None,
        yaw: float | None = None,
        uneven: float = 0.015,
    ) -> Piece | None:
        """Put a small thing on a piece where its upper side is level enough.

        Args:
            spot: where on the host, −1…1 across its width and depth (front is 1); default anywhere.
            yaw: turn against the host, radians; default a little at random.
            uneven: how much the height below may differ, metres.
        """
        if host is None:
            return None
        model = self.pick(category, size)
        if model is None:
            return None
        room_x = (host.box.width - model.size[0]) / 2 - 0.01
        room_z = (host.box.depth - model.size[2]) / 2 - 0.01
        if min(room_x, room_z) < 0:
            return None
        for attempt in range(12):
            around = self.rng.uniform(-1, 1, 2) if spot is None else np.array(spot) + self.rng.normal(0, 0.12, 2)
            x, z = np.clip(around, -1, 1) * (room_x, room_z)
            turn = float(self.rng.normal(0, 0.25)) if yaw is None else yaw + float(self.rng.normal(0, 0.05))
            if attempt > 5 and yaw is None:
                turn = 0.0
            local = Box(float(x), float(z), turn, model.size[0] * 0.8, model.size[2] * 0.8, 0.0, 1.0)
            heights = top_heights(host.model, np.vstack([local.corners, [[x, z]]]))
            if np.isnan(heights).any() or np.ptp(heights) > uneven:
                continue
            world = host.box.point(float(x), float(z))
            box = box_of(model, *world, host.box.yaw + turn, host.box.low + float(heights.max()) + 0.001)
            if self.board.clear(box, gap=0.004, at_window=True, in_reserved=True, above=(host,)):
                return self.board.add(model, box, host)
        return None

    def facing(
        self,
        host: Piece,
        category: str,
        across: float,
        gap: float,
        size: Size = ANY,
        end: int = 0,
        wobble: float = 0.1,
        model: FurnitureModel | None = None,
    ) -> Piece | None:
        """Put a seat at a piece, looking at it.

        Args:
            across: position along the piece's edge, metres from its middle.
            gap: between the two, metres.
            end: which edge: 0 front, 1 right, 2 back, 3 left.
            wobble: spread of the turn, radians.
        """
        model = model or self.pick(category, size)
        if model is None:
            return None
        turn = (0.0, np.pi / 2, np.pi, -np.pi / 2)[end]
        reach = (host.box.depth if end % 2 == 0 else host.box.width) / 2
        sway = float(self.rng.normal(0, wobble))
        off = reach + gap + model.size[2] / 2 + abs(np.sin(sway)) * model.size[0] / 2
        x, z = np.sin(turn) * off + np.cos(turn) * across, np.cos(turn) * off - np.sin(turn) * across
        box = box_of(model, *host.box.point(float(x), float(z)), host.box.yaw + turn + np.pi + sway)
        return self.board.try_at(model, box, in_reserved=True)

    def gather(self, table: Piece, most: int) -> list[Piece]:
        """Set equal chairs around a table, opposite each other first."""
        chair = self.pick("chair", (0.62, 1.25, 0.65))
        if chair is None:
            return []
        per_side = max(1, int((table.box.width - 0.1) / (chair.size[0] + 0.08)))
        across = (np.arange(per_side) - (per_side - 1) / 2) * (table.box.width / per_side)
        places = [(end, float(a)) for a in across for end in (0, 2)] + [(1, 0.0), (3, 0.0)]
        chairs: list[Piece] = []
        for end, place in places:
            if len(chairs) < most:
                gap = float(self.rng.uniform(0.02, 0.1))
                piece = self.facing(table, "chair", place, gap, end=end, wobble=0.06, model=chair)
                chairs += [] if piece is None else [piece]
        return chairs

    def free_standing(
        self, category: str, sizes: Sequence[Size], around: float, score: Callable[[Box], float]
    ) -> Piece | None:
        """Put a piece on open floor with ``around`` metres to use it from, at the lowest score."""
        inner = self.board.room.inner
        for size in sizes:
            model = self.pick(category, size)
            if model is None:
                continue
            options = []
            width, height, depth = model.size
            for x in np.arange(inner.x0 + 0.3, inner.x1 - 0.2, 0.2):
                for z in np.arange(inner.z0 + 0.3, inner.z1 - 0.2, 0.2):
                    for quarter in (0, 1):
                        yaw = quarter * np.pi / 2 + float(self.rng.normal(0, 0.01))
                        box = Box(float(x), float(z), yaw, width, depth, 0.0, height)
                        options.append((score(box) + 0.3 * self.rng.random(), box))
            for _, box in sorted(options, key=lambda option: option[0]):
                wide = Box(box.x, box.z, box.yaw, box.width + 0.1, box.depth + 2 * around, 0.0, box.high)
                if self.board.clear(box) and self.board.clear(wide):
                    piece = self.board.try_at(model, box)
                    if piece is not None:
                        return piece
        return None

    def rug(self, x: float, z: float, yaw: float, size: Size) -> Piece | None:
        """Lay a rug; furniture may stand on it, walls and doorways keep clear."""
        inner = self.board.room.inner.shrunk(0.03)
        taken = [p.box for p in self.board.pieces if p.category == "rug"]
        taken += [leaf for leaf in self.board.fixed if leaf.low < 0.05]
        for scale, turned in ((1.0, False), (1.0, True), (0.75, False), (0.55, False)):
            extent = (size[2], size[1], size[0]) if turned else size
            model = self.pick("rug", (extent[0] * scale, extent[1], extent[2] * scale))
            if model is None:
                continue
            box = box_of(model, x, z, yaw + turned * np.pi / 2 + float(self.rng.normal(0, 0.02)))
            low, high = box.corners.min(axis=0), box.corners.max(axis=0)
            inside = low[0] > inner.x0 and low[1] > inner.z0 and high[0] < inner.x1 and high[1] < inner.z1
            if inside and not any(box.overlaps(other) for other in taken):
                return self.board.add(model, box)
        return None

    def on_floor(self, category: str, size: Size, near_wall: bool = True, base: float = 0.0) -> Piece | None:
        """Put a small thing on the floor, near a wall or anywhere."""
        model = self.pick(category, size)
        if model is None:
            return None
        inner = self.board.room.inner
        for _ in range(30):
            yaw = float(self.rng.uniform(-np.pi, np.pi))
            if near_wall:
                side = self.board.sides[self.rng.integers(4)]
                off = 0.02 + max(model.size[0], model.size[2]) / 2 + float(self.rng.uniform(0, 0.1))
                if side.length < 2 * off:
                    continue
                yaw = side.yaw + float(self.rng.normal(0, 0.2))
                x, z = side.at(float(self.rng.uniform(off, side.length - off)), off)
            else:
                x, z = float(self.rng.uniform(inner.x0, inner.x1)), float(self.rng.uniform(inner.z0, inner.z1))
            piece = self.board.try_at(model, box_of(model, x, z, yaw, base), in_reserved=not near_wall)
            if piece is not None:
                return piece
        return None

    def dress_windows(self, curtains: bool = True) -> None:
        """Hang curtains beside each window and put a radiator under it."""
        for side, opening in self.board.windows:
            low, high = span_on(side, opening)
            radiator = self.pick_alike("radiator", (opening.width, opening.sill - 0.12, 0.2))
            if radiator is not None:
                x, z = side.at((low + high) / 2, radiator.size[2] / 2 + 0.003)
                base = min(0.12, opening.sill - 0.03 - radiator.size[1])
                self.board.try_at(radiator, box_of(radiator, x, z, side.yaw, max(base, 0.05)))
            if curtains:
                self._curtains(side, low, high, opening.top)

    def _curtains(self, side: Side, low: float, high: float, top: float) -> None:
        """Hang a pair of curtains as wide as the window over it, or one on each side."""
        rail = min(self.board.height - 0.02, top + 0.12)
        window = high - low
        widest = min(window + 0.6, 2 * min((low + high) / 2, side.length - (low + high) / 2) - 0.02)
        cloth = self.pick_alike("curtain", (widest, rail - 0.03, 0.25))
        if cloth is None:
            return
        if not _parted(cloth):  # one cloth: gather it, and hang one on each side
            narrow = np.float32(min(1.0, (0.2 * window + 0.15) / cloth.size[0]))
            cloth = replace(cloth, vertices=cloth.vertices * np.array([narrow, 1, 1], np.float32))
        width, height, depth = cloth.size
        places = [(low + high) / 2]
        if width < 0.7 * window:
            places = [low + 0.05 - width / 2, high - 0.05 + width / 2]
        for place in places:
            s = float(np.clip(place, width / 2 + 0.005, side.length - width / 2 - 0.005))
            for back in (0.065, 0.165):  # in front of the sill; if need be in front of the radiator too
                x, z = side.at(s, depth / 2 + back)
                if self.board.try_at(cloth, box_of(cloth, x, z, side.yaw, rail - height), at_window=True, gap=0.0):
                    break

    def light_ceiling(self) -> None:
        """Hang a lamp near the middle of the ceiling, above head height where people walk."""
        inner = self.board.room.inner
        count = 2 if max(inner.width, inner.depth) > 2.6 * min(inner.width, inner.depth) else 1
        drop = min(0.75, self.board.height - 1.95)
        for k in range(count):
            lamp = self.pick("ceiling lamp", (0.9, drop, 0.9), least=0.5)
            if lamp is None:
                return
            share = (k + 0.5) / count
            across, deep = (share, 0.5) if inner.width >= inner.depth else (0.5, share)
            x = inner.x0 + across * inner.width + float(self.rng.normal(0, 0.04))
            z = inner.z0 + deep * inner.depth + float(self.rng.normal(0, 0.04))
            base = self.board.height - lamp.size[1]
            self.board.try_at(lamp, box_of(lamp, x, z, 0.0, base), in_reserved=True, at_window=True)


def top_heights(model: FurnitureModel, points: np.ndarray) -> np.ndarray:
    """Return the height of the uppermost surface of a model over (N, 2) local points (x, z); NaN beside it."""
    a, b, c = (model.vertices[model.faces[:, k]].astype(float) for k in range(3))
    ab, ac = (b - a)[:, [0, 2]], (c - a)[:, [0, 2]]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    seen = np.abs(area) > 1e-12
    a, b, c, ab, ac, area = a[seen], b[seen], c[seen], ab[seen], ac[seen], area[seen]
    found = np.full(len(points), np.nan)
    for i, point in enumerate(np.asarray(points, dtype=float)):
        ap = point - a[:, [0, 2]]
        v = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) / area
        w = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) / area
        inside = (v >= -1e-9) & (w >= -1e-9) & (v + w <= 1 + 1e-9)
        if inside.any():
            found[i] = (a[:, 1] + v * (b - a)[:, 1] + w * (c - a)[:, 1])[inside].max()
    return found


def _parted(cloth: FurnitureModel) -> bool:
    """Whether a curtain leaves its middle open: no cloth there below the rail."""
    centre = cloth.vertices[cloth.faces].mean(axis=1)
    width, height, _ = cloth.size
    return not ((np.abs(centre[:, 0]) < 0.08 * width) & (centre[:, 1] < 0.8 * height)).any()


def _turn(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _along(side: Side, x: float, z: float) -> float:
    return (x - side.start[0]) * side.along[0] + (z - side.start[1]) * side.along[1]
