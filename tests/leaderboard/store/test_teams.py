"""Teams that look alike are one, and a token is only what it says it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.board import open_board
from leaderboard.store.database import Store, open_store
from leaderboard.store.tables import Team, Token
from leaderboard.store.teams import issue_token, revoke_token, team_named, token_of, token_state
from sim_envs.errors import UserError

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)


FORMS: st.SearchStrategy[Form] = st.sampled_from(("NFC", "NFD", "NFKC", "NFKD"))

ALIKE = (
    *("flat earthers", "FLAT EARTHERS", "ﬂat Earthers", "Ｆlat Earthers", "Flat Earther\N{LATIN SMALL LETTER LONG S}"),
    *("Flat Earthers\N{VARIATION SELECTOR-16}", "Flat \N{HANGUL FILLER} Earthers", "Flat\u2003Earthers\u2800"),
)
UNFIT = ("", "   ", "x" * 61, "a\x00b", "a\u202eb", "a\u200bb", "\x1b[2J", "\ud800", "\u3164", "\ufdfa" * 20)


@pytest.fixture
def unwritten(tmp_path: Path) -> Iterator[Session]:
    """A transaction that is never committed."""
    with Session(open_store(open_board(tmp_path / "board")).engine) as session:
        yield session


@pytest.mark.parametrize("alike", ALIKE, ids=ascii)
def test_a_name_that_looks_like_another_is_no_new_team(store: Store, alike: str) -> None:
    with store.transaction() as session:
        team_named(session, "Flat Earthers")
        with pytest.raises(UserError, match="too much like the team Flat Earthers"):
            team_named(session, alike)


def test_spaces_do_not_make_another_team(store: Store) -> None:
    with store.transaction() as session:
        team = team_named(session, "Flat Earthers")
        assert team_named(session, "  Flat \t Earthers ").id == team.id


@pytest.mark.parametrize("name", UNFIT, ids=lambda name: ascii(name)[:20])
def test_what_cannot_be_seen_or_printed_names_no_team(store: Store, name: str) -> None:
    with store.transaction() as session, pytest.raises(UserError, match="cannot name a team"):
        team_named(session, name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, form=FORMS, change=st.sampled_from([str, str.lower, str.casefold]))
def test_a_name_and_its_other_ways_of_writing_are_never_two_teams(
    unwritten: Session, name: str, form: Form, change: Callable[[str], str]
) -> None:
    team = _named(unwritten, name)
    assume(team is not None)
    other = _named(unwritten, unicodedata.normalize(form, change(name)))
    assert other is None or other is team


def _named(session: Session, name: str) -> Team | None:
    """Return the team, None where the name is refused."""
    try:
        return team_named(session, name)
    except UserError:
        return None


def test_of_a_token_only_its_digest_is_kept(store: Store) -> None:
    with store.transaction() as session:
        _, secret = issue_token(session, team_named(session, "flat earthers"), "laptop", "submit", 30)
        row = session.execute(select(Token.__table__)).one()
    assert secret not in str(row)
    assert secret[12:] not in str(row)
    assert len(secret) == len("tstb_") + 43  # 256 bits, six a character


def test_a_token_is_found_until_it_expires_or_is_revoked(store: Store) -> None:
    with store.transaction() as session:
        team = team_named(session, "flat earthers")
        token, secret = issue_token(session, team, "", "submit", 30)
        other, expired = issue_token(session, team, "", "admin", 30)
        other.expires -= timedelta(days=31)
        assert token_of(session, secret) is token
        assert token_of(session, secret[:-1]) is None
        assert token_of(session, expired) is None
        revoke_token(session, token.start)
        assert token_of(session, secret) is None
        assert [token_state(each).split()[0] for each in (token, other)] == ["revoked", "expired"]


def test_a_token_that_is_unknown_or_revoked_cannot_be_revoked(store: Store) -> None:
    with store.transaction() as session:
        token, _ = issue_token(session, team_named(session, "flat earthers"), "", "submit", 30)
        revoke_token(session, token.start)
        with pytest.raises(UserError, match="Unknown token"):
            revoke_token(session, token.start)


def test_a_label_that_cannot_be_printed_is_refused(store: Store) -> None:
    with store.transaction() as session:
        team = team_named(session, "flat earthers")
        for label in ("x" * 101, "\x1b[2J"):
            with pytest.raises(UserError, match="cannot be a label"):
                issue_token(session, team, label, "submit", 30)
        assert session.scalars(select(Team)).all() == [team]
