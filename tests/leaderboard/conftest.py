"""One run and one submission for all tests of the leaderboard; a board of its own, on each database, for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.packs import write_private_pack, write_public_pack
from leaderboard.store.database import Store, open_store
from leaderboard.submission import pack_submission
from leaderboard.truth import Truth, open_truth
from tests.leaderboard.board_kit import MiniRun, entry_of, make_run
from tests.leaderboard.database_kit import DATABASES, Cluster, running_cluster


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> MiniRun:
    return make_run(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="session")
def submitted(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("submission") / "scratch.zip"
    pack_submission(run.folder, path, run.suites)
    return path


@pytest.fixture(scope="session")
def private_pack(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("private") / "truth.zip"
    write_private_pack(run.folder, path, run.suites, run.open_recording)
    return path


@pytest.fixture(scope="session")
def public_pack(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("public") / "frames.zip"
    write_public_pack(run.folder, path, run.suites, run.open_recording)
    return path


@pytest.fixture(scope="session")
def truth(private_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return open_truth(private_pack, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="session")
def entry(submitted: Path, truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """The submission as a board scores it; see :func:`tests.leaderboard.board_kit.add_scored`."""
    return entry_of(submitted, truth, tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the session; a test that asks for it is skipped where there is none."""
    with running_cluster() as started:
        yield started


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """What ``--database`` would be: None for SQLite in the board's folder, then the URL of an empty PostgreSQL one."""
    if request.param == "sqlite":
        yield None
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    url = cluster.new_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def store(database: str | None, tmp_path: Path) -> Iterator[Store]:
    """A new board, once on each database."""
    opened = open_store(open_board(tmp_path / "board", database))
    yield opened
    opened.engine.dispose()
