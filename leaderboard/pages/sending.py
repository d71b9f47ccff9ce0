"""Send a file by a form, and see what becomes of it: for browsers, with and without JavaScript.

The token travels in the body of a form and nowhere else: there are no cookies that another site could use, and every
look at the status asks for it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from sqlalchemy import select

from leaderboard import uploads
from leaderboard.pages.form_body import BadForm
from leaderboard.pages.guide import size_text
from leaderboard.pages.render import page
from leaderboard.pages.shown import title_of
from leaderboard.pages.urls import Urls
from leaderboard.refusal import Refusal
from leaderboard.store.database import Store
from leaderboard.store.quotas import QuotaSpent
from leaderboard.store.tables import WAITING, LogLine, Submitted, Team, Token
from leaderboard.store.teams import token_of
from sim_envs.errors import UserError

BLOCK_BYTES = 1 << 20


class NotAllowed(UserError):
    """The token is none, or not one for this."""


class NotFromHere(UserError):
    """Another site's page sent the form."""


class NoSuchSubmission(UserError):
    """There is no such submission, or none of this team's."""


STATUSES: dict[type[UserError], int] = {
    NotAllowed: 403,
    NotFromHere: 403,
    NoSuchSubmission: 404,
    BadForm: 400,
    uploads.TooLarge: 413,
    uploads.AlreadySubmitted: 409,
    uploads.TooManyUploads: 429,
    uploads.NoRoom: 507,
    QuotaSpent: 429,
    Refusal: 422,
}
"""What went wrong → status of the answer; 400 for everything else that a form may have got wrong."""


@dataclass(frozen=True)
class Progress:
    """Where a submission stands, for its owners.

    Attributes:
        link: of its page, once everybody may see it.
    """

    submitted: Submitted
    title: str
    log: tuple[LogLine, ...]
    waits: bool
    link: str


def form_page(store: Store, urls: Urls, trouble: str = "", submission: str = "") -> str:
    """Return the form.

    Args:
        trouble: why the last one was not taken.
        submission: id whose status was asked for.
    """
    settings = store.board.settings
    return page(
        "submit.html",
        urls,
        settings=settings,
        current="submit",
        trouble=trouble,
        submission=submission,
        archive_size=size_text(settings.archive_bytes),
    )


def status_page(store: Store, urls: Urls, progress: Progress) -> str:
    """Return where a submission stands, with a form to ask again."""
    return page("status.html", urls, settings=store.board.settings, current="submit", progress=progress)


def team_of(store: Store, secret: str) -> Team:
    """Return whose token for submitting it is.

    Raises:
        NotAllowed: it is none, or has another scope.
    """
    token = _token(store, secret)
    if token.scope != "submit":
        raise NotAllowed(f"The scope of this token is {token.scope}; submitting needs one of scope submit.")
    return token.team


def take_in(store: Store, team: Team, file: BinaryIO, size: int) -> Submitted:
    """Turn a file that came in whole into a submission; the same file again gives the same one.

    Raises:
        UserError: it is not taken, as :mod:`leaderboard.uploads` says.
    """
    file.seek(0)
    sha256 = hashlib.sha256()
    for block in _blocks(file):
        sha256.update(block)
    upload = uploads.begin(store, team, size, sha256.hexdigest())
    upload, there = uploads.find(store, upload.id, team.id)
    if there < size:
        file.seek(there)
        uploads.append(store, upload.id, team.id, there, _blocks(file))
    return uploads.finish(store, upload.id, team.id)


def progress_of(store: Store, urls: Urls, submission: str, secret: str) -> Progress:
    """Return where a submission stands.

    Raises:
        NotAllowed: the token is no good.
        NoSuchSubmission: it is not one of this team, nor is the token that of an admin.
    """
    token = _token(store, secret)
    with store.reading() as session:
        submitted = session.get(Submitted, submission)
        if submitted is None or (submitted.team_id != token.team_id and token.scope != "admin"):
            raise NoSuchSubmission(f"{token.team.name} has no submission of that id.")
        lines = session.scalars(select(LogLine).where(LogLine.submission_id == submitted.id).order_by(LogLine.id))
        log = tuple(lines)
    public = submitted.status == "scored" and submitted.hidden is None
    waits = submitted.status in WAITING
    return Progress(submitted, title_of(submitted), log, waits, urls.submission(submitted.id) if public else "")


def from_elsewhere(origin: str | None, fetch_site: str | None, addresses: tuple[str, ...]) -> bool:
    """Return whether a form was sent by another site's page.

    Args:
        origin, fetch_site: the headers ``Origin`` and ``Sec-Fetch-Site``; programs that are no browsers send neither.
        addresses: what this board is reached at; only their hosts are looked at.
    """
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return True
    hosts = {urlsplit(address).netloc for address in addresses if address}
    return origin is not None and urlsplit(origin).netloc not in hosts


def _token(store: Store, secret: str) -> Token:
    with store.reading() as session:
        token = token_of(session, secret)
    if token is None:
        raise NotAllowed(
            "The token is unknown, has expired or was revoked. Ask those who run the board for another one."
        )
    return token


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block
