"""``score``: semantic segmentation from disk beside torchmetrics, and intervals of a table beside a plain loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.bench.contest import OURS, Contest, Disagreement, Goal, Job, Settings, Side, package, present
from benchmark.metrics.boundary import boundary_width
from benchmark.predictions import SpacePrediction, save_predictions, score_prediction
from benchmark.scoring import Truth
from benchmark.statistics import Sample, bootstrap
from benchmark.statistics.bootstrap import resample_weights
from benchmark.tasks.semseg import SEMSEG

if TYPE_CHECKING:
    from torch import Tensor

SCORING_GOAL, BOOTSTRAP_GOAL = Goal("ratio", 5), Goal("ratio", 100)
DISTINCT, FRAMES_EACH = 200, 8
AT_ONCE = 32  # frames that torchmetrics is given together
SPACE, RECORDING = "builtin/flat-01", "ab" * 32
CATEGORIES = SEMSEG.categories
MEASURE = "miou"


@dataclass(frozen=True)
class StoredFrames:
    """Predictions and truth of N frames on disk.

    Attributes:
        folder: with the compressed predictions, as a run writes them.
        truth: (N, H, W) memory map of the rendered categories.
    """

    folder: Path
    truth: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """(N,) numbers of the frames."""
        return np.arange(len(self.truth))


def store_frames(folder: Path, count: int, pixels: int) -> StoredFrames:
    """Write ``count`` frames: patches with edges, some unlabelled, and predictions right on most of them."""
    rng = np.random.default_rng(0)
    distinct = min(count, DISTINCT)
    small, large = pixels // 16, pixels // 8
    cells = rng.integers(0, len(CATEGORIES) + 1, (distinct, 8, 8)).repeat(large, 1).repeat(large, 2)
    shift = rng.integers(-3, 4, (distinct, 2))
    moved = np.stack([np.roll(c, s, axis=(0, 1)) for c, s in zip(cells, shift, strict=True)])
    other = rng.integers(1, len(CATEGORIES) + 1, (distinct, 16, 16)).repeat(small, 1).repeat(small, 2)
    wrong = (rng.uniform(size=(distinct, 16, 16)) < 0.3).repeat(small, 1).repeat(small, 2)
    said = np.where(wrong | (moved == 0), other, moved).astype(np.uint8)
    path = folder / "truth.npy"
    truth = np.lib.format.open_memmap(path, "w+", np.uint16, (count, pixels, pixels))
    repeated = np.arange(count) % distinct
    truth[:] = cells[repeated]
    truth.flush()
    part = SpacePrediction(SPACE, RECORDING, np.arange(count), said[repeated], (pixels, pixels))
    save_predictions(folder, [part], task=SEMSEG, model="tst", protocol="frozen", seed=0)
    return StoredFrames(folder, np.load(path, mmap_mode="r"))


def our_confusion(frames: StoredFrames) -> np.ndarray:
    """Return (2, 2, K, K) pixels: on the true and the predicted boundary or off, truth, prediction; as a run scores.

    Reads the compressed predictions, checks them, picks the truth out of a memory map, and counts for each trajectory;
    the sum over these is returned.
    """
    recording: Any = SimpleNamespace(
        array=lambda name: frames.truth, meta=SimpleNamespace(categories=CATEGORIES)
    )  # what of a recording the truth of this task asks for
    statistics = score_prediction(
        frames.folder,
        SPACE,
        task=SEMSEG,
        target=Truth(SEMSEG, recording, frames.rows),
        frames=frames.rows,
        trajectory=frames.rows // FRAMES_EACH,
        recording=RECORDING,
        shape=frames.truth.shape[1:],
    )
    return statistics.total


def torchmetrics_confusion(frames: StoredFrames) -> np.ndarray:
    """Return (K, K) of all frames together with ``MulticlassConfusionMatrix``, from the same files."""
    metric = _confusion_matrix()
    for said, truth in _batches(frames):
        metric.update(said, truth)
    return _counted(metric)


def torchmetrics_with_boundaries(frames: StoredFrames) -> np.ndarray:
    """Return (2, 2, K, K) with four of these, one a kind of pixel; boundaries by max pooling.

    Where the window around a pixel leaves the frame or holds a second category the pixel is on a boundary, and an
    unlabelled one counts for none (:mod:`benchmark.metrics.boundary`).
    """
    metrics = [[_confusion_matrix() for _ in range(2)] for _ in range(2)]
    width = boundary_width(*frames.truth.shape[1:])
    for said, truth in _batches(frames):
        on = [_on_boundary(ids, truth == 0, width) for ids in (truth, said)]
        for (a, b), where in (((a, b), (on[0] == a) & (on[1] == b)) for a in (0, 1) for b in (0, 1)):
            metrics[a][b].update(said[where], truth[where])
    return np.stack([np.stack([_counted(metric) for metric in row]) for row in metrics])


def _on_boundary(ids: Tensor, ignored: Tensor, width: int) -> Tensor:
    """Return (N, H, W) bool."""
    import torch
    from torch.nn.functional import max_pool2d, pad

    values = ids.float()
    outside = len(CATEGORIES) + 1.0  # a category of its own beyond the frame
    extremes = []
    for sign in (1, -1):
        known = torch.where(ignored, -outside, sign * values)
        around = pad(known, (width,) * 4, value=outside if sign == 1 else -outside)
        extremes.append(sign * max_pool2d(around[:, None], 2 * width + 1, 1)[:, 0])
    return (extremes[0] > extremes[1]) & ~ignored


def _batches(frames: StoredFrames) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield int64 predictions and truth of some frames at a time."""
    import torch

    lookup = SEMSEG.taxonomy.lookup(CATEGORIES)
    with np.load(next(frames.folder.glob("*.npz"))) as arrays:
        values = arrays["values"]
    for start in range(0, len(frames.truth), AT_ONCE):
        said, truth = values[start : start + AT_ONCE], frames.truth[start : start + AT_ONCE]
        yield torch.from_numpy(said).long(), torch.from_numpy(lookup[truth]).long()


