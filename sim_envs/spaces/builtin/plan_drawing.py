"""Draw the plan of a flat at random: cut it into rooms, give them a use, join them by doors, light them by windows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from sim_envs.spaces.builtin.floorplan import DOOR_HEIGHT, FRAME, OUTSIDE, FloorPlan, Opening, Rect, Room


@dataclass(frozen=True)
class _Use:
    """Sensible sizes of a room: area in m², shorter side in m, and its share of windows."""

    area: tuple[float, float]
    narrowest: float
    window: float
    private: bool = False


USES: dict[str, _Use] = {
    "living": _Use((14.5, 36.0), 3.4, 1.0),
    "kitchen": _Use((7.5, 19.0), 2.4, 1.0),
    "bedroom": _Use((10.0, 24.0), 2.9, 1.0, private=True),
    "bathroom": _Use((4.2, 11.0), 1.8, 0.6, private=True),
    "study": _Use((7.5, 17.0), 2.4, 1.0, private=True),
    "kids": _Use((8.5, 18.0), 2.5, 1.0, private=True),
    "dining": _Use((9.0, 20.0), 2.7, 1.0),
    "hall": _Use((3.0, 17.0), 1.35, 0.25),
}

_MIXES: tuple[tuple[str, ...], ...] = (
    ("living", "kitchen", "bedroom", "bathroom"),
    ("living", "kitchen", "bedroom", "bathroom", "hall"),
    ("living", "kitchen", "bedroom", "bathroom", "hall"),
    ("living", "kitchen", "bedroom", "bathroom", "study"),
    ("living", "kitchen", "bedroom", "bathroom", "hall", "study"),
    ("living", "kitchen", "bedroom", "bathroom", "hall", "kids"),
    ("living", "kitchen", "bedroom", "bathroom", "hall", "dining"),
)


def draw_plan(rng: np.random.Generator) -> FloorPlan:
    """Return a plan drawn at random: sensible room sizes, 45 to 110 m², every room reachable through doors."""
    uses = _MIXES[rng.integers(len(_MIXES))]
    schemes = (_corridor, _guillotine, _wing)
    while True:
        wall = float(rng.uniform(0.10, 0.18))
        rects = schemes[rng.integers(len(schemes))](len(uses), rng)
        if not 45.0 <= sum(r.shrunk(wall / 2).area for r in rects) <= 110.0:
            continue
        for order in _assignments(rects, uses, wall)[:3]:
            doors = _join(rects, order, wall, rng)
            if doors is None:
                continue
            height = float(rng.uniform(2.45, 2.9))
            openings = [*doors, *_windows(rects, order, wall, height, doors, rng)]
            if not _lit(order, openings):
                continue
            return _centred(rects, order, openings, height, wall)


def _corridor(count: int, rng: np.random.Generator) -> list[Rect]:
    """Rooms on both sides of a corridor; now and then one room spans its end."""
    width = float(rng.uniform(7.0, 12.0))
    hall = float(rng.uniform(1.55, 2.1))
    near, far = rng.uniform(2.4, 4.8, 2)
    rest, rects, start = count - 1, [], 0.0
    if rest >= 4 and rng.random() < 0.6:
        start = float(rng.uniform(3.2, 5.0))
        rects.append(Rect(0.0, 0.0, start, near + hall + far))
        rest -= 1
    row = int(rng.integers(1, rest))
    for size, z0, z1 in ((row, 0.0, near), (rest - row, near + hall, near + hall + far)):
        cuts = _cuts(start, width, size, rng)
        rects += [Rect(a, z0, b, z1) for a, b in itertools.pairwise(cuts)]
    turn = int(rng.integers(4))
    return [_turned(r, turn) for r in [*rects, Rect(start, near, width, near + hall)]]


def _guillotine(count: int, rng: np.random.Generator) -> list[Rect]:
    """Cut the largest room across its longer side, again and again."""
    area = float(rng.uniform(11.5, 18.0)) * count
    width = float(np.sqrt(area * rng.uniform(1.0, 1.9)))
    rects = [Rect(0.0, 0.0, width, area / width)]
    while len(rects) < count:
        rects.sort(key=lambda r: -r.area)
        rects = [*_halves(rects[0], float(rng.uniform(0.28, 0.72))), *rects[1:]]
    return rects


def _wing(count: int, rng: np.random.Generator) -> list[Rect]:
    """Make an L: a body cut by :func:`_guillotine`, and one or two rooms in a wing at its corner."""
    inside = 1 if count < 5 else int(rng.integers(1, 3))
    body = _guillotine(count - inside, rng)
    x1, z1 = max(r.x1 for r in body), max(r.z1 for r in body)
    reach, span = float(rng.uniform(2.4, 4.8)), z1 * float(rng.uniform(0.45, 0.8))
    cuts = _cuts(0.0, span, inside, rng)
    turn = int(rng.integers(4))
    wing = [Rect(x1, a, x1 + reach, b) for a, b in itertools.pairwise(cuts)]
    return [_turned(r, turn) for r in [*body, *wing]]


def _cuts(start: float, end: float, count: int, rng: np.random.Generator) -> list[float]:
    weights = rng.uniform(0.55, 1.5, count)
    return [start, *(start + (end - start) * np.cumsum(weights)[:-1] / weights.sum()).tolist(), end]


def _halves(r: Rect, ratio: float) -> tuple[Rect, Rect]:
    if r.width >= r.depth:
        x = r.x0 + ratio * r.width
        return Rect(r.x0, r.z0, x, r.z1), Rect(x, r.z0, r.x1, r.z1)
    z = r.z0 + ratio * r.depth
    return Rect(r.x0, r.z0, r.x1, z), Rect(r.x0, z, r.x1, r.z1)


def _turned(r: Rect, turn: int) -> Rect:
    """Mirror (odd) and transpose (2 and 3) a rectangle, so that one scheme gives eight-fold variety."""
    if turn % 2:
        r = Rect(-r.x1, r.z0, -r.x0, r.z1)
    return Rect(r.z0, r.x0, r.z1, r.x1) if turn >= 2 else r


def _assignments(rects: list[Rect], uses: tuple[str, ...], wall: float) -> list[tuple[str, ...]]:
    """Return the ways to give rooms their uses that keep all sizes sensible, best first."""
    cost = {(i, use): _misfit(r.shrunk(wall / 2), use) for i, r in enumerate(rects) for use in uses}
    scored = []
    for order in itertools.permutations(uses):
        total = 0.0
        for i, use in enumerate(order):
            total += cost[i, use]
            if total == np.inf:
                break
        else:
            scored.append((total, order))
    return [order for _, order in sorted(scored)]


def _misfit(inner: Rect, use: str) -> float:
    """Return how far a rectangle is from the size a use likes; inf where it cannot serve."""
    limits = USES[use]
    short, long = sorted((inner.width, inner.depth))
    slim = 7.5 if use == "hall" else 2.1
    if not (limits.area[0] <= inner.area <= limits.area[1] and short >= limits.narrowest and long <= slim * short):
        return float("inf")
    wanted = {"hall": 6.0, "bathroom": 5.5}.get(use, 0.6 * sum(limits.area) / 2 + 4.0)
    return abs(float(np.log(inner.area / wanted))) + (0.0 if use == "hall" else 0.2 * (long / short - 1))


def _shared(a: Rect, b: Rect) -> tuple[int, float, float] | None:
    """Return the side of ``a`` that touches ``b`` and the extent they share, or None."""
    touching = (
        (0, abs(a.z0 - b.z1)),
        (1, abs(a.x1 - b.x0)),
        (2, abs(a.z1 - b.z0)),
        (3, abs(a.x0 - b.x1)),
    )
    for side, gap in touching:
        if gap < 1e-6:
            low, high = (max(a.x0, b.x0), min(a.x1, b.x1)) if side % 2 == 0 else (max(a.z0, b.z0), min(a.z1, b.z1))
            if high - low > 1e-6:
                return side, low, high
    return None


def _join(rects: list[Rect], order: tuple[str, ...], wall: float, rng: np.random.Generator) -> list[Opening] | None:
    """Join all rooms by doors as a tree around the hall (or living room); None where that cannot be done.

    Nobody walks through a bathroom, a bedroom, a study or a child's room, or through the kitchen to one of them.
    """
    hub = order.index("hall") if "hall" in order else order.index("living")
    joined, doors = [hub], []
    while len(joined) < len(rects):
        options = []
        for a in joined:
            if USES[order[a]].private:
                continue
            for b in range(len(rects)):
                if order[a] == "kitchen" and USES[order[b]].private:
                    continue
                shared = None if b in joined else _shared(rects[a], rects[b])
                if shared is not None and shared[2] - shared[1] >= wall + 1.35:
                    options.append((a != hub, shared[1] - shared[2], a, b, shared))
        if not options:
            return None
        _, _, a, b, shared = min(options)
        doors.append(_door(a, b, shared, order, wall, rng))
        joined.append(b)
    entrance = _entrance(hub, rects, wall, doors, rng)
    return None if entrance is None else [*doors, entrance]


def _door(
    a: int, b: int, shared: tuple[int, float, float], order: tuple[str, ...], wall: float, rng: np.random.Generator
) -> Opening:
    side, low, high = shared
    low, high = low + wall / 2 + 0.14, high - wall / 2 - 0.14
    open_plan = {order[a], order[b]} <= {"living", "kitchen", "dining", "hall"} and rng.random() < 0.5
    width = float(rng.uniform(1.0, 1.6) if open_plan else rng.uniform(0.86, 0.96)) + 2 * FRAME
    width = min(width, high - low)
    # People put doors near a corner, so that the leaf rests against the wall beside it.
    spot = 0.0 if (draw := rng.random()) < 0.4 else 1.0 if draw < 0.8 else float(rng.uniform(0.2, 0.8))
    start = low + spot * (high - low - width)
    kind = "passage" if open_plan else "door"
    top = float(rng.uniform(2.1, 2.3)) if open_plan else DOOR_HEIGHT
    return Opening(kind, (a, b), side, start, start + width, 0.0, top + FRAME)


def _outer(i: int, rects: list[Rect]) -> list[tuple[int, float, float]]:
    """Return the stretches of a room's walls that no other room touches: (side, low, high)."""
    r = rects[i]
    free = []
    for side in range(4):
        spans = [(r.x0, r.x1) if side % 2 == 0 else (r.z0, r.z1)]
        for j, other in enumerate(rects):
            shared = _shared(r, other) if j != i else None
            if shared is not None and shared[0] == side:
                spans = [
                    piece
                    for low, high in spans
                    for piece in ((low, min(high, shared[1])), (max(low, shared[2]), high))
                    if piece[1] - piece[0] > 1e-6
                ]
        free += [(side, low, high) for low, high in spans]
    return free


