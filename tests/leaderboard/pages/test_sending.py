"""A form takes a file in for whoever has a token, and for nobody else; the token is nowhere but in the form."""

from __future__ import annotations

import asyncio
import hashlib
import html
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from leaderboard.board import Settings
from leaderboard.pages.form_body import FormReader
from leaderboard.pages.sending import from_elsewhere
from leaderboard.store.database import Store
from leaderboard.store.queue import now
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import Submitted, Token
from leaderboard.store.teams import issue_token, team_named
from sim_envs.errors import UserError
from tests.leaderboard.pages.conftest import client_of

BOUNDARY = "----one-that-browsers-make"
Taking = tuple[Store, TestClient, str]
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def form_of(parts: list[tuple[str, str | bytes]]) -> bytes:
    """Return a form as a browser sends it; bytes are a file."""
    body = b""
    for name, value in parts:
        file = '; filename="tst.zip"\r\nContent-Type: application/zip' if isinstance(value, bytes) else ""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def send(client: TestClient, parts: list[tuple[str, str | bytes]], path: str = "/submit", **headers: str) -> Any:
    sent = {"content-type": KIND, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post(path, content=form_of(parts), headers=sent)


def count(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(Submitted)) or 0


@pytest.fixture
def taking(store: Store, private_pack: Path) -> Iterator[Taking]:
    """A board that takes the mini suite, its server, and a token."""
    add_suite(store, private_pack, None, "open")
    with store.transaction() as session:
        secret = issue_token(session, team_named(session, "Lab of Rooms"), "laptop", "submit", 1)[1]
    with client_of(store) as client:
        yield store, client, secret


@pytest.fixture
def empty(store: Store) -> Iterator[Taking]:
    """A board that takes nothing yet."""
    with store.transaction() as session:
        secret = issue_token(session, team_named(session, "Lab of Rooms"), "laptop", "submit", 1)[1]
    with client_of(store) as client:
        yield store, client, secret


def test_a_file_becomes_a_submission_and_the_answer_says_its_state_and_log(taking: Taking, submitted: Path) -> None:
    store, client, secret = taking
    answer = send(client, [("token", secret), ("file", submitted.read_bytes())])
    assert answer.status_code == 202
    assert answer.headers["cache-control"] == "no-store"
    assert '<strong class="state">queued</strong>' in answer.text
    assert "waits to be scored" in answer.text
    assert secret not in answer.text
    with store.reading() as session:
        kept = session.scalars(select(Submitted)).one()
    assert kept.sha256 == hashlib.sha256(submitted.read_bytes()).hexdigest()
    assert kept.team.name == "Lab of Rooms"
    assert store.files.path(kept.sha256).read_bytes() == submitted.read_bytes()
    again = send(client, [("token", secret), ("file", submitted.read_bytes())])
    assert again.status_code == 202
    assert kept.id in again.text
    assert count(store) == 1


def test_a_file_that_would_be_refused_is_refused_at_once_with_its_reason(taking: Taking) -> None:
    store, client, secret = taking
    answer = send(client, [("token", secret), ("file", b"This is an archive of no kind. " * 99)])
    assert answer.status_code == 422
    assert "Refused (archive)" in answer.text
    assert count(store) == 0
    assert secret not in answer.text


@pytest.mark.parametrize("flaw", ["none", "unknown", "expired", "revoked", "admin", "after the file"])
def test_nothing_is_taken_without_a_good_token(empty: Taking, flaw: str) -> None:
    store, client, secret = empty
    with store.transaction() as session:
        token = session.scalars(select(Token)).one()
        if flaw == "expired":
            token.expires = now() - timedelta(seconds=1)
        elif flaw == "revoked":
            token.revoked = now()
        elif flaw == "admin":
            token.scope = "admin"
    given_token = {"none": "", "unknown": "tstb_" + "x" * 43}.get(flaw, secret)
    parts: list[tuple[str, str | bytes]] = [("token", given_token), ("file", b"x" * 1000)]
    answer = send(client, parts[::-1] if flaw == "after the file" else parts)
    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert secret not in answer.text
    assert count(store) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://board.example.evil.example"},
        {"origin": "http://board.example:81"},
    ],
    ids=lambda headers: "-".join(headers.values()),
)
def test_forms_of_other_sites_are_refused(empty: Taking, headers: dict[str, str]) -> None:
    store, client, secret = empty
    for path in ("/submit", "/submit/status"):
        answer = send(client, [("token", secret), ("submission", "abcd"), ("file", b"x")], path, **headers)
        assert answer.status_code == 403
        assert "page of another site" in answer.text
    assert count(store) == 0


@pytest.mark.parametrize(
    ("origin", "site"),
    [(None, None), (None, "none"), ("http://board.example", "same-origin"), ("https://tst.example", "same-origin")],
)
def test_forms_of_this_board_are_not(origin: str | None, site: str | None) -> None:
    assert not from_elsewhere(origin, site, ("https://tst.example", "//board.example"))


