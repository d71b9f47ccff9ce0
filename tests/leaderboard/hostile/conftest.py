"""A board on SQLite for attacks: what is asked of both databases is tested where it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard.board import open_board
from leaderboard.store.database import Store, open_store
from tests.leaderboard.server.conftest import board, live, tokens

__all__ = ["board", "live", "tokens"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(open_board(tmp_path / "board"))
    yield opened
    opened.engine.dispose()
