"""Place recognition: where in a space was this frame taken? Answered by frames of other walks through it; no labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from baselines.places import NEAR_DEG, NEAR_M, same_place, separation
from benchmark.forms.ranking import NONE, Ranking
from benchmark.metrics.places import CUTOFFS, PLACE_SUMS, place_metrics, place_sums
from benchmark.places import Places
from benchmark.tasks import HeadSpec, Measure, Scope, Statistics
from benchmark.tasks.uncategorised import Uncategorised
from sim_envs.errors import UserError

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording

DESCRIPTOR = 128
QUERIES_AT_ONCE = 256

_RULE = f"within {NEAR_M:g} m and {NEAR_DEG:g}° on another trajectory"


@dataclass(frozen=True)
class Retrieval(Uncategorised):
    """Every scored frame is a query; what is searched are the scored frames of the *other* trajectories of the space.

    An answer is right when its camera centre is at most 1 m from the query's and the angle between the two viewing
    directions at most 30°. Queries that have no right answer are not scored, and their number is said. Frames are
    compared by the cosine of their descriptors.
    """

    name: str = "retrieval"
    version: int = 1
    truth_version: int = 1
    needs: tuple[str, ...] = ()
    display_note: str = (
        "Truth: the nearest view of the same place on another trajectory; models: the view that is ranked first."
    )
    measures: tuple[Measure, ...] = (
        *(
            Measure(
                f"recall_{k}",
                f"recall@{k}",
                True,
                100,
                1,
                "%",
                f"share of frames for which {'the best' if k == 1 else f'one of the {k} best'} ranked is {_RULE}",
            )
            for k in CUTOFFS
        ),
        Measure(
            "trajectory", "trajectory@1", True, 100, 1, "%", "share whose best ranked is of a trajectory with an answer"
        ),
        Measure("chance", "chance@1", True, 100, 1, "%", "recall@1 of a random ranking, whatever the model"),
    )

    @property
    def form(self) -> Ranking:
        """Return the best ten."""
        return Ranking(max(CUTOFFS))

    @property
    def sum_shape(self) -> tuple[int, ...]:
        """One sum for each name in ``PLACE_SUMS``."""
        return (len(PLACE_SUMS),)

    def head(self) -> HeadSpec:
        """Ask for a descriptor."""
        return HeadSpec("descriptor", DESCRIPTOR)

    def targets(self, recording: Recording, rows: np.ndarray) -> Places:
        """Return where the frames were taken, among all frames of the recording."""
        return Places.of(recording, rows)

    def has_truth(self, target: Places) -> np.ndarray:
        """Return which queries have a right answer, (N,) bool."""
        return np.array([len(target.matches(query)) > 0 for query in range(len(target))], bool)

    def encode_prediction(self, output: np.ndarray) -> np.ndarray:
        """Turn (N, D) descriptors into (N, D) float32 unit vectors; a descriptor of length 0 stays.

        Raises:
            UserError: a descriptor is not finite.
        """
        descriptors = np.asarray(output, np.float32)
        if not np.isfinite(descriptors).all():
            raise UserError("A descriptor is NaN or infinite: the head has not learned. Lower transfer_budget.head_lr.")
        length = np.linalg.norm(descriptors, axis=-1, keepdims=True)
        return descriptors / np.where(length == 0, 1, length)

    def conclude(self, encoded: np.ndarray, rows: np.ndarray, trajectory: np.ndarray) -> np.ndarray:
        """Rank the frames of other trajectories by cosine, equal ones by row: (N, 10) int32, −1 for none."""
        order = np.argsort(rows, kind="stable")
        ranking = np.full((len(rows), self.form.length), NONE, np.int32)
        for start in range(0, len(rows), QUERIES_AT_ONCE):
            part = np.arange(start, min(start + QUERIES_AT_ONCE, len(rows)))
            likeness = encoded[part] @ encoded[order].T
            own = trajectory[part][:, None] == trajectory[order]
            likeness[own] = -np.inf
            best = np.argsort(-likeness, axis=1, kind="stable")[:, : self.form.length]
            valid = ~np.take_along_axis(own, best, axis=1)
            ranking[part, : best.shape[1]] = np.where(valid, rows[order][best], NONE)
        return ranking

    def statistics(self, prediction: np.ndarray, target: Places, trajectory: np.ndarray) -> Statistics:
        """Reduce rankings to counts per trajectory; frames of the query's own trajectory are never right."""
        ids, group = np.unique(trajectory, return_inverse=True)
        views = target.views
        hit, share = np.zeros(prediction.shape, bool), np.zeros(len(target))
        on_trajectory = np.zeros(len(target), bool)
        ranked = target.ranked(prediction)
        for query in range(len(target)):
            matches = target.matches(query)
            hit[query] = np.isin(ranked[query], matches)
            share[query] = len(matches) / max(len(target.searched(query)), 1)
            best = ranked[query, 0]
            on_trajectory[query] = best >= 0 and views.trajectory[best] in views.trajectory[matches]
        sums = place_sums(hit, share, on_trajectory, group, len(ids))
        answerable = sums[:, PLACE_SUMS.index("answerable")]
        return Statistics(trajectory=ids.astype(np.int64), frames=answerable.astype(np.int64), sums=sums)

    def scope(self, total: np.ndarray, seen: tuple[int, ...]) -> Scope:
        """Say how many queries do not count."""
        queries, answerable = total[:2].astype(int).tolist()
        if queries == answerable:
            return Scope()
        return Scope(left_out={f"{queries - answerable} of {queries} frames": f"no frame is {_RULE}"})

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure, (..., 7) → (...,)."""
        return place_metrics(reduced)

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, (..., 7) → (...,)."""
        return place_metrics(sums)

    def display(self, values: np.ndarray | Places, target: Places, rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show the frame that was ranked first, or of a truth the nearest answer; black where there is none."""
        views = target.views
        if isinstance(values, Places):
            found = target.matches(0)[:1]
        else:
            found = target.ranked(values)[0, :1]
            found = found[found >= 0]
        if not len(found):
            return np.zeros_like(rgb)
        recording = views.recording[found[0]]
        return np.array(views.pictures[recording][found[0] - views.start[recording]])

    def sketch(self, values: np.ndarray, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show the frame that was ranked first; black where there is none."""
        first = int(values[0, 0])
        return np.array(views[first]) if 0 <= first < len(views) else np.zeros_like(views[row])

    def in_words(self, prediction: np.ndarray, target: Places) -> str:
        """Say how far away the best ranked frame was taken, and at what rank the first right one is."""
        views, ranked = target.views, target.ranked(prediction)[0]
        if ranked[0] < 0:
            return "no frame ranked"
        metres, degrees = separation(
            target.position[0], target.direction[0], views.position[ranked[0]], views.direction[ranked[0]]
        )
        where = f"{metres:.1f} m and {degrees:.0f}° away"
        if same_place(metres, degrees):
            return f"right: {where}"
        right = np.flatnonzero(np.isin(ranked, target.matches(0)))
        return f"wrong: {where}" + (f"; right at rank {right[0] + 1}" if len(right) else "")


RETRIEVAL = Retrieval()
