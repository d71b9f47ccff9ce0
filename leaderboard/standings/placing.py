"""Where a submission stands: from an entry's sums to estimates, one table at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.estimates import mean_estimates
from benchmark.report.evidence import SCORED_ROLES, scored_on
from benchmark.results import Result, Score
from benchmark.statistics import Estimate, mean_estimate
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
        own = [_in_space(TASKS[task], protocol, results) for _, results in sorted(settings.items())]
        placed += [_mean(own), *(one.placed for one in own)]
    return placed


@dataclass(frozen=True, eq=False)
class _Own:
    """A submission in the table of one test space, and measure → estimate of each space by its role, in turn."""

    placed: Placed
    by_role: Mapping[str, Sequence[Mapping[str, Estimate]]]


def _in_space(task: Task, protocol: str, results: Sequence[Result]) -> _Own:
    """Resample each space once; scores of a role follow from those."""
    first = results[0]
    by_role: dict[str, list[Mapping[str, Estimate]]] = {}
    scores = []
    for part in first.spaces:
        found = mean_estimates([(results, part.space)])
        by_role.setdefault(part.role, []).append(found)
        scores.append(SpaceScore(part.space, part.role, Score.of(found[task.measures[0].key])))
    placed = Placed(task, protocol, first.test_space, scored_on(first), _roles(by_role), tuple(scores))
    return _Own(placed, by_role)


def _mean(own: Sequence[_Own]) -> Placed:
    first = own[0].placed
    if len(own) == 1:
        return replace(first, space=MEAN, spaces=())
    together = {role: [found for one in own for found in one.by_role.get(role, ())] for role in SCORED_ROLES}
    digest = digest_json([[one.placed.space, one.placed.scored_on] for one in own])
    return Placed(first.task, first.protocol, MEAN, digest, _roles(together), ())


def _roles(parts: Mapping[str, Sequence[Mapping[str, Estimate]]]) -> dict[str, Mapping[str, Estimate]]:
    """Return ``test``, ``held_out`` and ``gap`` → measure → mean over spaces."""
    found: dict[str, Mapping[str, Estimate]] = {
        role: {key: mean_estimate([part[key] for part in parts[role]]) for key in parts[role][0]}
        for role in SCORED_ROLES
        if parts.get(role)
    }
    if "held_out" in found:
        found["gap"] = {key: estimate - found["held_out"][key] for key, estimate in found["test"].items()}
    return found
