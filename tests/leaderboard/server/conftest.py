"""A board that takes the miniature suite, its application, and tokens of every kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from leaderboard import uploads
from leaderboard.board import Board, Settings
from leaderboard.server.app import create_app
from leaderboard.server.serving import server
from leaderboard.store.database import Store
from leaderboard.store.queue import now
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import Submitted
from leaderboard.store.teams import Scope, issue_token, team_named
from leaderboard.worker.loop import work
from sim_envs.storage import digest_file


@pytest.fixture
def board(store: Store, private_pack: Path) -> Store:
    add_suite(store, private_pack, None, "open")
    return store


@dataclass(frozen=True)
class Tokens:
    """Of the team Ours, the team Theirs, and those who run the board."""

    ours: str
    theirs: str
    expired: str
    revoked: str
    admin: str


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def tokens(board: Store) -> Tokens:
    with board.transaction() as session:

        def new(team: str, scope: Scope = "submit") -> tuple[object, str]:
            return issue_token(session, team_named(session, team), "test", scope, 30)

        expired, expired_secret = new("Ours")
        revoked, revoked_secret = new("Ours")
        expired.expires = now() - timedelta(seconds=1)  # type: ignore[attr-defined]
        revoked.revoked = now()  # type: ignore[attr-defined]
        return Tokens(new("Ours")[1], new("Theirs")[1], expired_secret, revoked_secret, new("Staff", "admin")[1])


@pytest.fixture
def client(board: Store) -> Iterator[TestClient]:
    with TestClient(create_app(board), raise_server_exceptions=False) as client:
        yield client


def with_settings(store: Store, **fields: object) -> Store:
    """Return the board with other settings."""
    return Store(Board(store.board.folder, store.board.database, Settings(**fields)), store.engine)


def queued(store: Store, file: Path, team: str = "Ours") -> Submitted:
    """Submit a file without a server."""
    with store.transaction() as session:
        ours = team_named(session, team)
    upload = uploads.begin(store, ours, file.stat().st_size, digest_file(file))
    uploads.append(store, upload.id, ours.id, 0, [file.read_bytes()])
    return uploads.finish(store, upload.id, ours.id)


def scored(store: Store, file: Path, team: str = "Ours") -> Submitted:
    """Submit a file without a server, and score it."""
    submitted = queued(store, file, team)
    work(store, "test", once=True)
    return submitted


@pytest.fixture
def live(board: Store) -> Iterator[Callable[..., str]]:
    """Serve the board on a port of this machine; call it with settings, it returns the address."""
    running = []

    def start(**fields: object) -> str:
        ready = threading.Event()
        ports: list[int] = []
        made = server(with_settings(board, **fields), "127.0.0.1", 0, lambda port: (ports.append(port), ready.set()))
        made.config.log_config = None
        made.config.access_log = False
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        assert ready.wait(30)
        running.append((made, thread))
        return f"http://127.0.0.1:{ports[0]}"

    yield start
    for made, thread in running:
        made.should_exit = True
        thread.join(30)
