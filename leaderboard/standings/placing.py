"""Where a submission stands: from an entry's sums to estimates, one table at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.estimates import estimates, mean_estimates
from benchmark.report.evidence import SCORED_ROLES, scored_on
from benchmark.results import Result, Score
from benchmark.statistics import Estimate
from benchmark.tasks import TASKS, Task
from leaderboard.entries import Entry
from sim_envs.storage import digest_json

MEAN = ""
"""The space of a table that is about the mean over all test spaces of its suite."""


@dataclass(frozen=True)
class SpaceScore:
    """The score in one of the spaces behind a row, in the main measure."""

    space: str
    role: str
    score: Score


@dataclass(frozen=True, eq=False)
class Placed:
    """A submission in one table.

    Attributes:
        space: the test space, or :data:`MEAN`.
        scored_on: digest of everything that must agree before two rows may be compared trajectory by trajectory.
        estimates: ``test``, ``held_out`` and ``gap`` → measure → estimate, over all seeds; roles without spaces are
            left out.
        spaces: each space that was scored, in the order of a run; none for :data:`MEAN`.
    """

    task: Task
    protocol: str
    space: str
    scored_on: str
    estimates: Mapping[str, Mapping[str, Estimate]]
    spaces: tuple[SpaceScore, ...]


def place(entry: Entry) -> list[Placed]:
    """Return where an entry stands: in a table for each task, protocol and test space, and for their mean.

    The mean, whose space is "": its ``test`` is the mean over test spaces of what the models made for a space score in
    it. Its ``held_out`` is the mean over test spaces and held-out spaces of what the models made for the one score in
    the other; the same held-out trajectories come again with every test space, and are resampled alike wherever they
    do, so that they count once for how sure the mean is. ``gap`` is the difference of the two, resample by resample.
    Where a score is missing in one space, the mean has none. With one test space it is what that space has.

    Raises:
        UserError: seeds were not scored on the same trajectories and categories.
    """
    tables: dict[tuple[str, str], dict[str, list[Result]]] = {}
    for result in entry.results:
        spaces = tables.setdefault((result.task, result.protocol), {})
        spaces.setdefault(result.test_space, []).append(result)
    placed = []
    for (task, protocol), settings in sorted(tables.items()):
        own = [_in_space(TASKS[task], protocol, space, results) for space, results in sorted(settings.items())]
        placed += [_mean(own, dict(sorted(settings.items()))), *own]
    return placed


def _in_space(task: Task, protocol: str, space: str, results: Sequence[Result]) -> Placed:
    found = estimates(results, task)
    main = task.measures[0].key
    parts = tuple(
        SpaceScore(part.space, part.role, Score.of(mean_estimates([(results, part.space)])[main]))
        for part in results[0].spaces
    )
    kept = {role: found[role] for role in (*SCORED_ROLES, "gap") if role in found}
    return Placed(task, protocol, space, scored_on(results[0]), kept, parts)


def _mean(own: Sequence[Placed], settings: Mapping[str, Sequence[Result]]) -> Placed:
    first = own[0]
    if len(own) == 1:
        return Placed(first.task, first.protocol, MEAN, first.scored_on, first.estimates, ())
    found = {"test": mean_estimates([(results, space) for space, results in settings.items()])}
    held_out = [
        (results, part.space) for results in settings.values() for part in results[0].spaces if part.role == "held_out"
    ]
    if held_out:
        found["held_out"] = mean_estimates(held_out)
        found["gap"] = {key: estimate - found["held_out"][key] for key, estimate in found["test"].items()}
    digest = digest_json([[placed.space, placed.scored_on] for placed in own])
    return Placed(first.task, first.protocol, MEAN, digest, found, ())
