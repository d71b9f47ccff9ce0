"""From result files to comparable rows: what may stand in one table, with estimates and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

from benchmark.estimates import estimates
from benchmark.results import Result, SpaceResult
from benchmark.statistics import Estimate, detectable, holm, rank_intervals, rests_on
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
SCORED_ROLES = ("test", "held_out")
ROLE_TITLES = {"test": "test space", "held_out": "held-out spaces", "other": "other test spaces", "gap": "gap"}
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


@dataclass(frozen=True)
class Power:
    """The differences that a table can show in one column: smallest ones found with a power of 80 %, over all pairs.

    Attributes:
        median, least, most: of the pairs of ranked rows, in a single comparison at level 0.05.
        corrected: the median when p is corrected for all comparisons of the table, in the hardest step.
        comparisons: number of these.
    """

    role: str
    median: float
    least: float
    most: float
    corrected: float
    comparisons: int


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
        return self.roles_rest_on(SCORED_ROLES)

    @property
    def training_seeds(self) -> tuple[int, ...]:
        """The number of training seeds of each row; empty without transfer, where no seed decides anything."""
        return () if self.protocol == "zero-shot" else tuple(len(row.seeds) for row in self.rows)

    def roles_rest_on(self, roles: Sequence[str]) -> str:
        """Say in words what the scores in the spaces of some roles rest on."""
        groups: dict[str, list[tuple[str, int, int]]] = {}
        for part in (part for part in self.spaces if part.role in roles):
            frames = sum(trajectory.frames for trajectory in part.statistics.trajectories)
            group = groups.setdefault(ROLE_TITLES[part.role].capitalize(), [])
            group.append((part.space, len(part.statistics.trajectories), frames))
        return rests_on(groups, self.training_seeds)

    def best(self, role: str, measure: Measure) -> tuple[str, ...]:
        """Return the models that lead a column: one, or all that cannot be told apart from the best value.

        Told apart means that the paired 95 % interval of the difference excludes 0. Flagged rows do not count.
        Empty where no interval exists.
        """
        return _leaders([row for row in self.rows if row.ranked], role, measure)

    def best_in_track(self, role: str, measure: Measure) -> tuple[str, ...]:
        """Return the models that lead a column within their track, see :meth:`best`; none of a track of one row."""
        tracks: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.ranked:
                tracks.setdefault(row.track, []).append(row)
        return tuple(model for rows in tracks.values() for model in _leaders(rows, role, measure))

    def ranks(self, role: str, measure: Measure) -> dict[str, tuple[int, int]]:
        """Return model → (best, worst) rank that the data leave open among ranked rows that have a score."""
        found = {row.model: row.estimate(role, measure.key) for row in self.rows if row.ranked}
        known = {model: estimate for model, estimate in found.items() if estimate and np.isfinite(estimate.value)}
        return dict(zip(known, rank_intervals(list(known.values()), measure.higher_is_better), strict=True))

    @cached_property
    def power(self) -> tuple[Power, ...]:
        """What differences in the main measure this table can show, a row a role; empty below two ranked rows."""
        ranked = [row.estimates for row in self.rows if row.ranked]
        comparisons = max(1, len(self.differences) * len(self.roles))
        found = []
        for role in self.roles:
            pairs = [one[role][self.measure.key] - two[role][self.measure.key] for one, two in combinations(ranked, 2)]
            single = [detectable(pair) for pair in pairs if pair.known]
            corrected = [detectable(pair, comparisons) for pair in pairs if pair.known]
            if single:
                median, least, most = float(np.median(single)), min(single), max(single)
                found.append(Power(role, median, least, most, float(np.median(corrected)), comparisons))
        return tuple(found)

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


def _leaders(rows: Sequence[Row], role: str, measure: Measure) -> tuple[str, ...]:
    found = {row.model: row.estimate(role, measure.key) for row in rows}
    known = {model: estimate for model, estimate in found.items() if estimate is not None and estimate.known}
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
            scored_on(result),
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


def scored_on(result: Result) -> str:
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
