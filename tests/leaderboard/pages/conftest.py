"""Entries of four models, and boards that show them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.manifest import About
from leaderboard.server.app import create_app
from leaderboard.store.database import Store, open_store
from tests.leaderboard.pages.details_kit import LEDGER, add_board_suite, entry_of, put, results_of

SPECIALIST = About(
    name="Our specialist",
    description="Cross-modal masked modelling in one flat.",
    paper="https://example.org/paper?a=1&b=2",
    code="https://example.org/code",
)
OF_FRAMES = {"entries": LEDGER["entries"]}


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """scratch, tst-mae, tst (named, linked) and a pupil; in the order of their submission."""
    folder = tmp_path_factory.mktemp("results")
    tasks = ("semseg", "depth")
    kitchen = {"team": "Kitchen Vision Group"}
    return [
        entry_of(results_of(folder, "scratch", {}, tasks), 0, as_claimed=None),
        entry_of(results_of(folder, "tst-mae", OF_FRAMES, tasks), 1, as_claimed=False),
        entry_of(results_of(folder, "tst", OF_FRAMES, tasks), 2, about=SPECIALIST, **kitchen),
        entry_of(results_of(folder, "tst+seg-masks", LEDGER, tasks), 3, **kitchen),
    ]


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
