"""The task table: what a model is asked for in a space, how its answer is stored, and how it is scored.

A task is scored from *sums*: numbers that add up over frames and trajectories (confusion matrices, error
sums). The metric of any set of trajectories follows from them. They are what results keep, what the bootstrap
resamples and what a server can check. Nothing here imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from baselines.heads import HeadSpec
from benchmark.forms import Answers, Form
from sim_envs.registry import Table

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording

__all__ = ["TASKS", "HeadSpec", "Measure", "Scope", "Statistics", "Task"]


@dataclass(frozen=True)
class Measure:
    """One number a task reports, and how to print it: ``value · scale`` with ``digits``, then ``unit``."""

    key: str
    label: str
    higher_is_better: bool
    scale: float = 1.0
    digits: int = 3
    unit: str = ""
    meaning: str = ""

    def text(self, value: float, signed: bool = False) -> str:
        """Return the number as printed in tables, without the unit; ``–`` when there is none."""
        if not math.isfinite(value):  # ten times as fast as numpy's, and tables print thousands
            return "–"
        shown = f"{value * self.scale:{'+' if signed else ''}.{self.digits}f}"
        if float(shown) == 0:  # "-0.0" would suggest a sign that was not measured
            return f"{0:.{self.digits}f}"
        return shown.replace("-", "−")

    @property
    def in_brackets(self) -> str:
        """Return the unit for after a label: `` (%)``, or nothing."""
        return f" ({self.unit})" if self.unit else ""

    @property
    def difference_unit(self) -> str:
        """Return the unit of differences: percentages differ by points."""
        return "points" if self.unit == "%" else self.unit

    @property
    def difference_in_brackets(self) -> str:
        """Return the unit of differences for after a label: `` (points)``, or nothing."""
        return f" ({self.difference_unit})" if self.unit else ""

    @property
    def after_difference(self) -> str:
        """Return the unit of differences for after a number: `` points``, ``°``, or nothing."""
        return self.unit if self.unit in ("", "°") else f" {self.difference_unit}"


@dataclass(frozen=True, eq=False)
class Statistics:
    """Sufficient statistics of one model in one space, one row a trajectory.

    Attributes:
        trajectory: (T,) int64, ascending, unique.
        frames: (T,) int64, frames that were scored (those with any truth).
        sums: (T, *task.sum_shape), int64 counts or float64 error sums; they add up over trajectories.
    """

    trajectory: np.ndarray
    frames: np.ndarray
    sums: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Return the sums over all trajectories, (*task.sum_shape)."""
        return np.asarray(self.sums.sum(axis=0))


