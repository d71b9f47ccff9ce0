"""Who may do what: every endpoint, for every kind of token."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.testclient import TestClient

from leaderboard.server import auth
from leaderboard.server.app import API, create_app
from leaderboard.store.database import Store
from leaderboard.store.tables import Submitted
from tests.leaderboard.server.conftest import Tokens, bearer, queued, scored, with_settings


class Endpoint(NamedTuple):
    """How it is called, whose token it takes, and what a stranger with no token or another team's is told."""

    method: str
    path: str
    needs: str
    without: int
    other_team: int
    options: dict[str, object] = {}  # noqa: RUF012


PIECE = {"content": b"PK", "headers": {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}}
NEW = {"json": {"size": 9, "sha256": "1" * 64}}
WHY = {"json": {"why": "because"}}
ENDPOINTS = [
    Endpoint("GET", "/suites", "nobody", 200, 200),
    Endpoint("GET", "/tables", "nobody", 200, 200),
    Endpoint("GET", "/scores?suite=x&version=1&task=semseg&protocol=frozen", "nobody", 404, 404),
    Endpoint("GET", "/scores.csv?suite=x&version=1&task=semseg&protocol=frozen", "nobody", 404, 404),
    Endpoint("GET", "/scores.parquet?suite=x&version=1&task=semseg&protocol=frozen", "nobody", 404, 404),
    Endpoint("GET", "/submissions/{submission}", "owner or admin", 404, 403),
    Endpoint("GET", "/submissions/{submission}/compare/{submission}", "owner or admin", 404, 403),
    Endpoint("GET", "/submissions", "submit", 401, 200),
    Endpoint("DELETE", "/submissions/{submission}", "submit", 401, 403),
    Endpoint("POST", "/uploads", "submit", 401, 201, NEW),
    Endpoint("GET", "/uploads/{upload}", "submit", 401, 403),
    Endpoint("PATCH", "/uploads/{upload}", "submit", 401, 403, PIECE),
    Endpoint("POST", "/uploads/{upload}/finish", "submit", 401, 403),
    Endpoint("DELETE", "/uploads/{upload}", "submit", 401, 403),
    Endpoint("POST", "/admin/submissions/{submission}/hide", "admin", 401, 403, WHY),
    Endpoint("POST", "/admin/submissions/{submission}/show", "admin", 401, 403),
    Endpoint("POST", "/admin/submissions/{submission}/rescore", "admin", 401, 403),
]


def test_these_are_all_endpoints(store: Store) -> None:
    described = create_app(store).openapi()["paths"]
    there = {(method.upper(), path) for path, methods in described.items() for method in methods}
    wanted = {(e.method, API + e.path.partition("?")[0]) for e in ENDPOINTS}
    same = {"{submission}/compare/{submission}": "{submission}/compare/{other}", "{upload}": "{upload_id}"}
    for short, long in same.items():
        wanted = {(method, path.replace(short, long)) for method, path in wanted}
    assert there == wanted


