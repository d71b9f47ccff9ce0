"""Walk through a grid of free cells: shortest paths between random goals, smoothed and cut into steps.

Works on floor plans (2D) and on voxels (3D) alike. Coordinates are in cells; whole numbers are cell centres.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

_SHY = 1.0  # the dearest step beside an obstacle costs this much more than one in the open
_SHY_RANGE = 0.25  # metres over which that fades
_GOALS_WEIGHED = 3
_LEG_RANGE = (1.0, 6.0)  # metres; short legs tour a room, long ones change rooms
_WHIM = 0.6  # how much each walk's own dislikes change the cost of a place, as a log-normal sigma
_RELAXATIONS = 60


@dataclass(frozen=True, eq=False)
class GridGraph:
    """Free cells and what it costs to step between neighbours.

    Attributes:
        free: bool grid.
        cells: (N, D) int, the free cells.
        costs: (N, N) sparse, metres, dearer beside obstacles.
        cell: side of a cell, metres.
    """

    free: np.ndarray
    cells: np.ndarray
    costs: csr_matrix
    cell: float


def grid_graph(free: np.ndarray, clearance: np.ndarray, cell: float) -> GridGraph:
    """Join each free cell to its free neighbours, diagonal ones only where no corner is cut.

    Args:
        free: bool grid of 2 or 3 dimensions.
        clearance: the same shape, metres to the nearest obstacle.
        cell: side of a cell, metres.
    """
    cells = np.argwhere(free)
    number = np.full(np.array(free.shape) + 2, -1)
    number[tuple((cells + 1).T)] = np.arange(len(cells))
    near = clearance[tuple(cells.T)]
    dear = 1 + _SHY * np.exp(-(near - near.min(initial=np.inf)) / _SHY_RANGE) if len(cells) else np.zeros(0)
    rows, columns, weights = [], [], []
    for offset in itertools.product((-1, 0, 1), repeat=free.ndim):
        moved = [i for i, o in enumerate(offset) if o]
        if not moved:
            continue
        there = number[tuple((cells + 1 + offset).T)]
        passable = there >= 0
        for kept in itertools.chain.from_iterable(itertools.combinations(moved, k) for k in range(1, len(moved))):
            part = np.array([o if i in kept else 0 for i, o in enumerate(offset)])
            passable &= number[tuple((cells + 1 + part).T)] >= 0
        here = np.flatnonzero(passable)
        rows.append(here)
        columns.append(there[here])
        weights.append(0.5 * (dear[here] + dear[there[here]]) * np.sqrt(len(moved)) * cell)
    size = (len(cells), len(cells))
    costs = csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), size)
    return GridGraph(free, cells, costs, cell)


def wander(graph: GridGraph, length: float, rng: np.random.Generator) -> np.ndarray:
    """Return a path through random goals that is at least ``length`` metres long.

    Each walk likes and dislikes places in its own way, so that walks between the same rooms differ. Of a few
    random goals within reach the next is the one that asks for the least turning back.

    Returns:
        (N, D) float64 cell coordinates, neighbours less than two cells apart.
    """
    costs = _whimsical(graph, rng)
    here = int(rng.integers(len(graph.cells)))
    path = [graph.cells[[here]].astype(np.float64)]
    heading = rng.normal(size=graph.cells.shape[1])
    walked = 0.0
    while walked < length:
        reach = float(np.exp(rng.uniform(*np.log(_LEG_RANGE))))
        cost, before = dijkstra(costs, indices=here, return_predecessors=True, limit=2 * reach)
        reached = np.flatnonzero(np.isfinite(cost) & (cost > 0))
        if not len(reached):
            raise ValueError("a grid without two connected cells cannot be walked")
        far = reached[cost[reached] >= 0.5 * cost[reached].max()]
        legs = [_leg(before, here, int(goal)) for goal in rng.choice(far, size=_GOALS_WEIGHED)]
        turns = [_keeps_on(graph.cells[leg], heading) for leg in legs]
        nodes = legs[int(np.argmax(turns))]
        leg = graph.cells[nodes].astype(np.float64)
        path.append(leg[1:])
        walked += float(np.linalg.norm(np.diff(leg, axis=0), axis=1).sum()) * graph.cell
        heading = leg[-1] - leg[max(0, len(leg) - 10)]
        here = nodes[-1]
    return np.concatenate(path)


def _whimsical(graph: GridGraph, rng: np.random.Generator) -> csr_matrix:
    """Return the graph's costs, each place made dearer or cheaper by a random field that varies over a metre."""
    knots = np.ceil(np.array(graph.free.shape) * graph.cell).astype(int) + 2
    field = np.exp(_WHIM * rng.normal(size=knots))
    factor = map_coordinates(field, graph.cells.T * graph.cell, order=1)
    costs = graph.costs.copy()
    costs.data *= factor[costs.indices]
    return costs


def _leg(before: np.ndarray, start: int, goal: int) -> list[int]:
    leg = [goal]
    while leg[-1] != start and before[leg[-1]] >= 0:
        leg.append(int(before[leg[-1]]))
    return leg[::-1]


def _keeps_on(leg: np.ndarray, heading: np.ndarray) -> float:
    ahead = leg[min(10, len(leg) - 1)] - leg[0]
    return float(ahead @ heading / max(np.linalg.norm(ahead) * np.linalg.norm(heading), 1e-9))


def smooth(path: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Relax a path like a string of beads; a bead moves only where its new cell is free."""
    path = path.copy()
    for _ in range(_RELAXATIONS):
        moved = path.copy()
        moved[1:-1] = 0.5 * path[1:-1] + 0.25 * (path[:-2] + path[2:])
        path = np.where(is_free(moved, free)[:, None], moved, path)
    return path


def is_free(points: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return (N,) bool for (N, D) cell coordinates."""
    cells = np.floor(points + 0.5).astype(int)
    inside = ((cells >= 0) & (cells < free.shape)).all(axis=1)
    return inside & free[tuple(np.where(inside[:, None], cells, 0).T)]


def resample(path: np.ndarray, start: float, step: float, count: int, free: np.ndarray) -> np.ndarray:
    """Return ``count`` points of a path from ``start`` on, ``step`` apart along it (in cells), all in free cells.

    Raises:
        ValueError: the path is too short.
    """
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    wanted = start + np.arange(count) * step
    if wanted[-1] > along[-1]:
        raise ValueError(f"a path of {along[-1]:.1f} cells cannot give {count} points {step:.1f} cells apart")
    points = np.stack([np.interp(wanted, along, path[:, i]) for i in range(path.shape[1])], axis=1)
    nearest = path[np.abs(along[None, :] - wanted[:, None]).argmin(axis=1)]
    return np.where(is_free(points, free)[:, None], points, nearest)
