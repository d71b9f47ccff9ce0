"""What ``tst-bench leaderboard build`` does."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from benchmark.commands.boards import existing_board_at
from benchmark.commands.console import note, out
from leaderboard.entries import read_entries
from leaderboard.pages.words import plural
from leaderboard.site import build
from leaderboard.store.database import Store
from leaderboard.store.from_entries import board_of_entries
from sim_envs.errors import UserError


def build_from_board(folder: Path, data: Path, database: str | None, url: str) -> None:
    """Build the site of a board, and print where its first page is.

    Raises:
        UserError: there is no such board, or the folder may not be replaced.
    """
    _build(existing_board_at(data, database), folder, url)


def build_from_entries(folder: Path, entries: Path, url: str) -> None:
    """Build the site of entries by way of a board that is only there for it; see :func:`build_from_board`."""
    read = read_entries(entries)
    with tempfile.TemporaryDirectory(prefix="tst-bench-board-") as scratch:
        _build(board_of_entries(read, Path(scratch)), folder, url)


def _build(store: Store, folder: Path, url: str) -> None:
    try:
        if url and not re.fullmatch(r"https?://\S+", url):
            raise UserError(f"--url {url} is no address: give one that begins with https://.")
        built = build(store, folder, url)
    finally:
        store.engine.dispose()
    note.print(
        f"{plural(built.submissions, 'submission')} in {plural(built.tables, 'table')}, "
        f"{plural(built.comparisons, 'comparison')}: {plural(built.files, 'file')}, {built.size / 1e6:.1f} MB.",
        highlight=False,
        markup=False,
    )
    out.print(str(folder / "index.html"), highlight=False, markup=False)
