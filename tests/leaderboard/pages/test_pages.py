"""The first page and tables, as a reader gets them: what is there, what never is, and what is said to odd questions."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import datetime, timezone

import pandas as pd
import pytest
from sqlalchemy import select, update

from leaderboard.board import open_board
from leaderboard.pages.assets import assets
from leaderboard.pages.home import home_page
from leaderboard.pages.table import table_page
from leaderboard.pages.urls import LiveUrls, StaticUrls
from leaderboard.store.database import Store, open_store
from leaderboard.store.duplicates import first_twins
from leaderboard.store.leaders import leads
from leaderboard.store.standings import table
from leaderboard.store.tables import BoardSuite, Standing, Submitted
from tests.bench.crowded_board import SUITE, VERSION, crowd
from tests.leaderboard.pages_kit import TABLE, Page, crowd_query, reader

SCRIPT = "</script><img src=x onerror=alert(1)>'\"&"


@pytest.fixture
def crowded(store: Store) -> Store:
    """A board of this test alone, once on each database."""
    crowd(store, 30)
    return store


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A board that nothing is changed in."""
    opened = open_store(open_board(tmp_path_factory.mktemp("pages")))
    crowd(opened, 130)
    return opened


def test_an_empty_board_says_so(store: Store) -> None:
    answer = reader(store).get("/")
    assert answer.status_code == 200
    assert "No suite is open" in answer.text


def test_the_first_page_names_suites_tables_leaders_and_the_newest(board: Store) -> None:
    page = Page(reader(board).get("/").text)
    text = " ".join(" ".join(page.text).split())
    assert f"{SUITE} v{VERSION}" in text
    assert "hidden labels" in text
    assert {TABLE, f"/t/{SUITE}/v{VERSION}/depth/frozen"} <= set(page.links())
    with board.reading() as session:
        lead = leads(session, "test")[(SUITE, VERSION, "semseg", "frozen")]
        newest = session.scalars(
            select(Submitted.id)
            .where(Submitted.status == "scored", Submitted.hidden.is_(None))
            .order_by(Submitted.received.desc())
            .limit(3)
        ).all()
    assert {f"/s/{leader.id}" for leader in lead.first} | {f"/s/{id}" for id in newest} <= set(page.links())


def test_leaders_are_all_rows_whose_ranks_begin_with_the_first(crowded: Store) -> None:
    with crowded.reading() as session:
        for role in ("test", "held_out"):
            lead = leads(session, role, most=2)[(SUITE, VERSION, "semseg", "frozen")]  # type: ignore[arg-type]
            rows = table(session, crowd_query(sort=role, size=500)).rows
            first = [row.id for row in rows if (ranked := getattr(row, role)) and ranked.ranks[0] == 1]
            assert [leader.id for leader in lead.first] == first[:2]
            assert lead.shared_by == len(first)


def test_a_hidden_leader_is_named_nowhere_from_that_moment_on(crowded: Store) -> None:
    with crowded.transaction() as session:
        leader = leads(session, "test")[(SUITE, VERSION, "semseg", "frozen")].first[0]
        session.execute(update(Submitted).where(Submitted.id == leader.id).values(hidden="it lied"))
    web = reader(crowded)
    assert leader.id not in web.get("/").text
    assert leader.id not in web.get(TABLE).text


def test_a_table_has_a_hundred_rows_a_page_in_the_order_of_the_store(board: Store) -> None:
    with board.reading() as session:
        want = [[row.id for row in table(session, crowd_query(page=number)).rows] for number in (1, 2)]
    web = reader(board)
    got = [Page(web.get(TABLE, params={"page": number}).text).ids() for number in (1, 2)]
    assert got == want
    assert (len(got[0]), len(got[1])) == (100, 28)


def test_what_is_asked_for_is_what_is_shown(crowded: Store) -> None:
    asked = {"sort": "gap", "order": "ascending", "track": ["scratch", "adapted"], "q": "room"}
    page = Page(reader(crowded).get(TABLE, params=asked).text)
    query = crowd_query(sort="gap", descending=False, tracks=("scratch", "adapted"), search="room")
    with crowded.reading() as session:
        want = [row.id for row in table(session, query).rows]
    assert page.ids() == want != []
    assert set(page.dots()) == set(want)
    headings = [a for tag, a in page.elements if tag == "th" and "aria-sort" in a]
    assert [(a["data-column"], a["aria-sort"]) for a in headings] == [("gap", "ascending")]
    ticked = [a["value"] for tag, a in page.elements if tag == "input" and "checked" in a]
    assert sorted(str(value) for value in ticked) == ["adapted", "scratch"]


