"""What ``tst-bench leaderboard admin`` does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from rich.markup import escape
from rich.table import Table
from sqlalchemy import func, select

from benchmark.commands.boards import board_at, existing_board_at
from benchmark.commands.console import note, out
from benchmark.environment import code_version
from leaderboard.admin import export_entries, hide, rescore, rescore_suite, show
from leaderboard.entries import Custody
from leaderboard.store.backup import back_up
from leaderboard.store.restoring import restore
from leaderboard.store.suites import accept_code, add_suite, close_suite, taken_suites
from leaderboard.store.tables import BoardSuite, Submitted, Token
from leaderboard.store.teams import Scope, issue_token, revoke_token, team_named, token_state
from sim_envs.errors import UserError, unknown


def issue(folder: Path, database: str | None, team: str, scope: str, days: int, label: str) -> None:
    """Print a new token on standard output, and nothing else there.

    Raises:
        UserError: no such scope, or a name or label that cannot be one.
    """
    scopes: dict[str, Scope] = {name: name for name in get_args(Scope)}
    if scope not in scopes:
        raise unknown("scope", scope, scopes)
    store = board_at(folder, database)
    with store.transaction() as session:
        token, secret = issue_token(session, team_named(session, team), label, scopes[scope], days)
    print(secret)
    _note(
        f"A token of {token.team.name} to {scope}, until {_day(token.expires)}. It is not shown again: keep it like "
        "a password."
    )


def list_tokens(folder: Path, database: str | None) -> None:
    """Print all tokens."""
    with existing_board_at(folder, database).reading() as session:
        tokens = session.scalars(select(Token).order_by(Token.team_id, Token.created)).all()
        rows = [
            (
                *(token.start, token.team.name, token.label, token.scope),
                *(_day(token.created), _day(token.expires), _day(token.used) if token.used else "never"),
                token_state(token),
            )
            for token in tokens
        ]
    _print(["token", "team", "label", "scope", "issued", "expires", "used", "state"], rows)


def revoke(folder: Path, database: str | None, start: str) -> None:
    """Take a token back."""
    with existing_board_at(folder, database).transaction() as session:
        token = revoke_token(session, start)
        _out(f"{token.start}… of {token.team.name} is revoked.")


def add(
    folder: Path, database: str | None, private: Path, public: Path | None, custody: str, code: Sequence[str]
) -> None:
    """Take submissions to a suite.

    Raises:
        UserError: no such custody, or what :func:`leaderboard.store.suites.add_suite` refuses.
    """
    custodies: dict[str, Custody] = {name: name for name in get_args(Custody)}
    if custody not in custodies:
        raise unknown("custody", custody, custodies)
    if "any" in code and len(code) > 1:
        raise UserError("--code any does not go together with a digest.")
    digests = [] if "any" in code else [_digest(text) for text in code]
    suite = add_suite(board_at(folder, database), private, public, custodies[custody], digests)
    frames = "its frames are handed out" if suite.public_pack else "no frames are handed out"
    _out(f"{suite.name} v{suite.version} is taken: {custody} labels, {frames}, made with {_made_with(suite)}.")


def list_suites(folder: Path, database: str | None) -> None:
    """Print all suites, with how many submissions each has."""
    with existing_board_at(folder, database).reading() as session:
        suites = session.scalars(select(BoardSuite).order_by(BoardSuite.name, BoardSuite.version)).all()
        scored = select(Submitted.suite, Submitted.suite_version, func.count()).where(Submitted.status == "scored")
        counts = {
            (name, version): count
            for name, version, count in session.execute(scored.group_by("suite", "suite_version"))
        }
        taken = {suite.id for suite in taken_suites(session)}
    rows = [
        (
            *(suite.name, f"v{suite.version}", _state(suite, taken), suite.custody),
            *("yes" if suite.public_pack else "no", _made_with(suite)),
            str(counts.get((suite.name, suite.version), 0)),
        )
        for suite in suites
    ]
    _print(["suite", "version", "state", "labels", "public pack", "made with", "scored"], rows)


def close(folder: Path, database: str | None, name: str, version: int) -> None:
    """Take no more submissions to a version of a suite."""
    with existing_board_at(folder, database).transaction() as session:
        close_suite(session, name, version)
    _out(f"{name} v{version} is closed; its table stays.")


def accept(folder: Path, database: str | None, name: str, version: int, code: str) -> None:
    """Take submissions to a suite that were made with this code too."""
    with existing_board_at(folder, database).transaction() as session:
        suite = accept_code(session, name, version, _digest(code))
    _out(f"{name} v{version} takes what was made with {_made_with(suite)}.")


def hide_submission(folder: Path, database: str | None, submission: str, why: str) -> None:
    """Hide a submission."""
    hidden = hide(existing_board_at(folder, database), submission, why)
    _out(f"{hidden.id} of {hidden.team.name} is hidden, and the others are ranked without it.")


def show_submission(folder: Path, database: str | None, submission: str) -> None:
    """Show a submission again."""
    shown = show(existing_board_at(folder, database), submission)
    _out(f"{shown.id} of {shown.team.name} is shown again.")


def rescore_submissions(folder: Path, database: str | None, submissions: Sequence[str], suite: str | None) -> None:
    """Have submissions, or all of a suite, scored once more.

    Raises:
        UserError: neither or both are named, or one is not there.
    """
    if bool(submissions) == (suite is not None):
        raise UserError("Name submissions by their ids, or all of a suite with --suite NAME.")
    store = existing_board_at(folder, database)
    again = rescore(store, submissions) if suite is None else rescore_suite(store, suite)
    for submitted in again:
        print(submitted.id)
    _note(f"{len(again)} to be scored again; a worker does it. Those that waited already are left as they are.")


def write_backup(folder: Path, database: str | None, file: Path) -> None:
    """Write a backup."""
    written = back_up(existing_board_at(folder, database), file)
    _out(f"{file}  {file.stat().st_size / 1e6:.1f} MB  {written.in_words}")


def restore_backup(folder: Path, database: str | None, file: Path) -> None:
    """Fill an empty board."""
    read = restore(board_at(folder, database), file)
    _out(f"{folder}  {read.in_words}")


def export_all(folder: Path, database: str | None, target: Path, hidden_labels: bool) -> None:
    """Write the entries of all submissions that are shown."""
    custodies: tuple[Custody, ...] = ("open", "hidden") if hidden_labels else ("open",)
    paths = export_entries(existing_board_at(folder, database), target, custodies)
    for path in paths:
        print(path)
    if not paths:
        note.print("Nothing was written: the board shows no submission of such suites.")


def _digest(code: str) -> str:
    return code_version().source if code == "this" else code


def _made_with(suite: BoardSuite) -> str:
    return ", ".join(f"{digest[:12]}…" for digest in suite.code) or "any code"


def _state(suite: BoardSuite, taken: set[int]) -> str:
    if suite.closed is not None:
        return f"closed {_day(suite.closed)}"
    return "taken" if suite.id in taken else "replaced"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _print(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, title in enumerate(titles):
        table.add_column(title, no_wrap=number == 0, overflow="fold")  # the first is what other commands are given
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def _out(text: str) -> None:
    out.print(text, highlight=False, markup=False)


def _note(text: str) -> None:
    note.print(text, highlight=False, markup=False)
