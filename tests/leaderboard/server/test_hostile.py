"""Requests that mean no good: each is answered with a reason, and the next one is answered as ever."""

from __future__ import annotations

import itertools
import logging
import socket
import time
from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from leaderboard.server import bodies
from leaderboard.server.app import API, create_app
from leaderboard.server.auth import WRONG_TOKENS_PER_MINUTE
from leaderboard.server.logs import NoSecrets
from leaderboard.server.patience import ImpatientProtocol
from leaderboard.server.rates import Buckets, address_key
from leaderboard.store.database import Store
from tests.leaderboard.server.conftest import Tokens, bearer, with_settings

ODD = [
    "'; DROP TABLE submissions; --",
    "<script>alert(1)</script>",
    "%00",
    "../../etc/passwd",
    "\N{RIGHT-TO-LEFT OVERRIDE}x",
    "x" * 3000,
    "' OR 1=1",
    "{{7*7}}",
    "\N{FULLWIDTH LATIN SMALL LETTER A}\ud7ff",
]
STREAM = {"Content-Type": bodies.OFFSET_STREAM}


@pytest.mark.parametrize("odd", ODD)
def test_no_parameter_takes_sql_or_script(client: TestClient, tokens: Tokens, odd: str) -> None:
    parameters = ("suite", "version", "task", "protocol", "space", "sort", "order", "track", "q", "team", "page")
    good = {"suite": "mini", "version": "3", "task": "semseg", "protocol": "frozen"}
    for name, path in itertools.product(parameters, ("scores", "scores.csv", "scores.parquet")):
        answer = client.get(f"{API}/{path}", params=good | {name: odd.replace("%00", "\0")})
        assert answer.status_code in (404, 422), name
        assert "<script>" not in answer.text or answer.headers["content-type"] == "application/problem+json"
    token = bearer(tokens.ours)
    for path in (f"{API}/submissions/{odd}", f"{API}/submissions/{odd}/compare/{odd}", f"{API}/uploads/{odd}"):
        assert client.get(path, headers=token).status_code in (404, 422), path
    for path in (f"/t/{odd}/v3/semseg/frozen", f"/t/mini/v{odd}/semseg/frozen", f"/static/{odd}", f"/{odd}"):
        assert client.get(path).status_code in (200, 400, 404, 422), path
    assert client.get(f"{API}/suites").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[" * 15_000, 400),
        (b'{"size": 1e400, "sha256": "0"}', 422),
        (b'{"size": ' + b"9" * 5000 + b', "sha256": "' + b"0" * 64 + b'"}', 400),
        (b'{"size": true, "sha256": "' + b"0" * 64 + b'"}', 422),
        (b'{"size": 1, "sha256": "' + b"0" * 64 + b'", "more": 1}', 422),
        (b'{"size": 1, "sha256": "../../../etc/passwd"}', 422),
        (b"\xff\xfe", 422),
        (b"null", 422),
        (b" " * (bodies.JSON_BYTES + 1), 413),
    ],
)
def test_json_that_is_absurd_is_refused(client: TestClient, tokens: Tokens, body: bytes, status: int) -> None:
    headers = bearer(tokens.ours) | {"Content-Type": "application/json"}
    answer = client.post(f"{API}/uploads", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_is_refused_before_it_is_read(board: Store, tokens: Tokens) -> None:
    token = bearer(tokens.ours)
    with TestClient(create_app(with_settings(board, chunk_bytes=2000))) as client:
        place = client.post(f"{API}/uploads", json={"size": 5000, "sha256": "0" * 64}, headers=token).headers[
            "location"
        ]
        piece = token | STREAM | {"Upload-Offset": "0"}
        assert client.patch(place, content=b"x" * 2001, headers=piece).status_code == 413
        assert client.patch(place, content=iter([b"P", b"K"]), headers=piece).status_code == 411  # no length known
        assert client.patch(place, content=b"PK", headers=piece | {"Content-Type": "image/png"}).status_code == 415
        assert client.post(f"{API}/uploads", data={"size": 1}, headers=token).status_code == 415
        assert client.patch(place, content=b"PK", headers=token | STREAM).status_code == 422  # no offset
        assert client.patch(place, content=b"PK", headers=piece | {"Upload-Offset": "-1"}).status_code == 422
        assert client.request("GET", f"{API}/suites", content=b"x").status_code == 413
        assert client.post("/", content=b"x" * 100_000, headers=STREAM).status_code == 413
        assert client.get(place, headers=token).json()["offset"] == 0


def test_an_upload_that_is_no_submission_is_refused_with_its_first_piece(client: TestClient, tokens: Tokens) -> None:
    token = bearer(tokens.ours)
    place = client.post(f"{API}/uploads", json={"size": 5000, "sha256": "0" * 64}, headers=token).headers["location"]
    headers = token | STREAM | {"Upload-Offset": "0"}
    for _ in range(2):
        answer = client.patch(place, content=b"\x80\x04pickle", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (422, "refused")
    assert "no archive" in client.get(place, headers=token).json()["refusal"]


def test_every_answer_keeps_browsers_from_harm(client: TestClient, tokens: Tokens) -> None:
    for path in ("/", f"{API}/suites", "/nothing", f"{API}/nothing", f"{API}/submissions"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in headers
    assert client.get(f"{API}/submissions", headers=bearer(tokens.ours)).headers["cache-control"] == "no-store"


def test_https_is_remembered(board: Store) -> None:
    with TestClient(create_app(board), base_url="https://board.example") as client:
        assert "max-age" in client.get(f"{API}/suites").headers["strict-transport-security"]


def test_head_is_get_without_a_body_and_what_is_known_is_not_sent_again(client: TestClient) -> None:
    assert client.head(f"{API}/suites").status_code == 200
    assert client.head(f"{API}/suites").content == b""
    assert client.head("/").headers["content-type"].startswith("text/html")


def test_whoever_asks_too_often_is_told_when_to_come_back(board: Store, tokens: Tokens) -> None:
    few = with_settings(board, requests_per_minute=3, writes_per_minute=2)
    with TestClient(create_app(few)) as client:
        answers = [client.get(f"{API}/suites") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        assert answers[-1].json()["error"] == "too-often"
        mine = [client.get(f"{API}/submissions", headers=bearer(tokens.ours)).status_code for _ in range(3)]
        assert mine == [200, 200, 429]
        assert client.get(f"{API}/submissions", headers=bearer(tokens.theirs)).status_code == 200


def test_tokens_cannot_be_guessed_fast(client: TestClient, tokens: Tokens) -> None:
    def guess(number: int) -> int:
        return client.get(f"{API}/submissions", headers=bearer(f"tstb_{number}")).status_code

    found = [guess(number) for number in range(WRONG_TOKENS_PER_MINUTE + 5)]
    assert found[:WRONG_TOKENS_PER_MINUTE] == [401] * WRONG_TOKENS_PER_MINUTE
    assert found[-1] == 429


def test_a_bucket_refills_evenly_and_forgets_whoever_was_long_gone() -> None:
    clock = [0.0]
    buckets = Buckets(60, most=2, clock=lambda: clock[0])
    assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
    assert buckets.take("a") == pytest.approx(1.0)
    clock[0] = 1.0
    assert (buckets.wait("a"), buckets.take("a")) == (0.0, 0.0)
    assert buckets.take("a") > 0
    buckets.take("b")
    buckets.take("c")
    assert buckets.take("a") == 0.0


def test_an_ipv6_household_is_one_address() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff") != address_key("2001:db8:0:1::1")
    assert address_key("192.0.2.1") != address_key("192.0.2.2")


def test_no_token_is_readable_in_a_log() -> None:
    secret = "tstb_" + "a" * 43
    try:
        raise ValueError(secret)
    except ValueError as error:
        caught = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.INFO, "", 1, f"{secret} %s", (f"Bearer {secret}",), caught)
    NoSecrets().filter(record)
    assert "aaaa" not in logging.Formatter().format(record)
    assert "tstb_***" in record.getMessage()


def test_slow_clients_are_hung_up_on_and_others_are_served(
    live: Callable[..., str], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImpatientProtocol, "head_seconds", 0.5)
    monkeypatch.setattr(bodies.Bodies.__init__, "__defaults__", (0.5,))
    address = live()
    port = int(address.rpartition(":")[2])
    silent, halting, dribbling = (socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(3))
    halting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    dribbling.sendall(
        b"POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        b"Authorization: Bearer " + tokens.ours.encode() + b"\r\n\r\n{"
    )
    began = time.monotonic()
    assert silent.recv(1000) == b""
    assert halting.recv(1000) == b""
    assert dribbling.recv(10_000).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 15
    with socket.create_connection(("127.0.0.1", port), timeout=20) as good:
        good.sendall(b"GET /api/v1/suites HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good.recv(1000).startswith(b"HTTP/1.1 200")
    for each in (silent, halting, dribbling):
        each.close()


def test_whatever_fits_the_description_of_the_api_is_answered_as_described(
    board: Store, tokens: Tokens, request: pytest.FixtureRequest
) -> None:
    """Requests drawn from the OpenAPI document, good ones and bad ones (schemathesis)."""
    if request.node.callspec.params["database"] != "sqlite":
        pytest.skip("what is asked of a database is tested on both elsewhere")
    schemathesis.serializer.alias(bodies.OFFSET_STREAM, "application/octet-stream")
    app = create_app(with_settings(board, requests_per_minute=10**6, writes_per_minute=10**6))
    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", app)
    not_a_fault = [positive_data_acceptance]  # no schema says what a board's settings allow, or what a submission is
    drawn = settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    for result in schema.get_all_operations():
        operation = result.ok()

        @drawn
        @given(case=operation.as_strategy())
        def answers_as_described(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=bearer(tokens.ours), excluded_checks=not_a_fault)

        answers_as_described()