def test_a_heading_sorts_best_first_and_then_the_other_way_round(board: Store) -> None:
    page = Page(reader(board).get(TABLE).text)
    assert f"{TABLE}?sort=parameters" in page.links()
    assert f"{TABLE}?sort=test&order=ascending" in page.links()


def test_scores_are_printed_with_intervals_ranks_and_bars(board: Store) -> None:
    with board.reading() as session:
        first = table(session, crowd_query()).rows[0]
    row = " ".join(Page(reader(board).get(TABLE).text).rows[0].split())
    assert first.test is not None
    assert first.test.score.low is not None
    assert first.test.ranks_text in row
    assert f"{100 * (first.test.score.value or 0):.1f} [{100 * first.test.score.low:.1f}, " in row


def test_rows_that_differ_from_their_claim_or_repeat_others_are_marked(crowded: Store) -> None:
    with crowded.transaction() as session:
        rows = table(session, crowd_query()).rows
        early, late = sorted(rows[:2], key=lambda row: row.submitted)
        session.execute(update(Submitted).where(Submitted.id.in_([early.id, late.id])).values(content="a" * 64))
        session.execute(update(Submitted).where(Submitted.id == early.id).values(as_claimed=False))
    page = Page(reader(crowded).get(TABLE).text)
    said = dict(zip(page.ids(), page.rows, strict=True))
    assert "differs from its claim" in said[early.id]
    assert "same predictions as" in said[late.id]
    assert "same predictions as" not in said[early.id]


def test_the_first_with_some_predictions_is_the_earliest_that_is_shown(crowded: Store) -> None:
    with crowded.transaction() as session:
        rows = sorted(table(session, crowd_query()).rows[:3], key=lambda row: row.submitted)
        session.execute(update(Submitted).where(Submitted.id.in_([r.id for r in rows])).values(content="a" * 64))
        twins = first_twins(session, [row.id for row in rows])
        assert {id: twin.id for id, twin in twins.items()} == {rows[1].id: rows[0].id, rows[2].id: rows[0].id}
        session.execute(update(Submitted).where(Submitted.id == rows[0].id).values(hidden="it lied"))
        twins = first_twins(session, [row.id for row in rows])
        assert {id: twin.id for id, twin in twins.items()} == {rows[2].id: rows[1].id}


def test_open_labels_and_closed_suites_are_called_so(crowded: Store) -> None:
    closed = datetime(2026, 6, 1, tzinfo=timezone.utc)
    with crowded.transaction() as session:
        session.execute(update(BoardSuite).values(custody="open", closed=closed))
    for path in ("/", TABLE):
        text = reader(crowded).get(path).text
        assert "open labels" in text
        assert "Anybody can have the labels" in text
        assert "closed on 2026-06-01" in text


@pytest.mark.parametrize("field", ["name", "model"])
def test_what_submitters_write_is_text_wherever_it_stands(crowded: Store, field: str) -> None:
    with crowded.transaction() as session:
        session.execute(update(Submitted).values({"name": "", field: SCRIPT}))
    for path in ("/", TABLE, f"{TABLE}?q={SCRIPT}"):
        text = reader(crowded).get(path).text
        assert "<img" not in text
        assert [tag for tag, attributes in Page(text).elements if "onerror" in attributes] == []


@pytest.mark.parametrize("parameter", ["space", "track", "q", "team", "sort", "order", "page"])
def test_odd_questions_are_answered_and_never_repeated_as_markup(board: Store, parameter: str) -> None:
    web = reader(board)
    for value in (SCRIPT, "'; DROP TABLE standings; --", "%", "\x00", "٣", "-1", "1" * 300, ""):
        answer = web.get(TABLE, params={parameter: value})
        assert answer.status_code in (200, 400, 404)
        assert "<img" not in answer.text
        assert "Traceback" not in answer.text


def test_odd_questions_do_nothing_to_either_database(crowded: Store) -> None:
    web, odd = reader(crowded), "'; DROP TABLE standings; -- \x00 \\ % _ ﬃ"
    for parameter in ("space", "track", "q", "team"):
        assert web.get(TABLE, params={parameter: odd}).status_code in (200, 404)
    with crowded.reading() as session:
        assert session.scalar(select(Standing.submission_id).limit(1))


