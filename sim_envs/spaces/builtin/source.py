"""Built-in spaces: ``builtin/flat-NN`` and ``builtin/home-NN``, the same bytes from the same number.

Both families are drawn alike: a plan, its shell, furniture placed room by room, light baked in. Flats take
their furniture from parametric pieces, homes from artists' models in Sweet Home 3D libraries. The furniture
pool changes every ten numbers, so that spaces can differ in their objects and not only in their layout.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import unknown_space
from sim_envs.spaces.builtin.architecture import PANE_DEPTH, build_shell, choose_finishes
from sim_envs.spaces.builtin.doors import Leaf, hang_leaves
from sim_envs.spaces.builtin.floorplan import FloorPlan, Rect
from sim_envs.spaces.builtin.furnishing import Furnisher
from sim_envs.spaces.builtin.light import LampLight, Lit, WindowLight, bake
from sim_envs.spaces.builtin.meshing import Mesh, Part, creased, divided, join, placed
from sim_envs.spaces.builtin.mood import Mood, draw_mood, outside
from sim_envs.spaces.builtin.placement import Board, Piece, span_on
from sim_envs.spaces.builtin.plan_drawing import draw_plan
from sim_envs.spaces.builtin.rooms import furnish
from sim_envs.spaces.furniture.categories import CATEGORIES
from sim_envs.spaces.furniture.model import Catalog
from sim_envs.spaces.store import load_space_folder, save_space

GENERATOR_VERSION = 3
"""Part of every space's provenance; a change here rebuilds what is cached."""

SPACE_CATEGORIES: tuple[str, ...] = ("floor", "wall", "ceiling", "door", "window", *CATEGORIES)
FAMILIES = ("flat", "home")
NUMBERS = range(1, 100)
POOLS = 4

_LONGEST_EDGE = 0.36
_LIFT = 0.001  # metres between a piece and what it stands on: no two faces in one place
_FINE = 2500  # models of so many faces are left as they are
# What a bulb of each kind gives against a ceiling lamp, and how far below the top of the lamp it sits.
_BULBS = {"ceiling lamp": (1.0, 0.6), "lamp": (0.5, 0.1), "table lamp": (0.22, 0.3)}


@dataclass(frozen=True, eq=False)
class Layout:
    """A furnished flat before it is turned into triangles."""

    plan: FloorPlan
    leaves: tuple[Leaf, ...]
    pieces: tuple[Piece, ...]


class BuiltinSource:
    """The row ``builtin`` of the space sources."""

    def names(self, home: Path) -> list[str]:
        """Return ``flat-01`` … ``flat-99`` and ``home-01`` … ``home-99``."""
        return [f"{family}-{number:02d}" for family in FAMILIES for number in NUMBERS]

    def load(self, name: str, home: Path) -> Space:
        """Return a space from ``home/spaces/builtin``, building it there first where it is missing or outdated.

        Raises:
            UserError: there is no such space, the furniture library is missing, or the disk is full.
        """
        if name not in self.names(home):
            raise unknown_space(f"builtin/{name}", home)
        folder = home / "spaces" / "builtin" / name
        if _version_of(folder) == GENERATOR_VERSION:
            try:
                return load_space_folder(folder)
            except UserError as error:
                warnings.warn(f"{error} Doing so now.", stacklevel=2)
        family, _, number = name.partition("-")
        space = build_flat(int(number)) if family == "flat" else build_home(int(number))
        save_space(space, folder)
        return space


def pool_of(number: int) -> int:
    """Return the furniture pool of a space: 01–10 use 0, 11–20 use 1, …, 41–50 use 0 again."""
    return (number - 1) // 10 % POOLS


def build_flat(number: int) -> Space:
    """Build ``builtin/flat-NN``, furnished with parametric pieces."""
    from sim_envs.spaces.furniture.parametric import parametric_catalog

    return build("flat", number, parametric_catalog(pool_of(number)))


def build_home(number: int, libraries: Sequence[Path] | None = None) -> Space:
    """Build ``builtin/home-NN``, furnished from Sweet Home 3D libraries.

    Args:
        libraries: ``.sh3f`` files; default those installed on this machine.

    Raises:
        UserError: there is no library; the message says how to get one.
    """
    from sim_envs.spaces.furniture.sweethome.catalog import sweethome_catalog

    return build("home", number, sweethome_catalog(pool_of(number), libraries))