def _confusion_matrix() -> Any:
    from torchmetrics.classification import MulticlassConfusionMatrix

    return MulticlassConfusionMatrix(len(CATEGORIES) + 1, ignore_index=0, validate_args=False)


def _counted(metric: Any) -> np.ndarray:
    return np.asarray(metric.compute().numpy()[1:, 1:])


def simulated_samples(models: int, trajectories: int) -> list[np.ndarray]:
    """Return the sums that a run stores of each model in a space: one seed, (1, T, 2, 2, K, K) int64."""
    rng = np.random.default_rng(1)
    count = len(CATEGORIES)
    samples = []
    for _ in range(models):
        sums = rng.poisson(3.0, (1, trajectories, 2, 2, count, count))
        sums[..., np.arange(count), np.arange(count)] += rng.integers(0, 4000, (1, trajectories, 2, 2, count))
        samples.append(sums.astype(np.int64))
    return samples


def our_draws(samples: list[np.ndarray], resamples: int) -> np.ndarray:
    """Return (models, resamples) mIoU; every other measure, its spread and its influences are computed as well."""
    draws = []
    for sums in samples:
        scope = SEMSEG.scope(sums.sum(axis=(0, 1)), tuple(range(1, len(CATEGORIES) + 1)))
        sample = Sample(SPACE, (0,), SEMSEG.reduced(sums, scope), SEMSEG.reduced_metrics)
        draws.append(bootstrap([sample], resamples)[MEASURE].fixed)
    return np.stack(draws)


