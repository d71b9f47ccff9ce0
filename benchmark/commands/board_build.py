"""What ``tst-bench leaderboard build`` does."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.commands.console import note, out
from leaderboard.board import open_board
from leaderboard.entries import read_entries
from leaderboard.site import build
from leaderboard.store.database import Store, open_store
from leaderboard.store.from_entries import board_of_entries
from sim_envs.errors import UserError


def build_site(folder: Path, data: Path | None, database: str | None, entries: Path | None, url: str) -> None:
    """Build the site of a board or of entries, and print where its first page is.

    Raises:
        UserError: not exactly one of them is given, or it cannot be read; a folder that may not be replaced.
    """
    if (data is None) == (entries is None):
        raise UserError("Say what to build from: --data DIR (a board), or --entries DIR (a folder of entries).")
    if entries is not None and database is not None:
        raise UserError("--database is that of a board: give it with --data, not with --entries.")
    if url and not re.fullmatch(r"https?://\S+", url):
        raise UserError(f"--url {url} is no address: give one that begins with https://.")
    source = _entries_board(entries) if entries is not None else _board(data, database)
    with source as store:
        built = build(store, folder, url)
    note.print(
        f"{built.submissions} submissions in {built.tables} tables, {built.comparisons} comparisons: {built.files} "
        f"files, {built.size / 1e6:.1f} MB.",
        highlight=False,
        markup=False,
    )
    out.print(str(folder / "index.html"), highlight=False, markup=False)


@contextmanager
def _entries_board(folder: Path) -> Iterator[Store]:
    entries = read_entries(folder)
    with tempfile.TemporaryDirectory(prefix="tst-bench-board-") as scratch:
        store = board_of_entries(entries, Path(scratch))
        try:
            yield store
        finally:
            store.engine.dispose()


@contextmanager
def _board(folder: Path | None, database: str | None) -> Iterator[Store]:
    assert folder is not None  # or there would be entries
    if not folder.is_dir():
        raise UserError(f"No board in {folder}. tst-bench leaderboard serve makes one.")
    store = open_store(open_board(folder, database))
    try:
        yield store
    finally:
        store.engine.dispose()