def _entrance(
    hub: int, rects: list[Rect], wall: float, doors: list[Opening], rng: np.random.Generator
) -> Opening | None:
    """Return the door of the flat, in an outer wall of the hub, clear of the other doors."""
    width = float(rng.uniform(0.9, 1.0)) + 2 * FRAME
    spans = sorted(_outer(hub, rects), key=lambda span: span[2] - span[1])
    for side, low, high in spans:
        low, high = low + wall / 2 + 0.14, high - wall / 2 - 0.14
        if high - low < width:
            continue
        start = low + float(rng.random()) * (high - low - width)
        return Opening("entrance", (hub, OUTSIDE), side, start, start + width, 0.0, DOOR_HEIGHT + FRAME)
    return None


def _windows(
    rects: list[Rect],
    order: tuple[str, ...],
    wall: float,
    height: float,
    doors: list[Opening],
    rng: np.random.Generator,
) -> list[Opening]:
    """Return one or two windows a room where it has outer wall left."""
    found = []
    top = min(height - 0.25, float(rng.uniform(2.1, 2.35)))
    for i, use in enumerate(order):
        if rng.random() > USES[use].window:
            continue
        free = []
        for side, low, high in _outer(i, rects):
            taken = any(d.kind == "entrance" and d.rooms[0] == i and d.side == side for d in doors)
            low, high = low + wall / 2 + 0.3, high - wall / 2 - 0.3
            if not taken and high - low >= 0.7:
                free.append((side, low, high))
        free.sort(key=lambda span: span[1] - span[2])
        wanted = 1 if use in ("bathroom", "hall", "kitchen") else 2 if rects[i].area > 13 else int(rng.integers(1, 3))
        for side, low, high in free[:wanted]:
            widest = {"bathroom": 0.8, "hall": 0.8, "kitchen": 1.4}.get(use, 2.2)
            width = min(high - low, float(rng.uniform(0.65, 1.0)) * widest)
            start = low + float(rng.uniform(0.25, 0.75)) * (high - low - width)
            sill = 1.35 if use in ("bathroom", "hall") else 1.12 if use == "kitchen" else float(rng.uniform(0.8, 0.95))
            found.append(Opening("window", (i, OUTSIDE), side, start, start + width, sill, top))
    return found


def _lit(order: tuple[str, ...], openings: list[Opening]) -> bool:
    """Whether every room that needs daylight has a window."""
    with_window = {o.rooms[0] for o in openings if o.kind == "window"}
    return all(i in with_window for i, use in enumerate(order) if USES[use].window == 1.0)


def _centred(
    rects: list[Rect], order: tuple[str, ...], openings: list[Opening], height: float, wall: float
) -> FloorPlan:
    """Move the plan so that the world's origin lies in the middle of its bounding box."""
    x = (min(r.x0 for r in rects) + max(r.x1 for r in rects)) / 2
    z = (min(r.z0 for r in rects) + max(r.z1 for r in rects)) / 2
    moved = [Rect(r.x0 - x, r.z0 - z, r.x1 - x, r.z1 - z) for r in rects]
    rooms = tuple(Room(use, use, r, r.shrunk(wall / 2)) for r, use in zip(moved, order, strict=True))
    shift = [x if o.side % 2 == 0 else z for o in openings]
    shifted = tuple(
        Opening(o.kind, o.rooms, o.side, o.low - s, o.high - s, o.sill, o.top)
        for o, s in zip(openings, shift, strict=True)
    )
    return FloorPlan(rooms, shifted, height, wall)