@pytest.mark.parametrize(
    "path", ["/t/none/v1/semseg/frozen", f"/t/{SUITE}/v9/semseg/frozen", f"{TABLE}?space=no/where"]
)
def test_a_table_that_is_not_there_is_a_page_that_says_so(board: Store, path: str) -> None:
    answer = reader(board).get(path)
    assert answer.status_code == 404
    assert "There is no table" in answer.text


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_downloads_have_every_row_that_is_shown_on_all_pages(board: Store, kind: str) -> None:
    answer = reader(board).get(f"{TABLE}/scores.{kind}", params={"track": "scratch"})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{SUITE}-v{VERSION}-semseg-frozen.{kind}"'
    with board.reading() as session:
        want = {row.id for row in table(session, crowd_query(tracks=("scratch",), size=500)).rows}
    read = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}[kind]
    assert set(read(io.BytesIO(answer.content))["id"]) == want


def test_other_endings_are_not_there(board: Store) -> None:
    assert reader(board).get(f"{TABLE}/scores.xlsx").status_code == 404


def test_the_public_frames_are_there_for_all_also_in_parts(crowded: Store) -> None:
    with crowded.transaction() as session:
        session.execute(update(BoardSuite).values(public_pack=crowded.files.put(b"frames of all test spaces")))
    web, path = reader(crowded), f"/packs/{SUITE}/v{VERSION}/frames.zip"
    assert path in Page(web.get("/").text).links()
    assert web.get(path).content == b"frames of all test spaces"
    assert web.get(path, headers={"Range": "bytes=10-15"}).content == b"all te"
    for other in (
        f"/packs/{SUITE}/v9/frames.zip",
        f"/packs/{SUITE}/v{10**12}/frames.zip",
        "/packs/a%00b/v1/frames.zip",
    ):
        assert web.get(other).status_code == 404


def test_a_private_pack_has_no_address(crowded: Store) -> None:
    with crowded.transaction() as session:
        private = crowded.files.put(b"labels of all test spaces")
        session.execute(update(BoardSuite).values(private_pack=private, public_pack=None))
    web = reader(crowded)
    assert private not in web.get("/").text
    assert web.get(f"/packs/{SUITE}/v{VERSION}/frames.zip").status_code == 404


def test_assets_are_kept_by_browsers_and_another_digest_is_not_there(store: Store) -> None:
    web = reader(store)
    for asset in assets().values():
        answer = web.get(f"/static/{asset.name}")
        assert answer.content == asset.content
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == asset.media_type
    assert web.get("/static/board.0123456789.css").status_code == 404
    assert web.get("/static/..%2Frouter.py").status_code == 404


@pytest.mark.parametrize("path", ["/", TABLE, "/t/none/v1/semseg/frozen"])
def test_pages_hold_no_script_or_style_of_their_own_and_load_nothing_from_elsewhere(board: Store, path: str) -> None:
    text = reader(board).get(path).text
    page = Page(text)
    assert "<style" not in text
    assert re.search(r"<script(?! src=)", text) is None
    assert [a for _, a in page.elements if "style" in a or any(name.startswith("on") for name in a)] == []
    loaded = [
        a.get("src") or a.get("href") or "" for tag, a in page.elements if tag in ("script", "link", "img", "use")
    ]
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in loaded)


def test_the_static_table_has_all_rows_on_one_page_and_what_is_needed_to_sort_them(board: Store) -> None:
    text = table_page(board, crowd_query(), StaticUrls(StaticUrls().table(crowd_query())))
    page = Page(text)
    with board.reading() as session:
        rows = table(session, crowd_query(size=500)).rows
    assert page.ids() == [row.id for row in rows]
    values = [json.loads(a["data-values"] or "") for tag, a in page.elements if tag == "tr" and "data-values" in a]
    columns = [a["data-column"] for tag, a in page.elements if tag == "th" and "data-column" in a]
    assert [v[columns.index("gap")] for v in values] == [row.gap.value if row.gap else None for row in rows]
    assert all(len(v) == len(columns) for v in values)


def test_static_pages_link_to_files_only(board: Store) -> None:
    here = StaticUrls().table(crowd_query())
    for text in (table_page(board, crowd_query(), StaticUrls(here)), home_page(board, StaticUrls())):
        links = [link for link in Page(text).links() if not link.startswith("#")]
        assert not [link for link in links if link.startswith("/") or "?" in link or "://" in link]


def test_the_same_board_gives_the_same_page(board: Store) -> None:
    query = replace(crowd_query(), sort="rank")
    assert table_page(board, query, LiveUrls()) == table_page(board, query, LiveUrls())