def test_every_endpoint_is_closed_to_whoever_may_not_use_it(
    board: Store, tokens: Tokens, submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a submission and an upload of Ours; each call is tried by everybody who is not Ours."""
    monkeypatch.setattr(auth, "WRONG_TOKENS_PER_MINUTE", 1000)
    client = TestClient(create_app(board), raise_server_exceptions=False)
    submission = queued(board, submitted).id
    upload = client.post(f"{API}/uploads", json={"size": 99, "sha256": "0" * 64}, headers=bearer(tokens.ours)).json()

    def status(endpoint: Endpoint, token: str | None) -> int:
        options = dict(endpoint.options)
        headers = dict(options.pop("headers", {}))  # type: ignore[call-overload]
        headers |= {} if token is None else bearer(token)
        path = API + endpoint.path.replace("{submission}", submission).replace("{upload}", upload["id"])
        answer = client.request(endpoint.method, path, headers=headers, **options)  # type: ignore[arg-type]
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) >= {"error", "message", "status"}
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")
        return answer.status_code

    for endpoint in ENDPOINTS:
        assert status(endpoint, None) == endpoint.without, endpoint
        for wrong in ("tstb_wrong", "x" * 5000, tokens.expired, tokens.revoked, "'; DROP TABLE tokens; --"):
            assert status(endpoint, wrong) == 401, (endpoint, wrong)
        assert status(endpoint, tokens.theirs) == endpoint.other_team, endpoint
        if endpoint.needs == "submit":
            assert status(endpoint, tokens.admin) == 403, endpoint
        if endpoint.needs == "admin":
            assert status(endpoint, tokens.ours) == 403, endpoint
    assert client.get(f"{API}/uploads/{upload['id']}", headers=bearer(tokens.ours)).json()["offset"] == 0
    assert client.get(f"{API}/submissions/{submission}", headers=bearer(tokens.ours)).json()["status"] == "queued"


def test_a_pending_submission_and_its_log_are_for_its_team_and_admins(
    board: Store, client: TestClient, tokens: Tokens, submitted: Path
) -> None:
    path = f"{API}/submissions/{queued(board, submitted).id}"
    assert client.get(path).json() | {"message": ""} == client.get(f"{API}/submissions/0000").json() | {"message": ""}
    for token in (tokens.ours, tokens.admin):
        assert "waits to be scored" in client.get(path, headers=bearer(token)).json()["log"][0]["text"]


def test_a_scored_submission_is_for_everybody_without_its_log_until_it_is_hidden(
    board: Store, client: TestClient, tokens: Tokens, submitted: Path
) -> None:
    submission = scored(board, submitted).id
    path = f"{API}/submissions/{submission}"
    view = client.get(path).json()
    assert (view["status"], view["log"], view["as_claimed"]) == ("scored", None, True)
    assert {standing["task"] for standing in view["standings"]} == {"semseg", "detection", "captioning", "retrieval"}
    assert client.get(path, headers=bearer(tokens.theirs)).json() == view
    query = {"suite": "mini", "version": 3, "task": "semseg", "protocol": "frozen"}
    table = client.get(f"{API}/scores", params=query).json()
    assert [row["id"] for row in table["rows"]] == [submission]
    assert table["total"] == 1
    assert submission in client.get(f"{API}/scores.csv", params=query).text
    assert client.get(f"{API}/scores.parquet", params=query).content[:4] == b"PAR1"
    assert len(client.get(f"{API}/tables").json()["tables"]) == 4

    hide = f"{API}/admin/submissions/{submission}/hide"
    hidden = client.post(hide, json={"why": "It learned from the test space."}, headers=bearer(tokens.admin))
    assert (hidden.status_code, hidden.json()["hidden"]) == (200, "It learned from the test space.")
    assert client.get(path).status_code == 404
    assert client.get(path, headers=bearer(tokens.theirs)).status_code == 403
    assert client.get(path, headers=bearer(tokens.ours)).json()["hidden"] == "It learned from the test space."
    assert client.get(f"{API}/scores", params=query).json()["rows"] == []
    client.post(f"{API}/admin/submissions/{submission}/show", headers=bearer(tokens.admin))
    assert client.get(path).status_code == 200
    again = client.post(f"{API}/admin/submissions/{submission}/rescore", headers=bearer(tokens.admin))
    assert again.status_code == 202
    assert client.get(path).json()["status"] == "scored"  # with the scores that it has, until there are new ones


def test_a_team_takes_a_waiting_submission_back_and_nobody_scores_it(
    board: Store, client: TestClient, tokens: Tokens, submitted: Path
) -> None:
    submission = queued(board, submitted).id
    path = f"{API}/submissions/{submission}"
    for _ in range(2):
        assert client.delete(path, headers=bearer(tokens.ours)).status_code == 204
    view = client.get(path, headers=bearer(tokens.ours)).json()
    assert (view["status"], view["reason"]) == ("rejected", "withdrawn")
    with board.reading() as session:
        kept = session.get_one(Submitted, submission)
    assert kept.lease is None


@pytest.mark.parametrize("url", ["", "https://board.example"])
def test_an_upload_ends_as_a_submission_with_the_address_of_its_page(
    board: Store, tokens: Tokens, submitted: Path, url: str
) -> None:
    content = submitted.read_bytes()
    with TestClient(create_app(with_settings(board, url=url))) as client:
        headers = bearer(tokens.ours)
        new = {"size": len(content), "sha256": sha256(content).hexdigest()}
        begun = client.post(f"{API}/uploads", json=new, headers=headers)
        place = begun.headers["location"]
        kind = {"Content-Type": "application/offset+octet-stream"}
        first = client.patch(place, content=content[:9], headers=headers | kind | {"Upload-Offset": "0"})
        assert first.json()["offset"] == 9
        wrong = client.patch(place, content=content[:9], headers=headers | kind | {"Upload-Offset": "0"})
        assert (wrong.status_code, wrong.json()["error"], wrong.json()["offset"]) == (409, "offset", 9)
        early = client.post(f"{place}/finish", headers=headers)
        assert (early.status_code, early.json()["offset"]) == (409, 9)
        client.patch(place, content=content[9:], headers=headers | kind | {"Upload-Offset": "9"})
        done = [client.post(f"{place}/finish", headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in done] == [202, 202]
        assert done[0].json() == done[1].json()
        submission = done[0].json()["submission"]
        assert done[0].json()["url"] == f"{url or 'http://testserver'}/s/{submission}"
        assert client.post(f"{API}/uploads", json=new, headers=headers).json()["submission"] == submission
        stranger = client.post(f"{API}/uploads", json=new, headers=bearer(tokens.theirs))
        assert (stranger.status_code, stranger.json()["error"]) == (409, "already-submitted")
        mine = client.get(f"{API}/submissions", headers=headers).json()["submissions"]
        assert [each["id"] for each in mine] == [submission]
