"""A submission's page shows where it stands and what is behind its scores, and nothing of what is not to be seen."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from benchmark.report.evidence import gather
from benchmark.report.tables import interval_text
from leaderboard.entries import Entry
from leaderboard.manifest import read_manifest
from leaderboard.pages.claims import claims_grid, found_scores
from leaderboard.pages.lineage import lineage_grid
from leaderboard.pages.submission import submission_page
from leaderboard.pages.urls import LiveUrls, StaticUrls
from leaderboard.store.database import Store
from leaderboard.store.tables import Submitted
from tests.leaderboard.board_kit import contents
from tests.leaderboard.pages.conftest import client_of
from tests.leaderboard.pages.details_kit import add_board_suite, entry_of, put, sample_pictures


def texts(page: str) -> str:
    """Return what a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_scores_and_intervals_are_those_of_the_report(client: TestClient, entries: list[Entry]) -> None:
    said = texts(client.get("/s/entry0002").text)
    for table in gather(entries[2].results):
        row = table.rows[0]
        for measure in table.task.measures:
            for role in ("test", "held_out"):
                estimate = row.estimate(role, measure.key)
                assert estimate is not None
                assert interval_text(estimate, measure) in said


def test_ranks_are_among_the_rows_of_the_table(client: TestClient) -> None:
    page = client.get("/s/entry0002").text
    row = re.search(r"<tr><th scope=\"row\"><a[^>]*>Semantic segmentation.*?</tr>", page, re.S)
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[0])
    assert cells[2] == "1–2"
    assert cells[-1] == "4"


def test_the_page_names_team_date_suite_track_labels_and_links(client: TestClient) -> None:
    page = client.get("/s/entry0002").text
    said = texts(page)
    for expected in (
        "Kitchen Vision Group",
        "2026-11-01",
        "mini v3",
        "sensors-only",
        "open labels",
        "scores as claimed",
    ):
        assert expected in said
    assert '<a href="https://example.org/paper?a=1&amp;b=2" rel="noopener nofollow ugc">' in page
    assert '<a href="https://example.org/code" rel="noopener nofollow ugc">' in page


def test_all_that_reached_the_weights_is_listed_with_the_teacher_it_came_by(entries: list[Entry]) -> None:
    grid = lineage_grid(entries[3].results)
    assert grid is not None
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["builtin/flat-01", "test space", "–", "rgb, depth, normals", "none", "3,000"],
        ["coco", "collected elsewhere", "teacher seg-masks", "rgb", "labels of a task", "118,287"],
    ]
    assert lineage_grid(entries[0].results) is None


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ({"teachers": [{"name": "clip"}]}, ["unknown", "what the teacher was trained on", "teacher clip"]),
        ({"teachers": [{"name": "noise", "data": []}]}, ["nothing", "a network of random weights", "teacher noise"]),
        ({"weights": {"dinov2-s": "ab" * 32}}, ["dinov2-s", "weights to start from, SHA-256 abababababab", "–"]),
    ],
)
def test_what_is_not_known_of_teachers_and_first_weights_is_said(
    entries: list[Entry], ledger: dict[str, object], expected: list[str]
) -> None:
    grid = lineage_grid([entries[0].results[0].model_copy(update={"ledger": ledger})])
    assert grid is not None
    assert [cell.text for cell in grid.rows[0][:3]] == expected


def test_every_space_and_category_is_shown_by_itself(client: TestClient) -> None:
    page = client.get("/s/entry0002").text
    for space in ("builtin/flat-01", "builtin/flat-21", "builtin/flat-22"):
        assert f'<th scope="row">{space}</th>' in page
    assert '<th scope="row">ceiling</th>' in page
    assert "pixels (%)" in page


def test_hidden_labels_keep_how_much_there_is_of_each_category(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store, "hidden")
    put(store, entries[2].model_copy(update={"custody": "hidden"}))
    _, page = submission_page(store, "entry0002", LiveUrls())
    assert '<th scope="row">ceiling</th>' in page
    assert "pixels (%)" not in page
    assert "hidden labels" in page


def test_samples_stand_in_pairs_with_words_for_who_cannot_see_them(client: TestClient) -> None:
    page = client.get("/s/entry0002").text
    images = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page)
    assert len(images) == 12
    assert {alt for _, alt in images[::2]} == {
        f"Frame {f} of builtin/flat-{s}" for f, s in ((3, "01"), (11, 21), (19, 22))
    }
    assert {alt for _, alt in images[1::2]} == {"What Our specialist predicts there"}
    for source, _ in images:
        answer = client.get(source)
        assert answer.headers["content-type"] == "image/png"
        assert answer.content.startswith(b"\x89PNG")


def test_pictures_of_what_is_hidden_or_of_nobody_are_not_served(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[2], pictures=True, hidden="it copied the labels")
    client = client_of(store)
    listed = sample_pictures(store, entries[2])
    truth = store.files.put(b"\x89PNG\r\n\x1a\nnothing that a submission lists")
    for sha256 in (listed[0]["rgb"], truth, "0" * 64, "..", "%25", "ab"):
        assert client.get(f"/pictures/{sha256}.png").status_code == 404


