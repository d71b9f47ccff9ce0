"""Teams and their tokens. A token is 256 random bits that are shown once; only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.store.tables import Team, Token
from sim_envs.errors import UserError, unknown

Scope = Literal["submit", "admin"]

PREFIX = "tstb_"
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that count as printable and look like nothing: Default_Ignorable_Code_Point, and the blank of Braille."""

_SHOWN = len(PREFIX) + 6


def team_named(session: Session, name: str) -> Team:
    """Return a team, which is made when there is none of that name.

    Raises:
        UserError: a name that is empty, too long, cannot be printed, or looks like another team's.
    """
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not shown or len(shown) > 60 or not shown.isprintable():
        raise UserError(f"{name[:80]!r} cannot name a team: 1 to 60 printable characters can.")
    key = _key(shown)
    if not key or len(key) > 120:
        raise UserError(f"{shown!r} cannot name a team: written in plain letters it is nothing, or too long.")
    team = session.scalar(select(Team).where(Team.key == key))
    if team is None:
        team = Team(name=shown, key=key, created=datetime.now(timezone.utc))
        session.add(team)
        session.flush()
    elif team.name != shown:
        raise UserError(f"{shown} is too much like the team {team.name}; write it as that, or take another name.")
    return team


def issue_token(session: Session, team: Team, label: str, scope: Scope, days: int) -> tuple[Token, str]:
    """Give a team a token; returns what is kept, and the token itself, which is nowhere else.

    Raises:
        UserError: a label that is too long or cannot be printed.
    """
    if len(label) > 100 or not label.isprintable():
        raise UserError(f"{label[:80]!r} cannot be a label: up to 100 printable characters can.")
    secret = PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(timezone.utc)
    token = Token(
        team=team,
        label=label,
        start=secret[:_SHOWN],
        digest=_digest(secret),
        scope=scope,
        created=now,
        expires=now + timedelta(days=days),
        revoked=None,
        used=None,
    )
    session.add(token)
    session.flush()
    return token, secret


def token_of(session: Session, secret: str) -> Token | None:
    """Return the token that is meant, None where there is none, or it was revoked or has expired.

    It is looked up by its digest, so that how long the answer takes says nothing about other tokens.
    """
    token = session.scalar(select(Token).where(Token.digest == _digest(secret)))
    now = datetime.now(timezone.utc)
    return None if token is None or token.revoked is not None or token.expires <= now else token


def token_state(token: Token) -> str:
    """Say whether a token is in use."""
    if token.revoked is not None:
        return f"revoked {token.revoked:%Y-%m-%d}"
    return "expired" if token.expires <= datetime.now(timezone.utc) else "in use"


def revoke_token(session: Session, start: str) -> Token:
    """Take a token back, named by its first characters.

    Raises:
        UserError: no token begins so.
    """
    tokens = {token.start: token for token in session.scalars(select(Token).where(Token.revoked.is_(None)))}
    if start not in tokens:
        raise unknown(
            "token", start, tokens, "A token is named by its first characters, as `admin token list` shows them."
        )
    tokens[start].revoked = datetime.now(timezone.utc)
    return tokens[start]


def _key(name: str) -> str:
    """Return what equal-looking names have in common (The Unicode Standard, D146; what is never seen is left out)."""
    folded = unicodedata.normalize("NFD", name)
    for _ in range(2):
        folded = unicodedata.normalize("NFKD", folded.casefold())
    return " ".join(unicodedata.normalize("NFKC", _UNSEEN.sub("", folded)).split())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
