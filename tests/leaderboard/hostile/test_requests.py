"""Requests that mean no good, as bytes on a wire: none is obeyed, none breaks anything, and the next one is served."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from leaderboard import uploads
from leaderboard.server.app import API, create_app
from leaderboard.server.patience import ImpatientProtocol
from leaderboard.store.database import Store
from leaderboard.store.tables import BoardSuite, Submitted
from tests.leaderboard.server.conftest import Tokens, bearer, with_settings

MANY = {"requests_per_minute": 10**6, "writes_per_minute": 10**6}
STREAM = b"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
EVIL = "evil.example"


def request(line: bytes, headers: bytes = b"", body: bytes = b"", host: bytes = b"Host: x\r\n") -> bytes:
    return line + b" HTTP/1.1\r\n" + host + headers + b"Connection: close\r\n\r\n" + body


RAW: dict[str, bytes] = {
    "nothing that is HTTP": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(40),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "a version of the future": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": request(b"GET /", b"Host: y\r\n"),
    "an address of a megabyte": request(b"GET /" + b"a" * (1 << 20)),
    "10,000 headers": request(b"GET /", b"".join(b"X-%d: y\r\n" % n for n in range(10_000))),
    "a header of a megabyte": request(b"GET /", b"X: " + b"y" * (1 << 20) + b"\r\n"),
    "a header without a name": request(b"GET /", b": y\r\n"),
    "a header without a colon": request(b"GET /", b"X\r\n"),
    "a header with NUL": request(b"GET /", b"X: a\0b\r\n"),
    "a space before the colon": request(b"POST " + API.encode() + b"/uploads", b"Content-Length : 5\r\n", b"hello"),
    "a method of signs": request(b"G@T /"),
    "a method of 9,000 letters": request(b"G" * 9000 + b" /"),
    "a space in the address": request(b"GET /a b"),
    "control characters in the address": request(b"GET /\x01\x7f"),
    "bytes beyond ASCII in the address": request(b"GET /\xc0\xaf\xff?q=\xff"),
    "two lengths": request(b"POST /submit/status", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello!"),
    "a length below nothing": request(b"POST /submit/status", b"Content-Length: -5\r\n", b"hello"),
    "a length with a sign": request(b"POST /submit/status", b"Content-Length: +5\r\n", b"hello"),
    "a length in hexadecimal": request(b"POST /submit/status", b"Content-Length: 0x5\r\n", b"hello"),
    "a length of 5,000 digits": request(b"POST /submit/status", b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    "a length beyond all files": request(b"POST /submit", b"Content-Length: 999999999999999999\r\n"),
    "a length and pieces": request(
        b"POST /submit/status",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\nGET /submit HTTP/1.1\r\n",
    ),
    "pieces": request(b"POST /submit/status", b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\nx\r\n0\r\n\r\n"),
    "pieces of a size that is none": request(b"POST /submit/status", b"Transfer-Encoding: chunked\r\n", b"-1\r\nx\r\n"),
    "pieces that are packed": request(b"POST /submit/status", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "pieces for an upload": request(
        b"PATCH " + API.encode() + b"/uploads/x", STREAM + b"Transfer-Encoding: chunked\r\n", b"2\r\nPK\r\n0\r\n\r\n"
    ),
    "a form that is packed": request(
        b"POST /submit/status",
        b"Content-Type: multipart/form-data; boundary=a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n",
        b"\x1f\x8b\x08\0",
    ),
    "a tunnel": request(b"CONNECT " + EVIL.encode() + b":443"),
    "an echo": request(b"TRACE /"),
    "another method than it says": request(
        b"POST /submit/status", b"X-HTTP-Method-Override: GET\r\nContent-Length: 9\r\n", b"_method=x"
    ),
    "a file above": request(b"GET /static/../../../etc/passwd"),
    "a file above, written otherwise": request(b"GET /static/..%2f..%2f..%2fetc%2fpasswd"),
    "a file above, written twice otherwise": request(b"GET /static/%252e%252e%252fpasswd"),
    "a file above, in overlong UTF-8": request(b"GET /static/%c0%ae%c0%ae/board.css"),
    "a picture above": request(b"GET /pictures/..%2fboard.sqlite.png"),
    "a picture with NUL": request(b"GET /pictures/" + b"0" * 64 + b"%00.png"),
    "a version of 5,000 digits": request(b"GET /t/mini/v" + b"9" * 5000 + b"/semseg/frozen"),
    "a version beyond all databases": request(b"GET /packs/mini/v99999999999999999999/frames.zip"),
    "NUL everywhere": request(b"GET /t/%00/v1/%00/%00?space=%00&q=%00&track=%00&team=%00"),
    "half characters everywhere": request(b"GET /t/%ed%a0%80/v1/x/y?q=%ed%a0%80"),
    "4,000 tracks": request(b"GET /t/mini/v3/semseg/frozen?" + b"&".join(b"track=%x" % n for n in range(2000))),
}
"""What is wrong with a request → its bytes."""


def sent(address: str, content: bytes, ends: bool) -> bytes:
    """Send bytes over a connection of their own, and return all that comes back.

    Args:
        ends: whether the server is told that nothing more will come.
    """
    port = int(address.rpartition(":")[2])
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(content)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(1 << 16):
            answer += piece
    return answer


def test_a_request_that_is_wrong_is_refused_or_hung_up_on_and_the_next_is_served(
    live: Callable[..., str], tokens: Tokens
) -> None:
    address = live(**MANY)
    for name, content in RAW.items():
        answer = sent(address, content, ends=True)
        assert all(status[:1] == b"4" for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)), (name, answer[:200])
        assert b"root:" not in answer, name
    assert httpx.get(address).status_code == 200


def test_a_hundred_requests_at_once_are_answered_in_turn(live: Callable[..., str], tokens: Tokens) -> None:
    address = live(**MANY)
    answer = sent(address, b"GET /guide HTTP/1.1\r\nHost: x\r\n\r\n" * 99 + request(b"GET /guide"), ends=False)
    assert len(re.findall(rb"HTTP/1\.1 200 ", answer)) == 100


def test_a_hundred_slow_clients_keep_nobody_waiting(
    live: Callable[..., str], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte a tenth of a second from each, some in their headers, some in their bodies, some that never read."""
    monkeypatch.setattr(ImpatientProtocol, "head_seconds", 3.0)
    address = live(**MANY)
    port = int(address.rpartition(":")[2])
    head = f"POST {API}/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens.ours}\r\n".encode()
    body = head + b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(100)]
    for number, connection in enumerate(slow):
        connection.sendall((head, body, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)[number % 3])
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.1):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        waited = []
        for _ in range(20):
            start = time.monotonic()
            assert httpx.get(address, timeout=20).status_code == 200
            waited.append(time.monotonic() - start)
            time.sleep(0.1)
        assert sorted(waited)[len(waited) // 2] < 1
        slow[0].settimeout(20)
        assert slow[0].recv(1000) == b""  # its headers took too long
    finally:
        stop.set()
        dripping.join()
        for connection in slow:
            connection.close()


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of every route, whatever it is for; parameters hold something that fits."""
    filled = {"version:suite_version": "3", "first": "00000000", "second": "00000000", "submission": "00000000"}
    for each in app.routes:
        inner = each.effective_route_contexts() if hasattr(each, "effective_route_contexts") else [each]
        for route in inner:
            path = re.sub(r"\{([^}]+)\}", lambda found: filled.get(found[1], "x"), route.path)
            yield from ((method, path) for method in route.methods or ())


def all_routes(client: TestClient) -> set[tuple[str, str]]:
    assert isinstance(client.app, FastAPI)
    found = set(routes(client.app))
    described = {
        (method.upper(), re.sub(r"\{submission\}", "00000000", re.sub(r"\{(other|upload_id)\}", "x", path)))
        for path, methods in client.app.openapi()["paths"].items()
        for method in methods
    }
    assert described < found
    return found


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW")
BODIES: list[tuple[str, bytes]] = [
    ("application/json", b'{"why": "\\ud800"}'),
    ("application/json", b"[" * 9000),
    ("application/x-www-form-urlencoded", b"token=%00&submission=%ff&" + b"a=1&" * 999),
    ("multipart/form-data; boundary=" + "x" * 5000, b"--x"),
    ("multipart/form-data; boundary=a; charset=utf-7", b"--a\r\n\r\n\r\n--a--"),
    ("application/offset+octet-stream", b"\x1f\x8b\x08\0"),
    ("\x80/\xff", b"x"),
]


@pytest.fixture
def client(board: Store) -> Iterator[TestClient]:
    with TestClient(create_app(with_settings(board, **MANY)), raise_server_exceptions=False) as client:
        yield client


def test_no_method_and_no_body_breaks_any_route(client: TestClient, tokens: Tokens) -> None:
    paths = {path for _, path in all_routes(client)}
    assert {"/", "/submit", "/feed.atom"} < paths
    for path, method in itertools.product(sorted(paths), METHODS):
        assert client.request(method, path, headers=bearer(tokens.admin)).status_code < 500, (method, path)
    for path, (kind, body) in itertools.product(sorted(paths), BODIES):
        headers = bearer(tokens.admin) | {"Content-Type": kind.encode("latin-1")}
        for method in ("POST", "PATCH"):
            status = client.request(method, path, content=body, headers=headers).status_code  # type: ignore[arg-type]
            assert 400 <= status < 500, (method, path, kind)


def test_no_route_takes_a_token_from_anywhere_but_its_place(client: TestClient, tokens: Tokens) -> None:
    """Every route that wants one says so to whoever puts a good one into the address, a cookie or another header."""
    wanting = [
        (method, path)
        for method, path in all_routes(client)
        if path.startswith("/api/") and client.request(method, path).status_code in (401, 403)
    ]
    assert len(wanting) >= 9
    for method, path in wanting:
        for token in (tokens.ours, tokens.admin):
            names = ("token", "access_token", "authorization", "Authorization", "api_key")
            found = [
                client.request(method, path, params=dict.fromkeys(names, token)),
                client.request(method, path, headers={"Cookie": f"token={token}; Authorization=Bearer {token}"}),
                client.request(method, path, headers={"X-Api-Key": token, "Proxy-Authorization": f"Bearer {token}"}),
                client.request(method, path, headers={"Authorization": f"Basic {token}"}),
                client.request(method, path, headers={"Authorization": token}),
            ]
            assert {answer.status_code for answer in found} == {401}, (method, path)


def test_forms_take_a_token_only_from_their_fields(client: TestClient, tokens: Tokens) -> None:
    posts = [path for method, path in all_routes(client) if method == "POST" and not path.startswith("/api/")]
    assert sorted(posts) == ["/submit", "/submit/status"]
    form = {"submission": (None, "00000000"), "token": (None, ""), "file": ("x.zip", b"PK")}
    for path in sorted(posts):
        if path == "/submit/status":
            form.pop("file")
        answer = client.post(path, params={"token": tokens.ours}, headers=bearer(tokens.ours), files=form)
        assert answer.status_code in (401, 403), path
        for token in ("tstb_wrong", tokens.expired, tokens.revoked, "'; DROP TABLE tokens; --"):
            assert client.post(path, files=form | {"token": (None, token)}).status_code in (401, 403), (path, token)
    sent_by_admin = form | {"token": (None, tokens.admin), "file": ("x.zip", b"PK")}
    assert client.post("/submit", files=sent_by_admin).status_code in (401, 403)


@pytest.mark.parametrize("origin", ["null", "http://[", "http://[::1", "//", "http://a\x80", "file://", EVIL])
def test_a_form_of_no_known_origin_is_refused(client: TestClient, origin: str) -> None:
    headers = {"Origin": origin.encode("latin-1")}
    for host in ({}, {"Host": b""}):
        answer = client.post("/submit/status", data={"token": "x"}, headers=headers | host)  # type: ignore[arg-type]
        assert answer.status_code == 403


HOSTS = ['x"><script>alert(1)</script>', "x/../y", "x@y", "[", "[::1", "x:99999999", "x y", "", "\xff", "x\\y", "x?y#z"]
PLACES = ("/", "/guide", "/submit", "/feed.atom", "/nothing", "/s/00000000", f"{API}/suites", "/submit/status")


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none_is_written_into_no_answer(client: TestClient, host: str) -> None:
    for path in PLACES:
        answer = client.get(path, headers={"Host": host.encode("latin-1")}, follow_redirects=False)
        assert answer.status_code < 500
        assert "<script>alert" not in answer.text
        assert len(host) < 2 or host not in answer.text


def test_a_board_that_knows_its_address_believes_no_other(board: Store) -> None:
    known = with_settings(board, url="https://board.example", **MANY)
    tricks = {
        "Host": EVIL,
        "X-Forwarded-Host": EVIL,
        "X-Host": EVIL,
        "Forwarded": f"host={EVIL}",
        "X-Original-URL": f"/{EVIL}",
        "X-Rewrite-URL": f"/{EVIL}",
        "X-Forwarded-Proto": "javascript",
        "X-Forwarded-For": f"{EVIL}, " * 500,
    }
    with TestClient(create_app(known), raise_server_exceptions=False) as client:
        for path in PLACES:
            answer = client.get(path, headers=tricks, follow_redirects=False)
            assert EVIL not in answer.text + str(answer.headers), path


def test_no_address_leads_to_another_site(client: TestClient) -> None:
    for path in (f"//{EVIL}", f"//{EVIL}/%2e%2e", f"/\\{EVIL}", f"/s/x/vs?other=//{EVIL}", f"/s/{EVIL}/vs?other=x"):
        answer = client.get(f"http://testserver{path}", follow_redirects=False)
        assert EVIL not in answer.headers.get("location", ""), path


def test_a_form_of_thousands_of_fields_is_not_kept_in_memory(client: TestClient, tokens: Tokens) -> None:
    field = b'--a\r\nContent-Disposition: form-data; name="%d%s"\r\n\r\n\r\n'
    body = b"".join(field % (number, b"n" * 3000) for number in range(3000)) + b"--a--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=a"}
    answer = client.post("/submit", content=body, headers=headers)
    assert answer.status_code == 400
    assert "more than 8 fields" in answer.text
    for head in (b"X: " + b"y" * 3_000_000, b"X: y\r\n" * 100_000):
        assert client.post("/submit", content=b"--a\r\n" + head + b"\r\n\r\n", headers=headers).status_code == 400


def test_a_form_that_does_not_fit_on_the_disk_is_not_read(
    client: TestClient, board: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = uploads.shutil.disk_usage(board.board.folder)._replace(free=uploads.SPARE_BYTES + 1000)
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: free)
    answer = client.post("/submit", files={"token": (None, "x"), "file": ("x.zip", bytes(600))})
    assert answer.status_code == 507
    assert "no room" in answer.text


def test_parts_of_a_file_are_not_multiplied(board: Store, public_pack: Path, live: Callable[..., str]) -> None:
    with board.transaction() as session:
        session.scalars(select(BoardSuite)).one().public_pack = board.files.copy(public_pack)
    size = public_pack.stat().st_size
    ranges = {
        "the same a thousand times": "bytes=" + ",".join(["0-"] * 1000),
        "each byte": "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 4000, 2)),
        "digits without an end": "bytes=" + "9" * 9000 + "-",
        "signs": "bytes=" + "-," * 9000,
        "another unit": "parsecs=0-1",
    }
    address = live(**MANY)
    for name, each in ranges.items():
        start = time.monotonic()
        answer = httpx.get(f"{address}/packs/mini/v3/frames.zip", headers={"Range": each}, timeout=20)
        assert answer.status_code in (200, 206, 400, 416), name
        assert len(answer.content) < 20 * size, name
        assert time.monotonic() - start < 5, name


def test_a_packed_body_is_never_unpacked(client: TestClient, board: Store, tokens: Tokens) -> None:
    token = bearer(tokens.ours) | {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert client.post(f"{API}/uploads", content=b"\x1f\x8b\x08\0" + bytes(99), headers=token).status_code in (400, 422)
    with board.reading() as session:
        assert session.query(Submitted).count() == 0