def test_only_a_png_is_served_as_one(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    sha256 = store.files.put(b"<script>alert(1)</script>")
    put(store, entries[0], pictures=[])
    with store.transaction() as session:
        session.get_one(Submitted, "entry0000").pictures = [{"rgb": sha256, "prediction": sha256}]
    assert client_of(store).get(f"/pictures/{sha256}.png").status_code == 404


def test_others_are_offered_nearest_in_score_first(client: TestClient) -> None:
    page = client.get("/s/entry0003").text
    assert re.findall(r'<option value="([^"]+)">', page) == ["entry0002", "entry0001", "entry0000"]


def test_choosing_another_leads_to_the_comparison_without_javascript(client: TestClient) -> None:
    answer = client.get("/s/entry0003/vs", params={"other": "entry0001"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/s/entry0003/vs/entry0001")
    answer = client.get("/s/entry0003/vs", params={"other": "https://evil.example/"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/s/entry0003")


def test_a_static_page_offers_only_comparisons_that_were_written(shown_board: Store) -> None:
    urls = StaticUrls(here="s/entry0003.html")
    _, page = submission_page(shown_board, "entry0003", urls, compared=["entry0001"])
    assert re.findall(r'href="([^"]*vs[^"]*)"', page) == ["entry0003/vs/entry0001.html"]
    assert "<form" not in page
    assert 'href="entry0003.json"' in page


def test_the_same_predictions_are_traced_to_who_had_them_first(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[2])
    again = entry_of(entries[2].results, 9, team="Echo", content=entries[2].content)
    put(store, again)
    client = client_of(store)
    assert "Same predictions as Our specialist" in texts(client.get("/s/entry0009").text)
    assert "Same predictions" not in client.get("/s/entry0002").text


def test_what_is_not_scored_or_unknown_is_not_found(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    for number, status in enumerate(("queued", "validating", "scoring", "rejected", "failed")):
        put(store, entry_of(entries[0].results, number), status=status)
    client = client_of(store)
    for id in (
        "entry0000",
        "entry0001",
        "entry0002",
        "entry0003",
        "entry0004",
        "nothing",
        "'%20OR%201=1",
        "%00",
        "a" * 999,
    ):
        for path in ("", "/scores.json", "/vs/entry0000"):
            answer = client.get(f"/s/{id}{path}")
            assert answer.status_code == 404, (id, path)
            assert "scratch" not in answer.text


def test_a_hidden_submission_says_why_and_nothing_else(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[2], hidden="its ledger left out <b>a</b> data set")
    answer = client_of(store).get("/s/entry0002")
    assert answer.status_code == 410
    assert "its ledger left out &lt;b&gt;a&lt;/b&gt; data set" in answer.text
    assert "Our specialist" not in answer.text


def test_a_wrong_claim_is_shown_beside_what_was_found(submitted, entries: list[Entry]) -> None:  # type: ignore[no-untyped-def]
    rows = read_manifest(contents(submitted)["submission.json"]).rows
    found = {(row.task, row.protocol, row.test_space, row.seed): row.scores for row in rows}
    assert claims_grid(rows, found) is None
    key, scores = next(iter(found.items()))
    measure, roles = next(iter(scores.items()))
    role, score = next(iter(roles.items()))
    found[key] = {**scores, measure: {**roles, role: score.model_copy(update={"value": 0.123})}}
    grid = claims_grid(rows, found)
    assert grid is not None
    assert len(grid.rows) == 1
    assert grid.rows[0][0].text == next(row.said for row in rows if row.task == key[0] and row.test_space == key[2])
    assert grid.rows[0][3].text != grid.rows[0][4].text
    assert found_scores(entries[0].results).keys() == {
        (r.task, r.protocol, r.test_space, r.seed) for r in entries[0].results
    }


def test_a_wrong_claim_is_said_also_where_the_file_is_not_at_hand(client: TestClient) -> None:
    said = texts(client.get("/s/entry0001").text)
    assert "scores differ from the claim" in said
    assert "Those of the board are shown" in said
    assert "the claim" not in texts(client.get("/s/entry0000").text)


def test_scores_for_programs_have_no_sums(client: TestClient, entries: list[Entry]) -> None:
    told = client.get("/s/entry0002/scores.json").json()
    assert told["name"] == "Our specialist"
    assert told["url"] == "http://board.example/s/entry0002"
    (table,) = (t for t in told["standings"] if t["task"] == "semseg" and t["space"] == "")
    evidence = next(t for t in gather(entries[2].results) if t.task.name == "semseg")
    estimate = evidence.rows[0].estimate("test", "miou")
    assert estimate is not None
    assert table["measures"]["miou"]["test"] == pytest.approx([estimate.value, *estimate.interval])
    assert (table["test"]["best"], table["test"]["worst"]) == (1, 2)
    assert "trajector" not in str(told)


def test_several_test_spaces_have_a_row_and_a_fold_each(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    first = entries[2].results
    moved = {"builtin/flat-01": "builtin/flat-02"}
    second = tuple(
        result.model_copy(
            update={
                "test_space": "builtin/flat-02",
                "spaces": tuple(p.model_copy(update={"space": moved.get(p.space, p.space)}) for p in result.spaces),
            }
        )
        for result in first
    )
    put(store, entry_of((*first, *second), 2))
    _, page = submission_page(store, "entry0002", LiveUrls())
    assert "means over all test spaces" in page
    for space in ("builtin/flat-01", "builtin/flat-02"):
        assert f"<summary>{space}</summary>" in page


def test_without_its_entry_a_page_shows_what_the_database_has(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, entries[2])
    with store.transaction() as session:
        session.get_one(Submitted, "entry0002").entry = None
    status, page = submission_page(store, "entry0002", LiveUrls())
    assert status == 200
    assert "mIoU" in page
    assert "began at random" not in page


def test_the_newest_words_are_escaped_in_the_title_too(store: Store, entries: list[Entry]) -> None:
    add_board_suite(store)
    put(store, replace_name(entries[2], "</title><script>alert(1)</script>"))
    _, page = submission_page(store, "entry0002", LiveUrls())
    assert "<script>alert" not in page
    assert page.count("</title>") == 1


def replace_name(entry: Entry, name: str) -> Entry:
    return entry.model_copy(update={"about": entry.about.model_copy(update={"name": name})})
