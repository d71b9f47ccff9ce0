"""Two submissions against each other: in words first, then as a forest plot, then in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from benchmark.report.comparison import Compared
from benchmark.report.evidence import ROLE_TITLES
from benchmark.report.grids import Cell, Grid
from benchmark.report.tables import interval_text, p_text, score_cell
from leaderboard.pages.forest import Line, forest_svg
from leaderboard.pages.render import page, problem
from leaderboard.pages.shown import shown, title_of
from leaderboard.pages.urls import Urls
from leaderboard.standings.comparison import TableComparison
from leaderboard.store.database import Store
from leaderboard.store.standings import comparison
from leaderboard.store.tables import Submitted


@dataclass(frozen=True)
class Section:
    """One task and protocol.

    Attributes:
        sentences: (where, what the intervals allow to say), the mean over all test spaces first.
        forest: of that mean; None where nothing has an interval.
    """

    task: str
    protocol: str
    sentences: tuple[tuple[str, str], ...]
    forest: Markup | None
    numbers: Grid


def comparison_page(store: Store, first: str, second: str, urls: Urls) -> tuple[int, str]:
    """Return the status and page that compare two submissions; the other way round it is the mirror image.

    What cannot be compared gets a page that says why.
    """
    settings = store.board.settings
    with store.reading() as session:
        one, two = shown(session, first), shown(session, second)
        if one is None or two is None:
            return 404, problem(urls, settings, "Not found", "One of the two is no submission that is shown here.")
        if reason := _incomparable(one, two):
            return 200, problem(urls, settings, "Nothing to compare", reason)
        tables = comparison(session, store.files, one.id, two.id)
    if not tables:
        message = f"{title_of(one)} and {title_of(two)} have no task and protocol in common."
        return 200, problem(urls, settings, "Nothing to compare", message)
    names = distinct_names(one, two)
    text = page(
        "comparison.html",
        urls,
        settings=settings,
        current="home",
        one=one,
        two=two,
        names=names,
        sections=sections(tables, names),
        comparisons=sum(len(table.parts) for table in tables),
    )
    return 200, text


def _incomparable(one: Submitted, two: Submitted) -> str:
    if one.id == two.id:
        return f"That is {title_of(one)} against itself. Choose another submission on its page."
    if (one.suite, one.suite_version) != (two.suite, two.suite_version):
        return (
            f"{title_of(one)} is in {one.suite} v{one.suite_version} and {title_of(two)} in {two.suite} "
            f"v{two.suite_version}: their frames are not the same, so nothing can be paired."
        )
    return ""


def distinct_names(one: Submitted, two: Submitted) -> tuple[str, str]:
    """Return what to call two submissions, with their teams or ids where their titles are the same."""
    names = title_of(one), title_of(two)
    if names[0] == names[1]:
        names = f"{names[0]} ({one.team.name})", f"{names[1]} ({two.team.name})"
    if names[0] == names[1]:
        names = f"{title_of(one)} ({one.id})", f"{title_of(two)} ({two.id})"
    return names


def sections(tables: Sequence[TableComparison], names: tuple[str, str]) -> list[Section]:
    """Group the tables of each task and protocol."""
    groups: dict[tuple[str, str], list[TableComparison]] = {}
    for table in tables:
        groups.setdefault((table.task.name, table.protocol), []).append(table)
    return [
        Section(
            task,
            protocol,
            tuple((table.space or "All test spaces", table.words) for table in _told(group)),
            _forest(group[0], names),
            _numbers(group, names),
        )
        for (task, protocol), group in groups.items()
    ]


def _told(group: Sequence[TableComparison]) -> Sequence[TableComparison]:
    """Leave out the only test space, which is the same as the mean over all of them."""
    return group[:1] if len(group) == 2 else group


def _forest(table: TableComparison, names: tuple[str, str]) -> Markup | None:
    measure = table.task.measures[0]
    lines = [_line(part) for part in table.parts if part.known and part.role != "gap"]  # a gap has no better side
    if not lines:
        return None
    better = names[::-1] if measure.higher_is_better else names
    axis = f"{names[0]} − {names[1]}, {measure.label}{measure.difference_in_brackets}"
    return forest_svg(lines, axis, better)


def _line(part: Compared) -> Line:
    scale, difference = part.measure.scale, part.difference
    low, high = difference.interval
    said = f"{ROLE_TITLES[part.role]}: {interval_text(difference, part.measure, signed=True)}"
    value = float(difference.value)
    return Line(ROLE_TITLES[part.role], scale * value, scale * low, scale * high, part.told_apart, said)


def _numbers(group: Sequence[TableComparison], names: tuple[str, str]) -> Grid:
    measure = group[0].task.measures[0]
    roles = [part.role for part in group[0].parts]
    rows = []
    for table in _told(group):
        by_role = {part.role: part for part in table.parts}
        cells = [Cell(table.space or "all test spaces", table.space)]
        for role in roles:
            part = by_role.get(role)
            known = part is not None and np.isfinite(part.difference.value)
            cells.append(score_cell(part.difference, measure, True, "") if part and known else Cell("–"))
            cells.append(Cell(p_text(part.p_value), part.p_value) if part and part.known else Cell("–"))
        rows.append(tuple(cells))
    headings = [column for role in roles for column in (ROLE_TITLES[role], "p (Holm)")]
    return Grid(
        title=f"{names[0]} − {names[1]}, {measure.label}{measure.difference_in_brackets}",
        columns=("where", *headings),
        rows=tuple(rows),
        groups=("",) * len(rows),
    )
