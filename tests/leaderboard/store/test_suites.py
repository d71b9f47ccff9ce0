"""Which suites a board takes, and what belongs to one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from leaderboard.archive import write_archive
from leaderboard.store.database import Store
from leaderboard.store.suites import accept_code, add_suite, board_suite, close_suite, taken, truth_of
from leaderboard.store.tables import BoardSuite
from sim_envs.errors import UserError
from sim_envs.storage import digest_file
from tests.leaderboard.board_kit import MiniRun, contents


def _raise_version(store: Store, version: int) -> None:
    """Add a newer version as a row alone: no test here looks into its packs."""
    with store.transaction() as session:
        found = board_suite(session, "mini", 3)
        assert found is not None
        fields: dict[str, Any] = {column.key: getattr(found, column.key) for column in BoardSuite.__table__.columns}
        fields |= {"id": None, "version": version, "rules": found.rules | {"version": version}}
        session.add(BoardSuite(**fields))


def test_a_suite_that_was_added_is_taken_as_it_is_in_its_pack(store: Store, private_pack: Path, run: MiniRun) -> None:
    add_suite(store, private_pack, None, "open")
    with store.reading() as session:
        assert taken(session) == run.suites


def test_the_packs_of_a_suite_are_copied_into_the_board(store: Store, private_pack: Path, public_pack: Path) -> None:
    added = add_suite(store, private_pack, public_pack, "hidden", ["b" * 64, "a" * 64])
    assert (added.private_pack, added.public_pack) == (digest_file(private_pack), digest_file(public_pack))
    assert store.files.read(added.public_pack) == public_pack.read_bytes()
    assert (added.custody, added.code) == ("hidden", ["a" * 64, "b" * 64])
    assert private_pack.is_file()


def test_the_truth_of_a_suite_is_that_of_its_private_pack(store: Store, private_pack: Path) -> None:
    truth = truth_of(store, add_suite(store, private_pack, None, "open"))
    assert sorted(truth.recordings) == ["builtin/flat-01", "builtin/flat-02", "builtin/flat-21"]


def test_several_that_open_a_truth_at_once_find_it_whole(store: Store, private_pack: Path) -> None:
    suite = add_suite(store, private_pack, None, "open")
    for folder in store.board.truth.iterdir():  # as after a restore
        if folder.is_dir():
            folder.rename(store.board.folder / "gone")
    found = []
    threads = [threading.Thread(target=lambda: found.append(truth_of(store, suite))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sorted(truth.recordings) for truth in found] == [
        ["builtin/flat-01", "builtin/flat-02", "builtin/flat-21"]
    ] * 4


def test_a_version_of_a_suite_is_added_once(store: Store, private_pack: Path) -> None:
    add_suite(store, private_pack, None, "open")
    with pytest.raises(UserError, match="mini v3 is on the board already"):
        add_suite(store, private_pack, None, "open")


def test_of_a_suite_its_newest_version_that_is_not_closed_is_taken(store: Store, private_pack: Path) -> None:
    add_suite(store, private_pack, None, "open")
    _raise_version(store, 11)
    with store.transaction() as session:
        assert {name: suite.version for name, suite in taken(session).items()} == {"mini": 11}
        close_suite(session, "mini", 11)
    with store.transaction() as session:
        assert {name: suite.version for name, suite in taken(session).items()} == {"mini": 3}
        close_suite(session, "mini", 3)
        assert taken(session) == {}
        assert board_suite(session, "mini", 3) is not None


def test_a_closed_suite_cannot_be_closed_again(store: Store, private_pack: Path) -> None:
    add_suite(store, private_pack, None, "open")
    with store.transaction() as session:
        close_suite(session, "mini", 3)
        with pytest.raises(UserError, match="has been closed since"):
            close_suite(session, "mini", 3)


def test_an_unknown_suite_is_told_with_those_that_are_near(store: Store, private_pack: Path) -> None:
    add_suite(store, private_pack, None, "open")
    with store.transaction() as session, pytest.raises(UserError, match=r"Did you mean mini v3\?"):
        close_suite(session, "mini", 4)


def test_more_code_can_be_accepted_later(store: Store, private_pack: Path) -> None:
    add_suite(store, private_pack, None, "open", ["b" * 64])
    with store.transaction() as session:
        accept_code(session, "mini", 3, "a" * 64)
    with store.reading() as session:
        found = board_suite(session, "mini", 3)
        assert found is not None
        assert found.code == ["a" * 64, "b" * 64]


def test_a_suite_that_takes_any_code_is_not_narrowed_by_accepting_one(store: Store, private_pack: Path) -> None:
    add_suite(store, private_pack, None, "open")
    with store.transaction() as session, pytest.raises(UserError, match="with any code already"):
        accept_code(session, "mini", 3, "a" * 64)


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "g" * 64, "this"])
def test_what_is_no_digest_of_code_is_refused(store: Store, private_pack: Path, digest: str) -> None:
    with pytest.raises(UserError, match="no digest of code"):
        add_suite(store, private_pack, None, "open", [digest])


def test_labels_are_not_given_out_by_mistake(store: Store, private_pack: Path) -> None:
    with pytest.raises(UserError, match="it holds every label"):
        add_suite(store, private_pack, private_pack, "open")


def test_a_public_pack_cannot_score(store: Store, public_pack: Path) -> None:
    with pytest.raises(UserError, match="it holds no truth"):
        add_suite(store, public_pack, None, "open")


def test_a_public_pack_that_was_changed_is_refused(
    store: Store, private_pack: Path, public_pack: Path, tmp_path: Path
) -> None:
    files = contents(public_pack)
    changed = next(name for name in files if name.endswith(".npz"))
    write_archive(tmp_path / "changed.zip", list((files | {changed: files[changed] + b"more"}).items()))
    with pytest.raises(UserError, match=f"{changed} is not what pack.json describes"):
        add_suite(store, private_pack, tmp_path / "changed.zip", "open")


def test_a_public_pack_of_other_frames_is_refused(
    store: Store, private_pack: Path, public_pack: Path, tmp_path: Path
) -> None:
    files = contents(public_pack)
    other = files["pack.json"].replace(b'"recording": "', b'"recording": "0')
    write_archive(tmp_path / "other.zip", list((files | {"pack.json": other}).items()))
    with pytest.raises(UserError, match="not of the same frames"):
        add_suite(store, private_pack, tmp_path / "other.zip", "open")


def test_what_is_no_pack_is_refused(store: Store, private_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no pack", encoding="utf-8")
    with pytest.raises(UserError, match="no pack"):
        add_suite(store, private_pack, tmp_path / "text.zip", "open")
    with pytest.raises(UserError, match="No public pack at"):
        add_suite(store, private_pack, tmp_path / "missing.zip", "open")
    with store.reading() as session:
        assert taken(session) == {}
