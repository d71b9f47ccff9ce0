"""What a submission must be to be ranked in a suite. Only its manifest is looked at; see also ``prediction_files``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product

from baselines.ledger import Ledger, Track
from benchmark.results import Role
from benchmark.suites import Suite
from benchmark.tasks import TASKS, Task
from leaderboard.manifest import Row, Submission
from leaderboard.refusal import Refusal
from leaderboard.suites import identity
from sim_envs.errors import UserError

NO_RULE: Mapping[str, Collection[str]] = {}


def check_rules(
    submission: Submission, suites: Mapping[str, Suite], code: Mapping[str, Collection[str]] = NO_RULE
) -> None:
    """Refuse what cannot be ranked.

    Args:
        suites: name → suite that is taken.
        code: name of a suite → digests of the code (:func:`benchmark.environment.source_digest`) that its runs may
            have been made with; any will do where there are none.

    Raises:
        Refusal: the first rule that is broken, by name.
    """
    for row in submission.rows:
        _check_flags(row)
    suite = _suite_of(submission, suites)
    for row in submission.rows:
        _check_code(row, code.get(suite.name, ()))
        _check_ledger(row, submission, suite)
        _check_task(row)
        _check_spaces(row, suite)
    _check_grid(submission, suite)


def spaces_of(test_space: str, task: Task, suite: Suite, held: Mapping[str, tuple[str, ...]]) -> dict[str, Role]:
    """Return space → role of everything that is scored in a row, in the order of a run.

    Args:
        held: space → modalities of its recording; other test spaces that lack one the task needs are left out.
    """
    others = [space for space in suite.test_spaces if space != test_space]
    able = [space for space in others if set(task.needs) <= set(held[space])]
    return {test_space: "test", **dict.fromkeys(suite.held_out, "held_out"), **dict.fromkeys(able, "other")}


def _suite_of(submission: Submission, suites: Mapping[str, Suite]) -> Suite:
    named = submission.suite
    suite = suites.get(named.name)
    if suite is None:
        taken = ", ".join(f"{s.name} v{s.version}" for s in suites.values())
        said = f"what is taken: {taken}" if taken else "no suite is"
        raise Refusal("suite", f"the suite {named.name} v{named.version} is not taken here; {said}.")
    if named.version != suite.version:
        raise Refusal("suite", f"{named.name} v{named.version} is not taken here, v{suite.version} is.")
    if named.digest != identity(suite).digest:
        raise Refusal("suite", f"in that run {named.name} v{named.version} had other spaces, sizes or budgets.")
    return suite


def _check_flags(row: Row) -> None:
    for flag in row.flags:
        reason = "limited" if flag.startswith("limited to ") else "unranked"
        raise Refusal(reason, f"{row.said} is flagged: {flag}.")


def _check_code(row: Row, accepted: Collection[str]) -> None:
    found = row.environment.code
    if accepted and found.source not in accepted:
        version = f"tst-bench {found.package or 'of no version'}{', changed' if found.dirty else ''}"
        raise Refusal(
            "code",
            f"{row.said} was run with {version}, whose code has the digest {found.source[:64]}; accepted: "
            f"{', '.join(sorted(accepted))}.",
        )


def _check_ledger(row: Row, submission: Submission, suite: Suite) -> None:
    """Recompute the track, and hold every space in the ledger against its role in the suite."""
    track = row.ledger.track
    if track is Track.ORACLE:
        raise Refusal("oracle", f"{row.said} learned from labels of the test space.")
    if track.value != submission.track:
        raise Refusal("track", f"its track is {submission.track}, and the ledger of {row.said} says {track.value}.")
    for source, role in _sources(row.ledger):
        if source in suite.held_out:
            raise Refusal("ledger", f"{row.said} learned from {source}, which is a held-out space.")
        if source in suite.test_spaces and (role != "test" or source != row.test_space):
            raise Refusal("ledger", f"{row.said} learned from the test space {source} as if it were {role}.")
        if role == "test" and source != row.test_space:
            raise Refusal("ledger", f"{row.said} learned from {source} as its test space.")
        if role == "transfer" and source not in suite.transfer:
            raise Refusal("ledger", f"{row.said} learned from {source} as a transfer space, which it is not.")


def _sources(ledger: Ledger) -> list[tuple[str, str]]:
    """Return (space or data set, role) of all that reached the weights, by way of teachers too."""
    every = (*ledger.entries, *(entry for teacher in ledger.teachers for entry in teacher.data or ()))
    return [(entry.source, entry.role) for entry in every]


def _check_task(row: Row) -> None:
    try:
        task = TASKS[row.task]
    except UserError as error:
        raise Refusal("task", str(error)) from None
    if row.task_version != task.version:
        raise Refusal(
            "task", f"{row.said} was scored by version {row.task_version} of {row.task}; {task.version} is used here."
        )


def _check_spaces(row: Row, suite: Suite) -> None:
    """Hold a row's spaces, sizes and frames against the suite; a board also knows how many frames are valid."""
    if row.test_space not in suite.test_spaces:
        raise Refusal("rows", f"{row.test_space} is no test space of {suite.name}.")
    roles = {"test": {row.test_space}, "held_out": set(suite.held_out), "other": set(suite.test_spaces)}
    listed = [file.space for file in row.spaces]
    if len(set(listed)) != len(listed):
        raise Refusal("rows", f"{row.said} has a space twice.")
    for file in row.spaces:
        if file.space not in roles[file.role] or (file.role == "other" and file.space == row.test_space):
            raise Refusal("rows", f"{row.said}: {file.space} is no {file.role} space of {suite.name}.")
        count, each = suite.recordings["held_out" if file.role == "held_out" else "test"]["test"]
        if file.frames > count * each:
            raise Refusal("rows", f"{row.said}: {file.frames} frames of {file.space}, recorded are {count * each}.")
        if (file.height, file.width) != (suite.rig.height, suite.rig.width):
            raise Refusal(
                "rows",
                f"{row.said}: predictions for {file.space} are {file.width} × {file.height} pixels, frames of "
                f"{suite.name} are {suite.rig.width} × {suite.rig.height}.",
            )
    missing = [space for space in (row.test_space, *suite.held_out) if space not in listed]
    if missing:
        raise Refusal("rows", f"{row.said} has no predictions for {', '.join(missing)}.")


def _check_grid(submission: Submission, suite: Suite) -> None:
    """Demand every test space and seed for each task and protocol that is there at all."""
    rows = [(row.task, row.protocol, row.test_space, row.seed) for row in submission.rows]
    if rows != sorted(set(rows)):
        raise Refusal("rows", "its rows are not sorted by task, protocol, test space and seed, or one is there twice.")
    there = set(rows)
    seeds = sorted({row.seed for row in submission.rows})
    if list(submission.seeds) != seeds or seeds != list(range(len(seeds))) or len(seeds) < suite.seeds:
        raise Refusal("rows", f"its seeds are {seeds}, {suite.name} asks for 0 to {suite.seeds - 1}.")
    for task, protocol in sorted({row[:2] for row in rows}):
        if task not in suite.tasks:
            raise Refusal("rows", f"{task} is no task of {suite.name} ({', '.join(suite.tasks)} are).")
        if protocol not in suite.protocols:
            raise Refusal("rows", f"{protocol} is no protocol of {suite.name} ({', '.join(suite.protocols)} are).")
        for space, seed in product(suite.test_spaces, seeds):
            if (task, protocol, space, seed) not in there:
                raise Refusal("rows", f"{task} {protocol} in {space}, seed {seed} is missing.")
