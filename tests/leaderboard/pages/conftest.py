"""Entries of four models, and boards that show them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.server.app import create_app
from leaderboard.store.database import Store, open_store
from tests.leaderboard.pages.details_kit import add_board_suite, four_entries, put


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    return four_entries(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def shown_board(entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A board that tests only read."""
    store = open_store(open_board(tmp_path_factory.mktemp("shown")))
    add_board_suite(store)
    for entry in entries:
        put(store, entry, pictures=True)
    yield store
    store.engine.dispose()


def client_of(store: Store) -> TestClient:
    return TestClient(create_app(store), follow_redirects=False, base_url="http://board.example")


@pytest.fixture
def client(shown_board: Store) -> TestClient:
    return client_of(shown_board)
