"""Shortest ways over a floor plan: through free cells, pulled taut like a string."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from sim_envs.trajectories.navigable import NavigableMap
from sim_envs.trajectories.paths import GridGraph, grid_graph, is_free

_SIGHT_STEP = 0.25  # of a cell, between the points at which a line of sight is looked at


@dataclass(frozen=True, eq=False)
class Floorplan:
    """Where a device can stand, and how its cells are joined."""

    ground: NavigableMap
    graph: GridGraph

    @classmethod
    def of(cls, ground: NavigableMap) -> Floorplan:
        """Join the free cells of a map."""
        # One clearance everywhere: no place is dearer than another, so the costs are in proportion to lengths.
        return cls(ground, grid_graph(ground.free, np.zeros_like(ground.clearance), ground.cell))

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (N,) numbers of the free cells nearest to (N, 3) world points, and the (N,) metres to them."""
        centres = self.ground.to_world(self.graph.cells)
        metres, number = cKDTree(centres[:, [0, 2]]).query(points[:, [0, 2]])
        return number, metres

    def ways(self, start: int, goals: np.ndarray) -> list[np.ndarray | None]:
        """Return the (N, 3) world points of the shortest way from a cell to each of some, None where there is none."""
        cost, before = dijkstra(self.graph.costs, indices=start, return_predecessors=True)
        found: list[np.ndarray | None] = []
        for goal in goals.tolist():
            if not np.isfinite(cost[goal]):
                found.append(None)
                continue
            cells = [goal]
            while cells[-1] != start:
                cells.append(int(before[cells[-1]]))
            way = taut(self.graph.cells[cells[::-1]].astype(np.float64), self.graph.free)
            found.append(self.ground.to_world(way))
        return found


def taut(path: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return a path with only those of its (N, D) points that it has to bend at to stay in free cells."""
    kept = [0]
    while kept[-1] < len(path) - 1:
        here = kept[-1]
        kept.append(
            next(i for i in range(len(path) - 1, here, -1) if i == here + 1 or _sees(path[here], path[i], free))
        )
    return path[kept]


def length(points: np.ndarray) -> float:
    """Return the length of a path of (N, 3) points, in their unit."""
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _sees(a: np.ndarray, b: np.ndarray, free: np.ndarray) -> bool:
    """Return whether the straight line between two points passes free cells alone."""
    steps = max(2, int(np.ceil(np.linalg.norm(b - a) / _SIGHT_STEP)) + 1)
    return bool(is_free(a + np.linspace(0, 1, steps)[:, None] * (b - a), free).all())
