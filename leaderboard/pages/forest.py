"""A forest plot: differences with their intervals, as an SVG that takes its looks from the style sheet alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, ROW, TOP, BOTTOM = 520, 122, 14, 30, 8, 46
TICKS = 4
LONGEST_NAME = 22


@dataclass(frozen=True)
class Line:
    """One difference; ``said`` is the whole of it in words, ``told_apart`` whether its interval excludes 0."""

    label: str
    value: float
    low: float
    high: float
    told_apart: bool
    said: str


def forest_svg(lines: Sequence[Line], axis: str, favours: tuple[str, str]) -> Markup:
    """Draw differences around 0.

    Args:
        lines: with finite values and intervals, in the unit of the axis.
        axis: what the horizontal axis shows, with its unit.
        favours: who is ahead to the left of 0 and to the right of it.
    """
    furthest = max((abs(bound) for line in lines for bound in (line.low, line.high, line.value)), default=0.0)
    marks = ticks(furthest)
    scale = _Scale(max(1.06 * furthest, marks[-1]))
    bottom = TOP + ROW * len(lines)
    left, right = (escape(shortened(name)) for name in favours)
    parts = [
        *(_tick(scale, mark, marks[-1] - marks[-2], bottom) for mark in marks),
        *(_line(scale, line, TOP + ROW * (index + 0.5)) for index, line in enumerate(lines)),
        f'<text class="side" x="{LEFT}" y="{bottom + 40}">← {left} ahead</text>',
        f'<text class="side" x="{WIDTH - RIGHT}" y="{bottom + 40}" text-anchor="end">{right} ahead →</text>',
    ]
    label = escape(f"{axis}: {'; '.join(line.said for line in lines)}")
    height = bottom + BOTTOM
    opening = f'<svg class="forest" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")


def ticks(furthest: float) -> list[float]:
    """Return round numbers evenly spaced around 0, at least -1, 0 and 1 steps, none beyond ``furthest`` but these."""
    rough = (furthest or 1.0) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= rough)
    count = max(1, math.floor(furthest / step + 1e-9))
    return [step * place for place in range(-count, count + 1)]


def shortened(name: str) -> str:
    """Return a name that fits beside another one."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


@dataclass(frozen=True)
class _Scale:
    reach: float

    def x(self, value: float) -> str:
        middle, half = (LEFT + WIDTH - RIGHT) / 2, (WIDTH - RIGHT - LEFT) / 2
        return f"{middle + value / self.reach * half:.1f}"


def _tick(scale: _Scale, value: float, step: float, bottom: float) -> str:
    exponent = Decimal(f"{step:.3g}").normalize().as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    shown = f"{value:+.{digits}f}".replace("-", "−") if round(value / step) else "0"
    x, kind = scale.x(value), "tick" if round(value / step) else "zero"
    return (
        f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>'
        f'<text class="number" x="{x}" y="{bottom + 18}" text-anchor="middle">{shown}</text>'
    )


def _line(scale: _Scale, line: Line, y: float) -> str:
    kind = "apart" if line.told_apart else "together"
    low, value, high = scale.x(line.low), scale.x(line.value), scale.x(line.high)
    return (
        f'<g class="{kind}"><title>{escape(line.said)}</title>'
        f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(line.label)}</text>'
        f'<line class="interval" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        f'<line class="interval" x1="{low}" x2="{low}" y1="{y - 5}" y2="{y + 5}"/>'
        f'<line class="interval" x1="{high}" x2="{high}" y1="{y - 5}" y2="{y + 5}"/>'
        f'<circle cx="{value}" cy="{y}" r="5"/></g>'
    )
