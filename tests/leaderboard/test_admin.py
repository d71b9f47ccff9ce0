"""Those who run a board hide, show, rescore and export; ranks are always those of what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from leaderboard.admin import export_entries, hide, rescore, rescore_suite, show
from leaderboard.entries import Entry, read_entries
from leaderboard.store.database import Store
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import LogLine, Standing, Submitted
from sim_envs.errors import UserError
from tests.leaderboard.board_kit import add_scored


def _ranks(store: Store, submission: str) -> set[tuple[int | None, int | None]]:
    with store.reading() as session:
        mine = select(Standing.test_best, Standing.test_worst).where(
            Standing.submission_id == submission, Standing.test.is_not(None)
        )
        return {(best, worst) for best, worst in session.execute(mine)}


def _log(store: Store, submission: str) -> str:
    with store.reading() as session:
        return "\n".join(session.scalars(select(LogLine.text).where(LogLine.submission_id == submission)))


def _status(store: Store, submission: str) -> tuple[str, bool]:
    with store.reading() as session:
        found = session.get_one(Submitted, submission)
        return found.status, found.again is not None


def test_who_is_hidden_is_not_ranked_and_the_others_move_up(store: Store, entry: Entry) -> None:
    first, second = add_scored(store, entry, "flat earthers"), add_scored(store, entry, "round earthers")
    assert _ranks(store, first) == _ranks(store, second) == {(1, 2)}
    hide(store, first, "made with  labels")
    assert _ranks(store, second) == {(1, 1)}
    assert "hidden: made with labels" in _log(store, first)
    show(store, first)
    assert _ranks(store, first) == _ranks(store, second) == {(1, 2)}


@pytest.mark.parametrize("why", ["", "  ", "x" * 501, "\x1b[2Jgone"])
def test_nobody_is_hidden_without_a_reason_that_can_be_read(store: Store, entry: Entry, why: str) -> None:
    submission = add_scored(store, entry, "flat earthers")
    with pytest.raises(UserError, match="is no reason"):
        hide(store, submission, why)
    assert _ranks(store, submission) == {(1, 1)}


def test_what_is_shown_cannot_be_shown_again(store: Store, entry: Entry) -> None:
    with pytest.raises(UserError, match="is not hidden"):
        show(store, add_scored(store, entry, "flat earthers"))


def test_a_submission_that_is_not_there_is_named(store: Store) -> None:
    for act in (
        lambda: hide(store, "nobody", "why"),
        lambda: show(store, "nobody"),
        lambda: rescore(store, ["nobody"]),
    ):
        with pytest.raises(UserError, match="There is no submission 'nobody'"):
            act()


def test_what_is_scored_again_keeps_its_place_until_then(store: Store, entry: Entry) -> None:
    submission = add_scored(store, entry, "flat earthers")
    assert [found.id for found in rescore(store, [submission, submission])] == [submission]
    assert _status(store, submission) == ("scored", True)
    assert _ranks(store, submission) == {(1, 1)}


def test_what_waits_already_is_not_put_back_a_second_time(store: Store, entry: Entry) -> None:
    submission = add_scored(store, entry, "flat earthers")
    assert rescore(store, [submission])
    assert rescore(store, [submission]) == []
    assert _log(store, submission).count("to be scored again") == 1


def test_with_one_that_is_unknown_none_is_scored_again(store: Store, entry: Entry) -> None:
    submission = add_scored(store, entry, "flat earthers")
    with pytest.raises(UserError, match="There is no submission"):
        rescore(store, [submission, "nobody"])
    assert _status(store, submission) == ("scored", False)


def test_one_that_was_rejected_gets_into_the_queue_again(store: Store, entry: Entry) -> None:
    submission = add_scored(store, entry, "flat earthers")
    with store.transaction() as session:
        found = session.get_one(Submitted, submission)
        found.status, found.reason = "rejected", "rows"
    rescore(store, [submission])
    assert _status(store, submission) == ("queued", False)


def test_all_of_a_suite_are_scored_again_by_its_name(store: Store, entry: Entry) -> None:
    there = {add_scored(store, entry, "flat earthers"), add_scored(store, entry, "round earthers")}
    assert {found.id for found in rescore_suite(store, "mini")} == there
    with pytest.raises(UserError, match="No submission was scored in a suite maxi"):
        rescore_suite(store, "maxi")


def test_entries_that_are_shown_are_exported_as_they_are(
    store: Store, entry: Entry, private_pack: Path, tmp_path: Path
) -> None:
    add_suite(store, private_pack, None, "open")
    first, second = add_scored(store, entry, "flat earthers"), add_scored(store, entry, "round earthers")
    hide(store, second, "made with labels")
    assert [path.name for path in export_entries(store, tmp_path / "out")] == [f"{first}.entry.json"]
    (read,) = read_entries(tmp_path / "out")
    assert (read.team, read.results) == ("flat earthers", entry.results)


def test_entries_of_hidden_labels_are_exported_only_when_that_is_asked_for(
    store: Store, entry: Entry, private_pack: Path, tmp_path: Path
) -> None:
    add_suite(store, private_pack, None, "hidden")
    add_scored(store, entry, "flat earthers")
    with pytest.raises(UserError, match="The labels of mini v3 are hidden"):
        export_entries(store, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert len(export_entries(store, tmp_path / "out", ("open", "hidden"))) == 1


def test_a_folder_with_entries_that_are_not_shown_any_more_is_not_exported_to(
    store: Store, entry: Entry, private_pack: Path, tmp_path: Path
) -> None:
    add_suite(store, private_pack, None, "open")
    first = add_scored(store, entry, "flat earthers")
    export_entries(store, tmp_path)
    hide(store, first, "made with labels")
    with pytest.raises(UserError, match=f"entries that this board does not show: {first}"):
        export_entries(store, tmp_path)