def build(family: str, number: int, catalog: Catalog) -> Space:
    """Build a space from a catalog; nothing but the arguments decides its bytes."""
    layout = draw_layout(family, number, catalog)
    rng = _generator(family, number, "looks")
    mood = draw_mood(rng)
    views = [outside(mood, rng) for _ in range(4)]
    finishes = choose_finishes(layout.plan, catalog, rng)
    parts = build_shell(layout.plan, finishes, layout.leaves, views)
    shell = len(parts)
    parts += [Part(piece.category, _placed(piece)) for piece in layout.pieces]
    mesh = join([part.mesh for part in parts])
    owner = np.repeat(np.arange(1, len(parts) + 1), [len(part.mesh.faces) for part in parts])
    lamp = np.array([part.category in _BULBS for part in parts])
    cloth = np.array([part.category == "curtain" for part in parts])
    glow = np.repeat([part.glow for part in parts], [len(part.mesh.vertices) for part in parts])
    scene = Lit(mesh, owner, owner <= shell, ~lamp[owner - 1], cloth[owner - 1], glow)
    lights = _windows(layout.plan), _lamps(layout.pieces)
    colours = bake(scene, *lights, [room.outline for room in layout.plan.rooms], mood)
    category_id = {name: i + 1 for i, name in enumerate(SPACE_CATEGORIES)}
    return Space(
        id=f"builtin/{family}-{number:02d}",
        vertices=mesh.vertices.astype(np.float32),
        faces=mesh.faces.astype(np.int32),
        vertex_rgb=colours,
        face_instance=owner.astype(np.uint16),
        instance_category=np.array([0, *(category_id[part.category] for part in parts)], dtype=np.uint16),
        categories=SPACE_CATEGORIES,
        uv=mesh.uv.astype(np.float32),
        face_texture=mesh.face_texture.astype(np.int32),
        textures=mesh.textures,
        provenance=_provenance(family, number, catalog, layout.plan, mood),
    )


def _placed(piece: Piece) -> Mesh:
    """Return a piece in the world, divided finely enough to carry light."""
    box = piece.box
    mesh = creased(placed(piece.model, box.x, box.low + _LIFT, box.z, box.yaw))
    return divided(mesh, _LONGEST_EDGE) if len(mesh.faces) < _FINE else mesh


def draw_layout(family: str, number: int, catalog: Catalog) -> Layout:
    """Return the plan of a space with all its furniture in place."""
    plan = draw_plan(_generator(family, number, "plan"))
    leaves = hang_leaves(plan, _generator(family, number, "doors"))
    pieces: list[Piece] = []
    for index, room in enumerate(plan.rooms):
        board = Board(plan, index, [leaf.box for leaf in leaves if leaf.room == index])
        furnish(Furnisher(board, catalog, _generator(family, number, f"room {index}")), room.use)
        pieces += board.pieces
    return Layout(plan, tuple(leaves), tuple(pieces))


def _generator(family: str, number: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for each purpose: a change in one leaves the others as they are."""
    return np.random.default_rng([FAMILIES.index(family), number, *purpose.encode()])


def _windows(plan: FloorPlan) -> list[WindowLight]:
    lights = []
    for opening in plan.openings:
        if opening.kind == "window":
            side = plan.rooms[opening.rooms[0]].sides[opening.side]
            low, high = span_on(side, opening)
            x, z = side.at(low, -PANE_DEPTH + 0.05)
            lights.append(
                WindowLight(
                    corner=np.array([x, opening.sill, z]),
                    across=(high - low) * np.array([side.along[0], 0.0, side.along[1]]),
                    up=np.array([0.0, opening.top - opening.sill, 0.0]),
                    inward=np.array([side.inward[0], 0.0, side.inward[1]]),
                )
            )
    return lights


def _lamps(pieces: Sequence[Piece]) -> list[LampLight]:
    lights = []
    for piece in pieces:
        if piece.category in _BULBS:
            power, below_top = _BULBS[piece.category]
            height = piece.box.high - below_top * (piece.box.high - piece.box.low)
            radius = min(0.12, 0.4 * min(piece.box.width, piece.box.depth))
            lights.append(LampLight(np.array([piece.box.x, height, piece.box.z]), power, radius))
    return lights


def _provenance(family: str, number: int, catalog: Catalog, plan: FloorPlan, mood: Mood) -> dict[str, Any]:
    return {
        "source": "builtin",
        "generator_version": GENERATOR_VERSION,
        "family": family,
        "number": number,
        "furniture_pool": pool_of(number),
        "furniture": dict(catalog.provenance),
        "light": mood.name,
        "ceiling_height": round(plan.height, 4),
        "area": round(plan.area, 2),
        "rooms": [{"name": r.name, "use": r.use, "polygon": _polygon(r.inner)} for r in plan.rooms],
    }


def _polygon(r: Rect) -> list[list[float]]:
    """Return the corners (x, z) of a room's floor, metres."""
    return [[round(x, 4), round(z, 4)] for x, z in ((r.x0, r.z0), (r.x1, r.z0), (r.x1, r.z1), (r.x0, r.z1))]


def _version_of(folder: Path) -> int | None:
    """Return the generator version of a cached space; None where there is none that can be read."""
    try:
        head = json.loads((folder / "space.json").read_text(encoding="utf-8"))
        return int(head["provenance"]["generator_version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
