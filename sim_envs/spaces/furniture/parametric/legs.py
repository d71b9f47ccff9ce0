"""Legs: what tables, chairs, beds and sofas stand on."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.solids import Solid, bar, cylinder, lathe, rounded_box, tube


def four_legs(kit: Kit, kind: str, width: float, height: float, depth: float, material: Material) -> list[Part]:
    """Return legs within ``width`` × ``depth`` that reach from the floor to ``height``.

    Args:
        kit: draws the thickness.
        kind: 'square', 'round', 'tapered', 'turned', 'splayed', 'hairpin' or 'sled'.
        width, height, depth: metres.
        material: of all legs.
    """
    thick = max(0.018, min(0.07, 0.03 + 0.025 * (width - 0.4))) * kit.between(0.85, 1.2)
    x, z = width / 2 - thick / 2, depth / 2 - thick / 2
    if kind == "sled":
        runner = [(0.0, height, -z), (0.0, thick * 0.4, -z), (0.0, thick * 0.4, z), (0.0, height, z)]
        return [(tube(runner, thick * 0.4).at(x=side * x), material) for side in (-1, 1)]
    corners = [(side_x, side_z) for side_x in (-1, 1) for side_z in (-1, 1)]
    if kind == "splayed":
        return [
            (bar((a * x, 0, b * z), (a * x * 0.75, height, b * z * 0.75), thick * 0.45), material) for a, b in corners
        ]
    if kind == "hairpin":
        parts: list[Part] = []
        for a, b in corners:
            foot = (a * x, 0.0, b * z)
            spread = min(0.1, width * 0.12)
            parts.append((bar(foot, (a * x, height, b * (z - spread)), 0.008, 5), material))
            parts.append((bar(foot, (a * (x - spread), height, b * z), 0.008, 5), material))
        return parts
    leg = _upright(kind, thick, height)
    return [(leg.at(x=a * x, z=b * z), material) for a, b in corners]


def _upright(kind: str, thick: float, height: float) -> Solid:
    """Return one vertical leg."""
    if kind == "round":
        return cylinder(thick * 0.45, height, 8)
    if kind == "tapered":
        return cylinder(thick * 0.3, height, 6, top=thick * 0.55)
    if kind == "turned":
        outline = ((0.3, 0.0), (0.5, 0.06), (0.3, 0.12), (0.45, 0.45), (0.3, 0.7), (0.55, 0.78), (0.55, 1.0))
        return lathe([(thick * radius, height * level) for radius, level in outline], 8)
    return rounded_box(thick, height, thick, thick * 0.12)