@dataclass(frozen=True)
class Scope:
    """What a metric is taken over in one space, fixed on the full sample before anything is resampled.

    Attributes:
        scored: evaluation ids that count, ascending; empty for tasks without categories.
        left_out: what does not count (names of categories, a number of frames) → why.
    """

    scored: tuple[int, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_categories(
        cls, categories: Sequence[str], truth: np.ndarray, seen: tuple[int, ...], enough: np.ndarray, too_few: str
    ) -> Scope:
        """Score the categories that a space shows and that transfer training has seen.

        Args:
            categories: names of the evaluation ids 1…K.
            truth: (K,) how much truth there is of each: pixels, boxes.
            seen: evaluation ids that transfer training could teach.
            enough: (K,) bool; false where there is too little truth for a number that means something.
            too_few: why such a category does not count.
        """
        scored, left_out = [], {}
        for index, name in enumerate(categories):
            if truth[index] == 0:
                left_out[name] = "not in the scored frames"
            elif index + 1 not in seen:
                left_out[name] = "not in the transfer training labels"
            elif not enough[index]:
                left_out[name] = too_few
            else:
                scored.append(index + 1)
        return cls(tuple(scored), left_out)


@runtime_checkable
class Task(Protocol):
    """One row of the table.

    Truth and predictions of N frames are *answers* (:mod:`benchmark.forms`). "Of one frame" means answers of length 1.

    Attributes:
        name: as in the table.
        version: raised when sums or measures change their meaning; results of another version are refused.
        truth_version: raised, with ``version``, when ``targets`` makes something else of the same recordings (other
            captions, other rules for boxes): what was learnt from the old truth is not used again. A new ``version``
            alone scores anew what was predicted.
        measures: what is reported; the first is the main metric.
        needs: modalities that targets are read from; a space that lacks one cannot serve. Every recording has poses.
        categories: names of the evaluation ids 1…K; empty for tasks without categories.
        category_unit: what the truth of a category is counted in: ``pixels``, ``boxes``.
        form: how predictions are kept on disk, and what makes them unfit to be scored.
        sum_shape: shape of one trajectory's sums.
        display_note: what a reader of its pictures must know: ``Black: no truth there, not scored.``
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def truth_version(self) -> int: ...
    @property
    def measures(self) -> tuple[Measure, ...]: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def categories(self) -> tuple[str, ...]: ...
    @property
    def category_unit(self) -> str: ...
    @property
    def form(self) -> Form: ...
    @property
    def sum_shape(self) -> tuple[int, ...]: ...
    @property
    def display_note(self) -> str: ...

    def head(self) -> HeadSpec:
        """Say what the task's head must produce."""

    def targets(self, recording: Recording, rows: np.ndarray) -> Answers:
        """Return the truth of frames ``rows``."""

    def has_truth(self, target: Answers) -> np.ndarray:
        """Return which frames have any truth to be scored against, (N,) bool."""

    def encode_prediction(self, output: Any) -> Answers:
        """Turn a head's raw output for a batch of frames into what is kept of it until :meth:`conclude`."""

    def conclude(self, encoded: Answers, rows: np.ndarray, trajectory: np.ndarray) -> Answers:
        """Return the predictions to be stored, from what was encoded of *all* frames that are scored in a space.

        Tasks that answer frame by frame return what they are given.

        Args:
            rows: (N,) int64 numbers of the frames in their recording.
            trajectory: (N,) int64 trajectory of each: what a device knows of its own frames, and no truth.
        """

    def statistics(self, prediction: Answers, target: Answers, trajectory: np.ndarray) -> Statistics:
        """Reduce predictions and truth of some frames to sums, by the (N,) trajectory id of each.

        Where the form is stacked, sums over parts of the frames must add up to those over all of them. Otherwise all
        frames of a space are given at once, and sums of several spaces only have to pool them in some sensible way.
        """

    def seen(self, targets: Iterable[Answers]) -> tuple[int, ...]:
        """Return the evaluation ids that occur in (transfer training) targets; () without categories."""

    def count_categories(self, target: Answers) -> np.ndarray:
        """Return how much truth of each category there is, (K,) int64, in ``category_unit``."""

    def scope(self, total: np.ndarray, seen: tuple[int, ...]) -> Scope:
        """Fix what counts in a space from its summed statistics and what transfer training had ``seen``."""

    def lacking(self, categories: Sequence[str]) -> tuple[str, ...]:
        """Return the evaluation categories that none of a space's ``categories`` means."""

    def reduced(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return the smallest linear reduction of sums that the measures depend on; resampling takes it."""

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure from reduced sums, over any leading axes."""

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, by ``Measure.key``: (..., *sum_shape) → (...,) float64, NaN if undefined."""

    def per_category(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return the metric of each category, (..., K), NaN where not scored; (..., 0) without categories."""

    def category_truth(self, total: np.ndarray) -> np.ndarray:
        """Return how much truth of each category a space's summed statistics hold, (K,), in ``category_unit``."""

    def display(self, values: Answers, target: Answers, rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Return an (h, w, 3) uint8 picture of one frame's truth or prediction; h and w need not be the frame's.

        Args:
            values: what is shown; the target itself for a picture of the truth.
            target: the truth.
            rgb: (H, W, 3) uint8, the frame.
            colours: (K + 1, 3) uint8, of the evaluation ids; of no use without categories.
        """

    def sketch(self, values: Answers, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Return an (h, w, 3) uint8 picture of one frame's prediction, drawn without knowing the truth.

        Args:
            values: the prediction of this one frame.
            row: the frame, in its recording.
            views: (F, H, W, 3) uint8, all frames of the recording.
            colours: (K + 1, 3) uint8, of the evaluation ids; of no use without categories.
        """

    def in_words(self, prediction: Answers, target: Answers) -> str:
        """Say in a few words how right a prediction of one frame is that has some truth."""


TASKS: Table[Task] = Table(
    "task",
    {
        "semseg": "benchmark.tasks.semseg:SEMSEG",
        "captioning": "benchmark.tasks.captioning:CAPTIONING",
        "depth": "benchmark.tasks.depth:DEPTH",
        "normals": "benchmark.tasks.normals:NORMALS",
        "detection": "benchmark.tasks.detection:DETECTION",
        "retrieval": "benchmark.tasks.retrieval:RETRIEVAL",
    },
    group="tst_bench.tasks",
)
