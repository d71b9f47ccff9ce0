"""A submission's page: where it stands, what is behind its scores, and what it says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmark.report.grids import Cell, Grid, narrowed
from benchmark.report.provenance import environments_grid, pretraining_grid
from benchmark.results import Score
from benchmark.tasks import TASKS, Measure, Task
from leaderboard.describing import PageLinks, submission_view
from leaderboard.entries import Entry, read_entry
from leaderboard.pages.claims import RowKey, Scores, claimed_rows, claims_grid, found_scores
from leaderboard.pages.lineage import lineage_grid
from leaderboard.pages.render import page, problem
from leaderboard.pages.shown import shown, standings, title_of
from leaderboard.pages.urls import Urls
from leaderboard.pages.words import interval_text
from leaderboard.standings import MEAN, Ranked, TableQuery
from leaderboard.standings.details import Details, details
from leaderboard.store.database import Store
from leaderboard.store.duplicates import first_twins
from leaderboard.store.files import Files
from leaderboard.store.listing import in_table, visible
from leaderboard.store.suites import board_suite
from leaderboard.store.tables import Ranking, Standing, Submitted, Team

NEAREST = 100
"""Other submissions that are offered for a comparison."""


@dataclass(frozen=True)
class ScoreLine:
    """One table that the submission is in: texts of scores with intervals, and of ranks."""

    where: str
    table: str
    test: str
    test_rank: str
    held_out: str
    held_out_rank: str
    gap: str


@dataclass(frozen=True)
class Section:
    """One task and protocol.

    Attributes:
        ranked: rows of the table over all test spaces.
        other: the remaining measures, over all test spaces.
        pictures: sample predictions: {space, role, frame, test_space, rgb, prediction}.
    """

    task: str
    protocol: str
    measure: Measure
    ranked: int
    lines: tuple[ScoreLine, ...]
    other: Grid | None
    details: tuple[Details, ...]
    pictures: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Other:
    """Another submission to compare with."""

    id: str
    name: str
    team: str
    received: datetime


@dataclass(frozen=True)
class Behind:
    """What an entry says of a submission beyond where it stands.

    Attributes:
        lineage: what reached the weights; None when nothing did.
        grids: of code and machines, and of how fast pre-training was.
    """

    details: tuple[Details, ...]
    lineage: Grid | None
    grids: tuple[Grid, ...]
    scores: Mapping[RowKey, Scores]


NOTHING = Behind((), None, (), {})
"""Behind a submission whose entry is not kept: its page shows what the database has."""


@lru_cache(maxsize=128)
def behind(files: Files, entry_sha256: str) -> Behind:
    """Read an entry; it never changes, so those asked for last are remembered."""
    entry = read_entry(files.read(entry_sha256), f"entry {entry_sha256[:12]}")
    pretraining = pretraining_grid(entry.results)
    grids = (environments_grid(entry.results), *([pretraining] if pretraining.rows else []))
    return Behind(
        tuple(_for_everybody(part, entry) for part in details(entry)),
        lineage_grid(entry.results),
        grids,
        found_scores(entry.results),
    )


def _for_everybody(part: Details, entry: Entry) -> Details:
    """Leave out how much there is of each category where the labels are hidden."""
    grid = part.categories
    if grid is None or not grid.rows:
        return replace(part, categories=None)
    if entry.custody == "open":
        return part
    by_name = replace(grid, rows=tuple(sorted(grid.rows, key=lambda row: row[0].text)))
    return replace(part, categories=narrowed(by_name, (grid.columns[0], *grid.columns[2:])))


def submission_page(
    store: Store, submission: str, urls: Urls, compared: Collection[str] | None = None
) -> tuple[int, str]:
    """Return the status and page of a submission; one that was hidden says why, and nothing else.

    Args:
        compared: ids of the submissions whose comparison with this one has a page; None when all of them do.
    """
    settings = store.board.settings
    with store.reading() as session:
        submitted = shown(session, submission)
        if submitted is None:
            return _not_shown(store, session.get(Submitted, submission), urls)
        of_it = standings(session, submission)
        ranked = _ranked_rows(session, submitted)
        nearest = _nearest(session, submitted, of_it[0]) if of_it else []
        twin = first_twins(session, [submitted.id]).get(submitted.id)
        suite = board_suite(session, submitted.suite or "", submitted.suite_version or 0)
    more = behind(store.files, submitted.entry) if submitted.entry else NOTHING
    claimed = claimed_rows(store.files, submitted.sha256) if submitted.as_claimed is False else ()
    text = page(
        "submission.html",
        urls,
        settings=settings,
        current="home",
        submitted=submitted,
        title=title_of(submitted),
        suite=suite,
        sections=_sections(submitted, of_it, ranked, more.details, urls),
        lineage=more.lineage,
        provenance=more.grids,
        claims=claims_grid(claimed, more.scores),
        twin=twin,
        others=[other for other in nearest if compared is None or other.id in compared],
    )
    return 200, text


def scores_json(store: Store, submission: str, urls: Urls) -> str | None:
    """Return what the API says of a submission, scores with intervals and ranks; None for what is not shown."""
    with store.reading() as session:
        submitted = shown(session, submission)
        if submitted is None:
            return None
        view = submission_view(submitted, PageLinks(""), standings(session, submission))
    there = view.model_copy(update={"url": urls.absolute(urls.submission(submission))})
    return there.model_dump_json(exclude={"log", "hidden", "reason", "message"}, indent=1) + "\n"


def _not_shown(store: Store, submitted: Submitted | None, urls: Urls) -> tuple[int, str]:
    settings = store.board.settings
    if submitted is not None and submitted.entry is not None and submitted.hidden is not None:
        return 410, problem(
            urls, settings, "Not shown any more", f"This submission was taken off the board: {submitted.hidden}"
        )
    message = (
        "No submission of that id is shown here. While it waits, or when it was rejected, only its team sees it, with "
        "a token."
    )
    return 404, problem(urls, settings, "Not found", message)


def _ranked_rows(session: Session, submitted: Submitted) -> dict[tuple[str, str], int]:
    """Return (task, protocol) → rows of the table over all test spaces, as of its last ranking."""
    of_suite = (Ranking.suite == submitted.suite, Ranking.suite_version == submitted.suite_version)
    counted = select(Ranking.task, Ranking.protocol, Ranking.rows).where(*of_suite, Ranking.space == MEAN)
    return {(task, protocol): rows for task, protocol, rows in session.execute(counted)}


def _nearest(session: Session, submitted: Submitted, own: Standing) -> list[Other]:
    """Return other submissions of the suite, those first whose score in one table is nearest; none without a score."""
    if own.test is None:
        return []
    columns = select(Standing.test, Submitted.id, Submitted.name, Submitted.model, Team.name, Submitted.received)
    table = TableQuery(own.suite, own.suite_version, own.task, own.protocol)
    joined = columns.join(Submitted, Submitted.id == Standing.submission_id).join(Team, Team.id == Submitted.team_id)
    others = joined.where(*in_table(table), *visible(), Submitted.id != submitted.id).limit(NEAREST)
    above = session.execute(others.where(Standing.test >= own.test).order_by(Standing.test, Submitted.id))
    below = session.execute(others.where(Standing.test < own.test).order_by(Standing.test.desc(), Submitted.id))
    both = sorted((*above, *below), key=lambda row: abs(row[0] - (own.test or 0.0)))
    return [Other(id, name or model or id, team, received) for _, id, name, model, team, received in both[:NEAREST]]


def _sections(
    submitted: Submitted,
    of_it: Sequence[Standing],
    ranked: dict[tuple[str, str], int],
    parts: Sequence[Details],
    urls: Urls,
) -> list[Section]:
    groups: dict[tuple[str, str], list[Standing]] = {}
    for standing in of_it:
        groups.setdefault((standing.task, standing.protocol), []).append(standing)
    found = []
    for (task, protocol), group in groups.items():
        told = group[:1] if len(group) == 2 else group  # the only test space is the same as the mean over all
        found.append(
            Section(
                task,
                protocol,
                TASKS[task].measures[0],
                ranked.get((task, protocol), 0),
                tuple(_line(standing, urls) for standing in told),
                _other_measures(TASKS[task], group[0]),
                tuple(_with_intervals(part, group) for part in parts if (part.task, part.protocol) == (task, protocol)),
                tuple(p for p in submitted.pictures or () if (p["task"], p["protocol"]) == (task, protocol)),
            )
        )
    return found


def _line(standing: Standing, urls: Urls) -> ScoreLine:
    measure = TASKS[standing.task].measures[0]
    query = TableQuery(standing.suite, standing.suite_version, standing.task, standing.protocol, standing.space)
    test, held_out = _ranked(standing, "test"), _ranked(standing, "held_out")
    return ScoreLine(
        where=standing.space or "all test spaces",
        table=urls.table(query),
        test=score_text(measure, test.score),
        test_rank=test.ranks_text,
        held_out=score_text(measure, held_out.score),
        held_out_rank=held_out.ranks_text,
        gap=score_text(measure, _score((standing.gap, standing.gap_low, standing.gap_high)), signed=True),
    )


def _with_intervals(part: Details, group: Sequence[Standing]) -> Details:
    """Put intervals beside the main measure of each space."""
    standing = next((standing for standing in group if standing.space == part.space), None)
    if standing is None:
        return part
    measure = TASKS[part.task].measures[0]
    scores = {space: score_text(measure, _score(triple)) for space, _, *triple in standing.spaces}
    rows = tuple(
        (*row[:3], replace(row[3], text=scores.get(row[0].text, row[3].text)), *row[4:]) for row in part.spaces.rows
    )
    return replace(part, spaces=replace(part.spaces, rows=rows))


def _other_measures(task: Task, standing: Standing) -> Grid | None:
    rows = []
    for measure in task.measures[1:]:
        by_role = standing.measures.get(measure.key, {})
        arrow = "↑" if measure.higher_is_better else "↓"
        scores = [_score(by_role.get(role) or (None, None, None)) for role in ("test", "held_out", "gap")]
        texts = [score_text(measure, score, signed) for score, signed in zip(scores, (False, False, True), strict=True)]
        rows.append((Cell(f"{measure.label}{measure.in_brackets} {arrow}"), *(Cell(text) for text in texts)))
    if not rows:
        return None
    return Grid(
        title="Other measures",
        columns=("measure", "test space", "held-out spaces", "gap"),
        rows=tuple(rows),
        groups=("",) * len(rows),
        note="; ".join(f"{m.label}: {m.meaning}" for m in task.measures[1:] if m.meaning) + ".",
    )


def score_text(measure: Measure, score: Score, signed: bool = False) -> str:
    """Return ``29.0 [27.5, 30.2]``; the value alone where there is no interval, ``–`` where there is no value."""
    if score.value is None:
        return "–"
    return f"{measure.text(score.value, signed)} {interval_text(score, measure, signed=signed)}".rstrip()


def _score(triple: Sequence[float | None]) -> Score:
    value, low, high = triple
    return Score(value=value, low=low, high=high)


def _ranked(standing: Standing, role: str) -> Ranked:
    score = _score([getattr(standing, f"{role}{part}") for part in ("", "_low", "_high")])
    best, worst = getattr(standing, f"{role}_best"), getattr(standing, f"{role}_worst")
    return Ranked(score, None if best is None or worst is None else (best, worst))
