"""From results to estimates: a model's seeds put together, spaces of a role put together, each with its resamples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.results import Result, Score, SpaceResult
from benchmark.statistics import Estimate, Sample, bootstrap
from benchmark.tasks import TASKS, Task
from sim_envs.errors import UserError


def estimates(results: Sequence[Result], task: Task | None = None) -> dict[str, dict[str, Estimate]]:
    """Return ``test``, ``held_out``, ``other`` and ``gap`` → measure → estimate over the seeds of one model.

    Roles that no space has are left out. A gap is the score in the test space less
    the score in held-out spaces, on the same resamples.

    Args:
        results: the same model, setting, task and protocol, one a seed.
        task: defaults to the one named in the results.

    Raises:
        UserError: the seeds were not scored on the same trajectories and categories.
    """
    ordered = sorted(results, key=lambda result: result.seed)
    task = task or TASKS[ordered[0].task]
    groups: dict[str, list[Sample]] = {}
    for part in ordered[0].spaces:
        groups.setdefault(part.role, []).append(_sample(part, ordered, task))
    return _by_role(groups)


def mean_estimates(parts: Sequence[tuple[Sequence[Result], str]]) -> dict[str, Estimate]:
    """Return measure → the mean over parts, each one model's score in one of the spaces it was scored in.

    A space may come again, with results of other settings: its trajectories are resampled alike wherever it does.

    Args:
        parts: (results, one a seed; id of a space). The same task and seeds in all.

    Raises:
        UserError: the seeds of a part were not scored on the same trajectories and categories.
    """
    samples = []
    for results, space in parts:
        ordered = sorted(results, key=lambda result: result.seed)
        part = next(part for part in ordered[0].spaces if part.space == space)
        samples.append(_sample(part, ordered, TASKS[ordered[0].task]))
    return bootstrap(samples)


def scores(spaces: Sequence[SpaceResult], task: Task, seed: int) -> dict[str, dict[str, Score]]:
    """Return the scores of one seed as :class:`Result` keeps them: measure → role or ``gap`` → score."""
    groups: dict[str, list[Sample]] = {}
    for part in spaces:
        sums = part.statistics.unpack().sums[None]
        groups.setdefault(part.role, []).append(_as_sample(part, (seed,), sums, task))
    found = _by_role(groups)
    return {m.key: {role: Score.of(parts[m.key]) for role, parts in found.items()} for m in task.measures}


def _by_role(groups: dict[str, list[Sample]]) -> dict[str, dict[str, Estimate]]:
    found = {role: bootstrap(samples) for role, samples in groups.items()}
    if "held_out" in found:
        found["gap"] = {key: found["test"][key] - found["held_out"][key] for key in found["test"]}
    return found


def _sample(part: SpaceResult, results: Sequence[Result], task: Task) -> Sample:
    parts = []
    for result in results:
        same = next((p for p in result.spaces if (p.space, p.role) == (part.space, part.role)), None)
        if same is None or same.recording != part.recording or same.scored != part.scored:
            raise UserError(
                f"{result.model}, {result.task}, {result.protocol}: seed {result.seed} was not scored in "
                f"{part.space} as seed {results[0].seed} was (other recording or categories). Run it again."
            )
        parts.append(same.statistics.unpack())
    if any(not np.array_equal(p.trajectory, parts[0].trajectory) for p in parts):
        raise UserError(
            f"{results[0].model}: seeds were scored on different trajectories of {part.space}. Run it again."
        )
    seeds = tuple(result.seed for result in results)
    return _as_sample(part, seeds, np.stack([p.sums for p in parts]), task)


def _as_sample(part: SpaceResult, seeds: tuple[int, ...], sums: np.ndarray, task: Task) -> Sample:
    return Sample(part.space, seeds, task.reduced(sums, part.scope), task.reduced_metrics)
