"""The picture of a table: specialization against generalization, a point a submission. The template makes it SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.tasks import Measure
from leaderboard.pages.scales import Axis, axis, ticks
from leaderboard.pages.tracks import Look, looks, order
from leaderboard.pages.urls import Urls
from leaderboard.pages.words import score_text
from leaderboard.standings import Dot

MOST = 500
CROSSES = 30
WIDTH, HEIGHT = 640, 480
LEFT, RIGHT, TOP, BOTTOM = 74, 626, 14, 428


@dataclass(frozen=True)
class Tick:
    """A labelled line of the grid, at a place along its axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Point:
    """A submission in the picture.

    Attributes:
        colour: class of its track, see :class:`~leaderboard.pages.tracks.Look`.
        cross: path of its two intervals; "" where there are too many points for them.
        said: what the point is, in lines: its name, team and track, and both scores.
    """

    id: str
    href: str
    colour: str
    x: float
    y: float
    cross: str
    said: str


@dataclass(frozen=True)
class Scatter:
    """Everything the template draws.

    Attributes:
        diagonal: path along which both scores are equal.
        tracks: those that occur, in the order of tables, with their looks.
        left_out: how many submissions more there are.
    """

    measure: Measure
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: str
    points: tuple[Point, ...]
    tracks: tuple[tuple[str, Look], ...]
    left_out: int

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, RIGHT, TOP, BOTTOM

    @property
    def size(self) -> float:
        """Half the width of a point."""
        return 6 if len(self.points) <= 2 * CROSSES else 4.5

    @property
    def crossed(self) -> bool:
        """Whether intervals are drawn."""
        return len(self.points) <= CROSSES


def scatter(dots: Sequence[Dot], total: int, measure: Measure, urls: Urls) -> Scatter | None:
    """Return the picture of a table, or None where no submission has both scores.

    Both axes have the same range, so that how far a point is from the diagonal is its gap.

    Args:
        dots: best first; those drawn last are on top, so the first ones are.
        total: rows of the table that match.
    """
    shown = [dot for dot in dots[:MOST] if dot.test.value is not None and dot.held_out.value is not None]
    if not shown:
        return None
    crossed = len(shown) <= CROSSES
    across = axis(_extent(shown, crossed), LEFT, RIGHT)
    up = Axis(across.low, across.high, BOTTOM, TOP)
    marks = ticks(across.low * measure.scale, across.high * measure.scale)
    digits = _digits(marks)
    labels = [(mark / measure.scale, f"{mark:.{digits}f}".replace("-", "−")) for mark in marks]
    names = sorted({dot.track for dot in shown}, key=order)
    return Scatter(
        measure=measure,
        x_ticks=tuple(Tick(across(value), label) for value, label in labels),
        y_ticks=tuple(Tick(up(value), label) for value, label in labels),
        diagonal=f"M{LEFT} {BOTTOM}L{RIGHT} {TOP}",
        points=tuple(_point(dot, across, up, crossed, measure, urls) for dot in reversed(shown)),
        tracks=tuple((name, looks(name)) for name in names),
        left_out=max(0, total - len(shown)) if len(dots) >= MOST else 0,
    )


def _extent(dots: Sequence[Dot], with_intervals: bool) -> list[float | None]:
    scores = [score for dot in dots for score in (dot.test, dot.held_out)]
    found = [score.value for score in scores]
    return found + [bound for s in scores for bound in (s.low, s.high)] if with_intervals else found


def _point(dot: Dot, across: Axis, up: Axis, crossed: bool, measure: Measure, urls: Urls) -> Point:
    test, held_out = dot.test, dot.held_out
    assert test.value is not None
    assert held_out.value is not None
    x, y = across(test.value), up(held_out.value)
    cross = ""
    if crossed and test.low is not None and test.high is not None:
        cross += f"M{across(test.low)} {y}H{across(test.high)}"
    if crossed and held_out.low is not None and held_out.high is not None:
        cross += f"M{x} {up(held_out.low)}V{up(held_out.high)}"
    said = (
        f"{dot.name}\n{dot.team} · {dot.track}\n"
        f"in the test space {score_text(test, measure)}\nheld-out {score_text(held_out, measure)}"
    )
    return Point(dot.id, urls.submission(dot.id), looks(dot.track).colour, x, y, cross, said)


def _digits(marks: Sequence[float]) -> int:
    """Return how many decimals tell the marks apart."""
    return next((d for d in range(7) if all(abs(mark - round(mark, d)) < 1e-9 for mark in marks)), 6)