def test_a_file_that_is_too_large_is_not_read(empty: Taking) -> None:
    store, _, secret = empty
    small = Store(replace(store.board, settings=Settings(archive_bytes=1000)), store.engine)
    client = client_of(small)
    answer = send(client, [("token", secret), ("file", b"x" * 1001)])
    assert answer.status_code == 400
    assert "more than the 1,000 bytes" in answer.text
    assert send(client, [("token", secret), ("file", b"x" * 200_000)]).status_code == 413


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", KIND),
        (b"nothing of a form", KIND),
        (form_of([("token", "x" * 201)]), KIND),
        (form_of([("token", "TOKEN")]), KIND),
        (form_of([("token", "TOKEN"), ("file", b"a"), ("file", b"b")]), KIND),
        (form_of([("token", "TOKEN"), ("file", b"abc")])[:-30], KIND),
        (form_of([("token", "TOKEN"), ("file", b"abc")]), "multipart/form-data"),
        (b"token=TOKEN&file=abc", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_not_the_form_of_the_page_is_refused(empty: Taking, body: bytes, kind: str) -> None:
    store, client, secret = empty
    answer = client.post("/submit", content=body.replace(b"TOKEN", secret.encode()), headers={"content-type": kind})
    assert answer.status_code == 400
    assert count(store) == 0


def test_the_status_is_for_the_team_and_for_admins(taking: Taking, submitted: Path) -> None:
    store, client, secret = taking
    send(client, [("token", secret), ("file", submitted.read_bytes())])
    with store.transaction() as session:
        others = issue_token(session, team_named(session, "Others"), "x", "submit", 1)[1]
        admin = issue_token(session, team_named(session, "Admins"), "x", "admin", 1)[1]
        id = session.scalars(select(Submitted)).one().id
    for token, status in ((secret, 200), (admin, 200), (others, 404), ("", 403), ("tstb_no", 403)):
        answer = send(client, [("submission", id), ("token", token)], "/submit/status")
        assert answer.status_code == status
        assert ("waits to be scored" in answer.text) == (status == 200)
        assert not token or token not in answer.text
    assert send(client, [("submission", "abcd\x00"), ("token", secret)], "/submit/status").status_code == 404


def test_why_it_was_rejected_is_said_and_escaped(taking: Taking, submitted: Path) -> None:
    store, client, secret = taking
    send(client, [("token", secret), ("file", submitted.read_bytes())])
    with store.transaction() as session:
        kept = session.scalars(select(Submitted)).one()
        kept.status, kept.message = "rejected", "Refused (name): <img src=x onerror=alert(1)> is in it."
        kept.name = "<script>alert(2)</script>"
    answer = send(client, [("submission", kept.id), ("token", secret)], "/submit/status")
    assert "<img" not in answer.text
    assert "<script>alert" not in answer.text
    assert "rejected</strong>: Refused (name): <img src=x onerror=alert(1)> is in it." in html.unescape(answer.text)


def test_the_form_keeps_tokens_out_of_addresses_histories_and_logs(
    empty: Taking, caplog: pytest.LogCaptureFixture
) -> None:
    _, client, secret = empty
    page = client.get("/submit").text
    for field in re.findall(r'<input[^>]*name="token"[^>]*>', page):
        assert 'type="password"' in field
        assert 'autocomplete="off"' in field
        assert "value=" not in field
    assert all('method="post"' in form for form in re.findall(r"<form[^>]*>", page))
    with caplog.at_level(logging.DEBUG):
        send(client, [("token", secret), ("file", b"x")])
        send(client, [("token", secret), ("submission", "abcd")], "/submit/status")
    assert secret not in caplog.text
    assert "set-cookie" not in client.get("/submit").headers


def test_asking_for_the_status_by_address_leads_to_the_form(empty: Taking) -> None:
    answer = empty[1].get("/submit/status")
    assert (answer.status_code, answer.headers["location"]) == (303, "/submit#status")


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(min_size=1, max_size=400),
    cuts=st.lists(st.integers(0, 700), max_size=12),
    token=st.text("abc_", max_size=40),
)
def test_a_form_is_read_alike_however_it_is_cut(content: bytes, cuts: list[int], token: str) -> None:
    body = form_of([("token", token), ("file", content), ("more", "✓")])
    edges = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})

    async def pieces() -> AsyncIterator[bytes]:
        for start, end in pairwise(edges):
            yield body[start:end]

    admitted: list[str] = []
    file = io.BytesIO()
    reader = FormReader(KIND, file, 400, admitted.append)
    asyncio.run(reader.read(pieces()))
    assert file.getvalue() == content
    assert reader.size == len(content)
    assert reader.fields == {"token": token, "more": "✓"}
    assert admitted == [token]


def test_nothing_of_the_file_is_kept_before_the_token_is_admitted() -> None:
    def refuse(_: str) -> None:
        raise UserError("no")

    async def whole() -> AsyncIterator[bytes]:
        yield form_of([("token", "x"), ("file", b"content")])

    file = io.BytesIO()
    with pytest.raises(UserError, match="no"):
        asyncio.run(FormReader(KIND, file, 100, refuse).read(whole()))
    assert file.getvalue() == b""
