"""The table of ablations: which rows of the zoo make up each grid. A new ablation is one function and one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from baselines.zoo import ZOO, Model
from baselines.zoo.variations import MARK
from benchmark.suites import Suite
from sim_envs.errors import UserError, unknown

Drawing = Literal["subsets", "changes", "curve", "spaces", "front"]


@dataclass(frozen=True)
class Point:
    """One row of the zoo and its place in a figure.

    Attributes:
        model: as ``tst-bench run --model`` takes it.
        line: which points belong together.
        x: position on the axis; None stands beside it (a line to compare with).
        label: what is special about the point, in a word or two.
    """

    model: str
    line: str
    x: float | None
    label: str


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        suite: whose budgets and external spaces bound the grid.
        models: rows that are varied.
        values: positions on the axis, ascending; empty takes the ablation's own.
        sample: most subsets to try; None tries all.
        seed: of the draw of subsets.
    """

    suite: Suite
    models: tuple[Model, ...]
    values: tuple[float, ...] = ()
    sample: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Kind:
    """One row of the table.

    Attributes:
        summary: one line for ``--help``.
        axis: what ``Point.x`` counts.
        drawing: how its points are drawn and read.
        grid: request → points, in the order of the axis.
    """

    name: str
    summary: str
    axis: str
    drawing: Drawing
    grid: Callable[[Request], list[Point]]


def _modalities(request: Request) -> list[Point]:
    """Every subset of each row's modalities that holds RGB, or a seeded sample: with all of them and RGB alone."""
    points = []
    for model in request.models:
        others = _beside_rgb(model)
        subsets = [subset for size in range(len(others) + 1) for subset in combinations(others, size)]
        if request.sample is not None and request.sample < len(subsets):
            inner = np.arange(1, len(subsets) - 1)
            chosen = np.random.default_rng(request.seed).permutation(inner)[: max(0, request.sample - 2)]
            subsets = [subsets[i] for i in sorted([0, *chosen.tolist(), len(subsets) - 1])]
        points += [_of_subset(model, subset) for subset in subsets]
    return points


def _leave_one_out(request: Request) -> list[Point]:
    """The row itself, and without each of its modalities but RGB."""
    points = []
    for model in request.models:
        others = _beside_rgb(model)
        points.append(_of_subset(model, others, "all"))
        points += [_of_subset(model, [n for n in others if n != left], f"without {left}") for left in others]
    return points


def _add_one(request: Request) -> list[Point]:
    """RGB alone, and with each of the row's other modalities."""
    points = []
    for model in request.models:
        others = _beside_rgb(model)
        points.append(_of_subset(model, (), "rgb alone"))
        points += [_of_subset(model, (name,), f"with {name}") for name in others]
    return points


def _spaces(request: Request) -> list[Point]:
    """The specialists, and ``tst-external:N`` and ``mae-external:N`` for N = 1, 2, 4 … all external spaces."""
    available = len(request.suite.external)
    counts = [int(v) for v in request.values] or _doubling(available)
    if any(v != int(v) or v < 1 for v in request.values) or max(counts, default=0) > available:
        raise UserError(
            f"--values: whole numbers of external spaces, from 1; suite {request.suite.name} has {available}."
        )
    points = [Point(name, name, None, "the test space alone") for name in ("tst", "tst-mae")]
    for family in ("tst-external", "mae-external"):
        points += [Point(f"{family}:{n}", family, n, f"{n} external") for n in counts]
    return points


def _frames(request: Request) -> list[Point]:
    return _of_budget(request, "frames", [request.suite.pretrain.frames * s for s in (1 / 8, 1 / 4, 1 / 2, 1)])


def _steps(request: Request) -> list[Point]:
    return _of_budget(request, "steps", [request.suite.pretrain.steps * s for s in (1 / 8, 1 / 4, 1 / 2, 1, 2)])


def _mask_ratio(request: Request) -> list[Point]:
    values = request.values or (0.75, 0.8, 0.85, 0.9, 0.95)
    return [
        Point(f"{model.name}{MARK}mask-ratio={value:g}", model.name, value, f"{value:g} masked")
        for model in request.models
        for value in values
    ]


def _source_mix(request: Request) -> list[Point]:
    """From external spaces alone to the test space alone, at equal frames and steps."""
    values = request.values or (0.0, 0.25, 0.5, 0.75, 1.0)
    return [
        Point(f"{model.name}{MARK}mix={value:g}", model.name, value, f"{100 * value:g} % test space")
        for model in request.models
        for value in values
    ]


def _of_budget(request: Request, key: str, defaults: Sequence[float]) -> list[Point]:
    values = [max(1, round(v)) for v in request.values or defaults]
    return [
        Point(f"{model.name}{MARK}{key}={value}", model.name, value, f"{value:,} {key}")
        for model in request.models
        for value in dict.fromkeys(values)
    ]


def _of_subset(model: Model, others: Sequence[str], label: str = "") -> Point:
    names = [name for name in model.modalities if name == "rgb" or name in others]
    name = f"{model.name}{MARK}modalities={'+'.join(names)}"
    return Point(name, model.name, len(names), label or ", ".join(names))


def _beside_rgb(model: Model) -> tuple[str, ...]:
    others = tuple(name for name in model.modalities if name != "rgb")
    if not others:
        raise UserError(f"{model.name} learns from RGB alone: it has no other modality to leave out or add.")
    return others


def _doubling(most: int) -> list[int]:
    """Return 1, 2, 4 … and ``most`` itself."""
    return sorted({*(2**i for i in range(most.bit_length()) if 2**i <= most), *([most] if most else [])})


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "modalities", "score against the number of modalities, over subsets", "modalities", "subsets", _modalities
        ),
        Kind("leave-one-out", "what each modality is worth beside all others", "modality", "changes", _leave_one_out),
        Kind("add-one", "what each modality is worth beside RGB alone", "modality", "changes", _add_one),
        Kind("spaces", "how many external spaces one test space is worth", "external spaces", "spaces", _spaces),
        Kind("frames", "score against the number of frames", "pre-training frames", "curve", _frames),
        Kind("mask-ratio", "score against the share of masked tokens", "share of tokens masked", "curve", _mask_ratio),
        Kind("steps", "score against the number of optimiser steps", "optimiser steps", "curve", _steps),
        Kind(
            "source-mix",
            "specialization against generalization, from all external to all test space",
            "share of frames from the test space",
            "front",
            _source_mix,
        ),
    )
}


def kind_of(name: str) -> Kind:
    """Return a row of the table, or raise :class:`~sim_envs.errors.UserError` with the near names."""
    if name not in KINDS:
        raise unknown("ablation", name, KINDS)
    return KINDS[name]


def grid(kind: Kind, request: Request) -> list[Point]:
    """Return the points of an ablation.

    Raises:
        UserError: a model that cannot be varied so, or values out of range.
    """
    if list(request.values) != sorted(set(request.values)):
        raise UserError("--values: give each value once, ascending.")
    points = kind.grid(request)
    for point in points:
        ZOO[point.model]  # raises what is wrong with a variation before anything is begun
    return points
