"""The task table: what a model is asked for in a space, how its answer is stored, and how it is scored.

A task is scored from *sums*: numbers that add up over frames and trajectories (confusion matrices, error
sums). The metric of any set of trajectories follows from them. They are what results keep, what the bootstrap
resamples and what a server can check. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from sim_envs.registry import Table

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording


@dataclass(frozen=True)
class HeadSpec:
    """What the head of a task must give: (N, channels, H, W) float32.

    Attributes:
        output: ``classes``: channel c scores evaluation id c + 1; ``value``: channel 0 is ln(value in the
            task's unit); ``direction``: channels are x, y and z of a vector in the camera's frame, of any length.
        channels: number of output channels.
        loss: ``cross_entropy`` (targets are ids, 0 ignored), ``log_l1`` (|output − ln target|, target 0 ignored)
            or ``cosine`` (1 − cosine of the angle; targets are encoded as normals are, 0, 0, 0 ignored).
    """

    output: str
    channels: int
    loss: str


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
        if not np.isfinite(value):
            return "–"
        shown = f"{value * self.scale:{'+' if signed else ''}.{self.digits}f}"
        if float(shown) == 0:  # "-0.0" would suggest a sign that was not measured
            return f"{0:.{self.digits}f}"
        return shown.replace("-", "−")


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
        left_out: category name → why it does not count.
    """

    scored: tuple[int, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Task(Protocol):
    """One row of the table.

    Attributes:
        name: as in the table.
        version: raised when sums or measures change their meaning; results of another version are refused.
        measures: what is reported; the first is the main metric.
        label_modality: what the targets are read from; a space without it cannot serve.
        categories: names of the evaluation ids 1…K; empty for tasks without categories.
        prediction_dtype: of the (N, H, W, *value_shape) array a prediction is stored as.
        value_shape: of one pixel's prediction and truth: () for a single number.
        sum_shape: shape of one trajectory's sums.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def measures(self) -> tuple[Measure, ...]: ...
    @property
    def label_modality(self) -> str: ...
    @property
    def categories(self) -> tuple[str, ...]: ...
    @property
    def prediction_dtype(self) -> np.dtype: ...
    @property
    def value_shape(self) -> tuple[int, ...]: ...
    @property
    def sum_shape(self) -> tuple[int, ...]: ...

    def head(self) -> HeadSpec:
        """Say what the task's head must produce."""

    def targets(self, recording: Recording, rows: np.ndarray) -> np.ndarray:
        """Return the truth of frames ``rows``, (N, H, W, *value_shape); all 0 where there is none."""

    def encode_prediction(self, output: np.ndarray) -> np.ndarray:
        """Turn head output, (N, channels, H, W), into what is stored, (N, H, W, *value_shape) ``prediction_dtype``."""

    def check_prediction(self, prediction: np.ndarray) -> str:
        """Return what is wrong with the values of a stored prediction, or "" when they can be scored."""

    def statistics(self, prediction: np.ndarray, target: np.ndarray, trajectory: np.ndarray) -> Statistics:
        """Reduce predictions and truth, (N, H, W, *value_shape), to sums, by the (N,) trajectory id of each frame."""

    def seen(self, targets: Iterable[np.ndarray]) -> tuple[int, ...]:
        """Return the evaluation ids that occur in (transfer training) targets; () without categories."""

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

    def category_pixels(self, total: np.ndarray) -> np.ndarray:
        """Return the true pixels of each category from a space's summed statistics, (K,)."""

    def display(self, values: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Return an (H, W, 3) uint8 picture of one frame's truth or prediction.

        Args:
            colours: (K + 1, 3) uint8, of the evaluation ids; of no use without categories.
        """

    def in_words(self, prediction: np.ndarray, target: np.ndarray) -> str:
        """Say in a few words how right one frame is, (H, W, *value_shape), which has some truth."""


def has_truth(target: np.ndarray, task: Task) -> np.ndarray:
    """Return where targets say something, (..., H, W) bool from (..., H, W, *value_shape)."""
    return (target != 0).any(axis=tuple(range(-len(task.value_shape), 0)))


TASKS: Table[Task] = Table(
    "task",
    {
        "semseg": "benchmark.tasks.semseg:SEMSEG",
        "depth": "benchmark.tasks.depth:DEPTH",
        "normals": "benchmark.tasks.normals:NORMALS",
    },
    group="tst_bench.tasks",
)
