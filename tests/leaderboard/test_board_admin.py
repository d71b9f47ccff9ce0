"""The commands of those who run a board: results on standard output, everything else on standard error."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.environment import code_version
from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.store.database import Store, open_store
from leaderboard.store.suites import board_suite
from leaderboard.store.tables import Submitted
from leaderboard.store.teams import token_of
from tests.command_line import Done, run_command
from tests.leaderboard.board_kit import add_scored

Admin = Callable[..., Done]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "board"


@pytest.fixture
def admin(data: Path, database: str | None, capsys: pytest.CaptureFixture[str]) -> Admin:
    """Run ``tst-bench leaderboard admin``, once on each database."""
    where = ["--data", data, *(["--database", database] if database else [])]
    return lambda *arguments: run_command(capsys, "leaderboard", "admin", *arguments, *where)


@pytest.fixture
def opened(data: Path, database: str | None) -> Callable[[], Store]:
    return lambda: open_store(open_board(data, database))


def test_a_token_is_printed_once_and_alone(admin: Admin, opened: Callable[[], Store]) -> None:
    done = admin("token", "issue", "Flat Earthers", "--scope", "admin", "--days", 7, "--label", "laptop")
    assert re.fullmatch(r"tstb_[\w-]{43}\n", done.out)
    assert "not shown again" in done.err
    assert done.out.strip() not in done.err
    with opened().reading() as session:
        token = token_of(session, done.out.strip())
        assert token is not None
        assert (token.team.name, token.scope, token.label) == ("Flat Earthers", "admin", "laptop")
    listed = admin("token", "list")
    assert done.out[:11] in listed.out
    assert done.out.strip() not in listed.out


def test_a_token_that_was_revoked_is_of_no_use(admin: Admin, opened: Callable[[], Store]) -> None:
    secret = admin("token", "issue", "Flat Earthers").out.strip()
    assert admin("token", "revoke", secret[:11]).code == 0
    with opened().reading() as session:
        assert token_of(session, secret) is None
    assert "Unknown token" in admin("token", "revoke", "tstb_nobody").err


def test_what_is_no_scope_or_custody_is_refused(admin: Admin, private_pack: Path) -> None:
    for arguments in (
        ("token", "issue", "us", "--scope", "root"),
        ("suites", "add", private_pack, "--custody", "shut"),
    ):
        done = admin(*arguments)
        assert (done.code, done.out) == (2, "")
        assert "Unknown" in done.err


def test_a_suite_is_added_listed_and_closed(
    admin: Admin, opened: Callable[[], Store], private_pack: Path, public_pack: Path
) -> None:
    done = admin("suites", "add", private_pack, "--public", public_pack, "--custody", "hidden")
    assert "mini v3 is taken: hidden labels, its frames are handed out" in done.out
    admin("suites", "accept-code", "mini", 3, "a" * 64)
    with opened().reading() as session:
        suite = board_suite(session, "mini", 3)
        assert suite is not None
        assert suite.code == sorted(["a" * 64, code_version().source])
    assert re.search(r"mini +v3 +taken +hidden +yes", admin("suites", "list").out)
    assert "mini v3 is closed" in admin("suites", "close", "mini", 3).out
    assert re.search(r"mini +v3 +closed", admin("suites", "list").out)


def test_a_suite_may_take_any_code(admin: Admin, private_pack: Path) -> None:
    assert "made with any code" in admin("suites", "add", private_pack, "--code", "any").out
    assert "does not go together" in admin("suites", "add", private_pack, "--code", "any", "--code", "this").err


def test_a_submission_is_hidden_shown_and_scored_again(
    admin: Admin, opened: Callable[[], Store], entry: Entry, private_pack: Path, tmp_path: Path
) -> None:
    admin("suites", "add", private_pack)
    submission = add_scored(opened(), entry, "Flat Earthers")

    def hidden() -> str | None:
        with opened().reading() as session:
            return session.get_one(Submitted, submission).hidden

    assert admin("hide", submission, "--why", "made with labels").code == 0
    assert hidden() == "made with labels"
    assert admin("export", tmp_path / "out").out == ""
    assert admin("show", submission).code == 0
    assert hidden() is None
    assert admin("export", tmp_path / "out").out == f"{tmp_path / 'out' / submission}.entry.json\n"
    assert admin("rescore", "--suite", "mini").out == f"{submission}\n"
    assert admin("rescore", submission).out == ""


def test_what_to_score_again_is_named_in_one_way(admin: Admin) -> None:
    for arguments in ((), ("someone", "--suite", "mini")):
        done = admin("rescore", *arguments)
        assert done.code == 2
        assert "Name submissions by their ids, or all of a suite" in done.err


def test_a_backup_is_written_and_restored(
    admin: Admin, opened: Callable[[], Store], entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submission = add_scored(opened(), entry, "Flat Earthers")
    assert "1 submissions of 1 teams" in admin("backup", tmp_path / "board.tar").out
    copy = ("--data", tmp_path / "copy")
    assert run_command(capsys, "leaderboard", "admin", "restore", tmp_path / "board.tar", *copy).code == 0
    with open_store(open_board(tmp_path / "copy")).reading() as session:
        assert session.get_one(Submitted, submission).team.name == "Flat Earthers"
    again = run_command(capsys, "leaderboard", "admin", "restore", tmp_path / "board.tar", *copy)
    assert (again.code, "is not empty" in again.err) == (2, True)


def test_a_folder_without_a_board_is_told_and_left_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("token", "list"), ("hide", "x", "--why", "y"), ("backup", "out.tar"), ("suites", "list")):
        done = run_command(capsys, "leaderboard", "admin", *arguments, "--data", data)
        assert done.code == 2
        assert "There is no board at" in done.err
    assert not data.exists()


def test_help_needs_no_database(tmp_path: Path) -> None:
    program = (
        "import sys; from unittest.mock import patch; from benchmark.cli import main\n"
        "with patch.object(sys, 'argv', ['tst-bench', 'leaderboard', 'admin', '--help']):\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=False).returncode == 0