def looped_draws(samples: list[np.ndarray], resamples: int, first: int) -> np.ndarray:
    """Return mIoU of the ``first`` resamples of each model, one resample after the other, (models, first).

    Adds up the matrices of the trajectories that a resample holds, as often as it holds them, and computes the measures
    of the sum. The same trajectories are drawn as by us.
    """
    trajectories = samples[0].shape[1]
    drawn = resample_weights(SPACE, trajectories, resamples)[:first]
    draws = np.empty((len(samples), first))
    for model, sums in enumerate(samples):
        scope = SEMSEG.scope(sums.sum(axis=(0, 1)), tuple(range(1, len(CATEGORIES) + 1)))
        for number, weights in enumerate(drawn):
            total = np.zeros(sums.shape[2:])
            for trajectory, weight in enumerate(weights):
                if weight:
                    total += weight * sums[0, trajectory]
            draws[model, number] = SEMSEG.metrics(total, scope)[MEASURE]
    return draws


def same_counts(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Return that pixels were counted alike, or raise :class:`Disagreement`.

    Args:
        ours: (2, 2, K, K).
        theirs: the same, or (K, K) where boundaries are not told apart.
    """
    told_apart = theirs.ndim == ours.ndim
    mine = ours if told_apart else ours.sum(axis=(0, 1))
    if not np.array_equal(mine, theirs):
        raise Disagreement(f"{np.abs(mine - theirs).sum():,} pixels are counted otherwise")
    return "the same counts" if told_apart else "the same counts, boundaries not told apart"


def same_draws(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Return that resamples have equal scores, as far as both have them, or raise :class:`Disagreement`."""
    models, first = theirs.shape
    difference = float(np.abs(ours[:models, :first] - theirs).max())
    if not difference < 1e-9:
        raise Disagreement(f"a resample's mIoU differs by {difference:g}")
    return f"the same mIoU of {models * first} resamples"


def _torchmetrics(frames: StoredFrames, count: Callable[[StoredFrames], np.ndarray], more: str, does: str) -> Side:
    name = package("torchmetrics")
    import torch

    torch.set_num_threads(1)
    return Side(f"{name}{more}", f"reads the same files and {does}", lambda: count(frames))


def _contests(settings: Settings, stack: ExitStack) -> Iterator[Contest]:
    del stack
    sizes = settings.sizes
    frames = store_frames(settings.work, sizes.scored, sizes.pixels)
    alone = "counts one matrix, without checks, boundaries and trajectories: less than we do"
    both = "counts on and off boundaries, without checks and trajectories"
    peers, missing = present(
        {
            "torchmetrics": partial(_torchmetrics, frames, torchmetrics_confusion, "", alone),
            "torchmetrics, with boundaries": partial(
                _torchmetrics, frames, torchmetrics_with_boundaries, ", with boundaries", both
            ),
        }
    )
    does = "reads compressed predictions, checks them, counts on and off boundaries for each trajectory"
    ours = Side(OURS, does, lambda: our_confusion(frames))
    name = f"semseg of frames of {sizes.pixels}²"
    yield Contest(name, sizes.scored, "frames", ours, peers, missing, SCORING_GOAL, same_counts)

    samples = simulated_samples(sizes.models, sizes.trajectories)
    models, first = min(sizes.looped_models, sizes.models), min(sizes.looped_resamples, sizes.resamples)
    loop = Side(
        "plain Python loop",
        f"adds up the matrices of each resample one by one; timed on {first} of {sizes.resamples} resamples of "
        f"{models} of {sizes.models} models, and multiplied",
        lambda: looped_draws(samples[:models], sizes.resamples, first),
        times=sizes.models * sizes.resamples / (models * first),
    )
    does = f"{sizes.resamples} resamples of {sizes.trajectories} trajectories, all measures, and the jackknife"
    ours = Side(OURS, does, lambda: our_draws(samples, sizes.resamples))
    yield Contest("bootstrap of a table", sizes.models, "models", ours, (loop,), goal=BOOTSTRAP_GOAL, agree=same_draws)


JOB = Job(
    "scoring semantic segmentation from disk, and the intervals of a table",
    "torchmetrics; a plain Python loop over resamples",
    f"{SCORING_GOAL}; {BOOTSTRAP_GOAL}",
    _contests,
)
