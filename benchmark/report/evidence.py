"""From result files to comparable rows: what may stand in one table, with estimates and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from benchmark.results import Result, SpaceResult, estimates
from benchmark.statistics import Estimate, holm, rests_on
from benchmark.tasks import TASKS, Measure, Task
from sim_envs.errors import UserError
from sim_envs.storage import digest_json

TRACK_ORDER = (
    "scratch",
    "sensors-only",
    "distilled",
    "external",
    "generalist",
    "adapted",
    "task-expert",
    "oracle",
)
ROLES = ("test", "held_out", "gap")
ROLE_TITLES = {"test": "test space", "held_out": "held-out spaces", "gap": "gap"}
REFERENCES = ("scratch", "tst")
SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False)
class Row:
    """One model in one table: its results, one a seed, and what they amount to."""

    model: str
    track: str
    results: tuple[Result, ...]
    estimates: dict[str, dict[str, Estimate]]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seeds, ascending."""
        return tuple(result.seed for result in self.results)

    @property
    def flags(self) -> tuple[str, ...]:
        """What sets the row apart; empty for a regular one."""
        flags = dict.fromkeys(flag for result in self.results for flag in result.flags)
        if self.track == "oracle":
            flags = {"learned from labels of the test space": None} | flags
        return tuple(flags)

    @property
    def ranked(self) -> bool:
        """Whether the row takes part in marks for the best: not with flags."""
        return not self.flags

    def estimate(self, role: str, measure: str) -> Estimate | None:
        """Return an estimate, or None where there are no held-out spaces."""
        return self.estimates.get(role, {}).get(measure)


@dataclass(frozen=True, eq=False)
class Difference:
    """One model less another, paired, in the main measure.

    Attributes:
        by_role: ``test``, ``held_out`` and ``gap`` → the difference.
        p_values: role → p after Holm's correction over all tested differences of the table.
    """

    better: str
    reference: str
    by_role: dict[str, Estimate]
    p_values: dict[str, float]


@dataclass(frozen=True, eq=False)
class Evidence:
    """All rows that were scored on the same frames: one table.

    Attributes:
        scored_on: digest of the recordings, categories and trajectories that all rows share.
    """

    suite: str
    test_space: str
    variant: str
    protocol: str
    task: Task
    scored_on: str
    rows: tuple[Row, ...]

    @property
    def key(self) -> str:
        """Name the table; no other table of a report has this name."""
        parts = (self.test_space, self.task.name, self.protocol, self.suite, self.variant, self.scored_on[:8])
        return " ".join(parts)

    @property
    def measure(self) -> Measure:
        """The main measure."""
        return self.task.measures[0]

    @property
    def spaces(self) -> tuple[SpaceResult, ...]:
        """The scored spaces; truth, roles and categories are the same in every row."""
        return self.rows[0].results[0].spaces

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that have scores."""
        return tuple(role for role in ROLES if role in self.rows[0].estimates)

    @cached_property
    def rests_on(self) -> str:
        """What every interval of the table rests on, in words."""
        groups: dict[str, list[tuple[str, int, int]]] = {}
        for part in self.spaces:
            frames = sum(trajectory.frames for trajectory in part.statistics.trajectories)
            group = groups.setdefault(ROLE_TITLES[part.role].capitalize(), [])
            group.append((part.space, len(part.statistics.trajectories), frames))
        return rests_on(groups, [len(row.seeds) for row in self.rows])

    def best(self, role: str, measure: Measure) -> tuple[str, ...]:
        """Return the models that lead a column: one, or all that cannot be told apart from the best value.

        Told apart means that the paired 95 % interval of the difference excludes 0. Flagged rows do not count.
        Empty where no interval exists.
        """
        found = {row.model: row.estimate(role, measure.key) for row in self.rows if row.ranked}
        known = {model: e for model, e in found.items() if e is not None and np.isfinite(e.interval).all()}
        if len(known) < 2:
            return ()
        sign = 1 if measure.higher_is_better else -1
        leader = max(known, key=lambda model: sign * known[model].value)
        tied = []
        for model, estimate in known.items():
            low, high = (known[leader] - estimate).interval
            if model == leader or not (low > 0 or high < 0):
                tied.append(model)
        return tuple(tied)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Every model against ``scratch``, and ``tst`` against every other, Holm-corrected as one family.

        Flagged rows take no part.
        """
        names = [row.model for row in self.rows if row.ranked]
        pairs = [(name, "scratch") for name in names if "scratch" in names and name != "scratch"]
        pairs += [("tst", name) for name in names if "tst" in names and name not in REFERENCES]
        rows = {row.model: row for row in self.rows}
        found, raw = [], []
        for better, reference in pairs:
            by_role = {
                role: rows[better].estimates[role][self.measure.key] - rows[reference].estimates[role][self.measure.key]
                for role in self.roles
            }
            found.append((better, reference, by_role))
            raw += [by_role[role].p_value for role in self.roles]
        corrected = iter(holm(raw) if raw else [])
        return tuple(
            Difference(better, reference, by_role, {role: next(corrected) for role in by_role})
            for better, reference, by_role in found
        )


def gather(results: Sequence[Result]) -> list[Evidence]:
    """Sort results into tables; rows share one only when they were scored on the same frames.

    Raises:
        UserError: there are no results, or two of the same model and seed in one table.
    """
    if not results:
        raise UserError("There are no results to report. Run a model first: tst-bench run.")
    tables: dict[tuple[str, ...], dict[str, list[Result]]] = {}
    for result in results:
        key = (
            result.suite,
            result.test_space,
            result.variant,
            result.task,
            result.protocol,
            _scored_on(result),
        )
        tables.setdefault(key, {}).setdefault(result.model, []).append(result)
    return [_evidence(key, models) for key, models in sorted(tables.items())]


def _evidence(key: tuple[str, ...], models: dict[str, list[Result]]) -> Evidence:
    suite, test_space, variant, task, protocol, scored_on = key
    rows = []
    for model, results in models.items():
        ordered = sorted(results, key=lambda result: result.seed)
        _refuse_doubles(ordered)
        rows.append(Row(model, ordered[0].track, tuple(ordered), estimates(ordered)))
    rows.sort(key=lambda row: (_track_rank(row.track), row.model))
    return Evidence(suite, test_space, variant, protocol, TASKS[task], scored_on, tuple(rows))


def _track_rank(track: str) -> int:
    return TRACK_ORDER.index(track) if track in TRACK_ORDER else len(TRACK_ORDER)


def _scored_on(result: Result) -> str:
    """Return a digest of everything that must agree before two rows may be compared frame by frame."""
    return digest_json(
        [
            [p.space, p.role, p.recording, p.scored, [(t.trajectory, t.frames) for t in p.statistics.trajectories]]
            for p in result.spaces
        ]
    )


def _refuse_doubles(results: Sequence[Result]) -> None:
    for one, two in pairwise(results):
        if one.seed == two.seed or one.track != two.track:
            what = f"seed {one.seed}" if one.seed == two.seed else f"tracks {one.track} and {two.track}"
            raise UserError(
                f"Two results of {one.model} ({one.task}, {one.protocol}, {one.test_space}) have {what}: "
                f"in {one.folder} and {two.folder}. Report on one of these folders, or move one away."
            )
