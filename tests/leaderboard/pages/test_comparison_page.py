"""Two submissions against each other: what may be said, the numbers, and a picture of them."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from benchmark.report.comparison import compare_models
from benchmark.report.tables import interval_text
from leaderboard.entries import Entry
from leaderboard.pages.forest import Line, forest_svg, ticks
from leaderboard.store.database import Store
from tests.leaderboard.pages.conftest import client_of
from tests.leaderboard.pages.details_kit import add_board_suite, entry_of, put


def cells(page: str, after: str) -> list[str]:
    """Return the first row of numbers of a task."""
    part = page[page.index(f'<h2 id="{after}">') :]
    row = re.search(r'<tr><th scope="row">all test spaces</th>(.*?)</tr>', part)
    assert row is not None
    return re.findall(r"<td[^>]*>(.*?)</td>", row[1])


def test_differences_are_those_of_the_report(client: TestClient, entries: list[Entry]) -> None:
    page = client.get("/s/entry0002/vs/entry0001").text
    for comparison in compare_models([*entries[2].results, *entries[1].results], "tst", "tst-mae"):
        task = comparison.evidence.task
        main = [part for part in comparison.parts if part.measure == task.measures[0]]
        expected = [interval_text(part.difference, part.measure, signed=True) for part in main]
        assert cells(page, f"{task.name}-finetune")[::2] == expected


def test_a_sentence_comes_first_and_says_no_more_than_the_interval(client: TestClient) -> None:
    page = html.unescape(client.get("/s/entry0002/vs/entry0001").text)
    assert re.search(r"mIoU: Our specialist is better than tst-mae in the test space .*? cannot be told apart", page)
    part = page[page.index('<h2 id="semseg-finetune">') :]
    assert part.index("mIoU: Our specialist is better") < part.index("<svg") < part.index("p (Holm)")


def test_the_other_order_is_the_mirror_image(client: TestClient) -> None:
    one = client.get("/s/entry0002/vs/entry0001").text
    two = client.get("/s/entry0001/vs/entry0002").text
    number = re.compile(r"[+−]?\d+\.\d+")
    for task in ("semseg-finetune", "depth-finetune"):
        for there, back in zip(cells(one, task)[::2], cells(two, task)[::2], strict=True):
            value, low, high = number.findall(there)
            assert number.findall(back) == [mirrored(value), mirrored(high), mirrored(low)]
        assert cells(one, task)[1::2] == cells(two, task)[1::2]  # p-values
    assert "tst-mae is worse than Our specialist in the test space" in html.unescape(two)


def mirrored(number: str) -> str:
    return number.translate(str.maketrans("+−", "−+"))


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/s/entry0002/vs/entry0002", 200, "against itself"),
        ("/s/entry0002/vs/nothing", 404, "no submission that is shown here"),
        ("/s/nothing/vs/entry0002", 404, "no submission that is shown here"),
        ("/s/entry0002/vs/%27%20OR%201%3D1", 404, "no submission that is shown here"),
    ],
)
def test_what_cannot_be_compared_is_said(client: TestClient, path: str, status: int, said: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert said in answer.text


def test_another_suite_has_other_frames(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[0])
    older = entries[1].suite.model_copy(update={"version": 2})
    put(store, entries[1].model_copy(update={"suite": older}))
    answer = client_of(store).get("/s/entry0000/vs/entry0001")
    assert answer.status_code == 200
    assert "scratch is in mini v3 and tst-mae in mini v2" in answer.text


def test_nothing_in_common_is_said(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    for number, task in enumerate(("semseg", "depth")):
        put(store, entry_of(tuple(r for r in entries[number].results if r.task == task), number))
    answer = client_of(store).get("/s/entry0000/vs/entry0001")
    assert answer.status_code == 200
    assert "no task and protocol in common" in answer.text


def test_equal_names_are_told_apart(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[0])
    put(store, entry_of(entries[0].results, 5, team="Others"))
    put(store, entry_of(entries[0].results, 6, team="Others"))
    client = client_of(store)
    assert "scratch (Lab of Rooms)" in client.get("/s/entry0000/vs/entry0005").text
    assert "scratch (entry0005)" in client.get("/s/entry0005/vs/entry0006").text


def test_the_forest_says_everything_in_words_and_is_well_formed() -> None:
    lines = [
        Line("test space", 3.0, 1.0, 5.0, True, "test space: +3.0 [+1.0, +5.0]"),
        Line("held-out spaces", -0.5, -2.0, 1.0, False, "held-out spaces: −0.5 [−2.0, +1.0]"),
    ]
    svg = ET.fromstring(str(forest_svg(lines, 'A & "B", mIoU', ("<i>first</i>", "second"))))
    assert svg.get("aria-label") == 'A & "B", mIoU: test space: +3.0 [+1.0, +5.0]; held-out spaces: −0.5 [−2.0, +1.0]'
    assert [group.get("class") for group in svg.iter("g")] == ["apart", "together"]
    assert "← <i>first</i> ahead" in [text.text for text in svg.iter("text")]
    assert "style" not in {name for element in svg.iter() for name in element.attrib}
    left, right = (float(svg.findall("g/circle")[i].get("cx", "")) for i in (1, 0))
    zero = float(svg.find("line[@class='zero']").get("x1", ""))  # type: ignore[union-attr]
    assert left < zero < right


@given(st.floats(1e-6, 1e6))
def test_ticks_are_even_symmetric_and_within_reach(furthest: float) -> None:
    marks = ticks(furthest)
    assert 3 <= len(marks) <= 11
    assert marks == [-mark for mark in reversed(marks)]
    steps = [after - before for before, after in pairwise(marks)]
    assert max(steps) == pytest.approx(min(steps))
    assert marks[-1] <= furthest * (1 + 1e-6) or len(marks) == 3


def test_no_difference_at_all_is_drawn_too() -> None:
    svg = forest_svg([Line("test space", 0.0, 0.0, 0.0, False, "none")], "A − B", ("B", "A"))
    assert "nan" not in svg
