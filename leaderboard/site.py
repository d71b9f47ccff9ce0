"""The board as a folder of files for any web host, or for a browser that opens them from a disk.

Pages are those of the server, with links between files instead of to addresses. What a server does on demand, such as
sorting, is done in the page; what it could only do is left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.pages.assets import served
from leaderboard.pages.comparison import comparison_page
from leaderboard.pages.downloads import table_file
from leaderboard.pages.feed import feed
from leaderboard.pages.guide import guide_page
from leaderboard.pages.home import home_page
from leaderboard.pages.submission import scores_json, submission_page
from leaderboard.pages.table import table_page
from leaderboard.pages.urls import Download, StaticUrls
from leaderboard.standings import TableKey, TableQuery
from leaderboard.store.database import Store
from leaderboard.store.listing import table, tables, visible
from leaderboard.store.tables import BoardSuite, Submitted
from sim_envs.errors import UserError
from sim_envs.storage import disk_error

ABOUT = "site.json"
"""Tells a folder that was built here, which may be replaced, from any other."""

ALL_COMPARED = 20
"""Submissions to a suite up to which each is compared with every other: 380 pages."""

FIRST_COMPARED = 10
"""Where there are more, the first of each table are compared with each other."""


@dataclass(frozen=True)
class Built:
    """What was written."""

    submissions: int
    tables: int
    comparisons: int
    files: int
    size: int


def build(store: Store, out: Path, url: str = "") -> Built:
    """Write the site of a board; one that is there is replaced as a whole.

    The same board, or the same entries, give the same bytes.

    Args:
        out: the folder; it and what is in it are made.
        url: where the site will be, for readers of the feed; without one its links are relative.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    out = out.resolve()
    _refuse_other_folders(out)
    beside, before = (out.with_name(f".{out.name}.{what}") for what in ("partial", "replaced"))
    try:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)
        built = _write(store, beside, StaticUrls(base=url.rstrip("/")))
        _put_in_place(beside, out, before)
    except OSError as error:
        raise disk_error(out, error) from error
    finally:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)
    return built


def _refuse_other_folders(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; name a folder for the site.")
    if out.is_dir() and any(out.iterdir()) and not (out / ABOUT).is_file():
        raise UserError(f"{out} holds something else than a site built here. Name a folder that is new or empty.")


def _put_in_place(beside: Path, out: Path, before: Path) -> None:
    if out.exists():
        out.rename(before)
    try:
        beside.rename(out)
    except OSError:
        if before.exists():
            before.rename(out)
        raise


def _write(store: Store, folder: Path, urls: StaticUrls) -> Built:
    with store.reading() as session:
        keys = tables(session)
        submissions = session.scalars(select(Submitted.id).where(*visible()).order_by(Submitted.id)).all()
        pairs = compared(session, keys)
    counts = {"submissions": len(submissions), "tables": len(keys), "comparisons": len(pairs)}
    files = size = 0
    for name, content in _files(store, urls, keys, submissions, pairs):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content)
        files, size = files + 1, size + path.stat().st_size
    (folder / ABOUT).write_text(json.dumps({"made by": "tst-bench leaderboard build", **counts}) + "\n")
    return Built(**counts, files=files + 1, size=size)


def compared(session: Session, keys: Sequence[TableKey]) -> list[tuple[str, str]]:
    """Return which comparisons have a page, both ways round.

    Every pair of a small suite; of a larger one the pairs of those that are first in one of its tables.
    """
    found: set[tuple[str, str]] = set()
    for key in keys:
        most = ALL_COMPARED if key.rows <= ALL_COMPARED else FIRST_COMPARED
        first = table(session, TableQuery(key.suite, key.version, key.task, key.protocol, size=most)).rows
        found.update(permutations([row.id for row in first], 2))
    return sorted(found)


def _files(
    store: Store,
    urls: StaticUrls,
    keys: Sequence[TableKey],
    submissions: Sequence[str],
    pairs: Sequence[tuple[str, str]],
) -> Iterator[tuple[str, bytes | Path]]:
    """Yield every file with its name below the folder: its content, or the file that holds it."""
    root = StaticUrls()
    for asset in served().values():
        yield f"static/{asset.name}", asset.content
    yield "index.html", home_page(store, urls).encode()
    yield root.guide(), guide_page(store, urls.at(root.guide())).encode()
    yield root.feed(), feed(store, urls.at(root.feed())).encode()
    for key in keys:
        for space in ("", *key.spaces):
            yield from _table(store, urls, TableQuery(key.suite, key.version, key.task, key.protocol, space))
    for first in submissions:
        others = [two for one, two in pairs if one == first]
        here = root.submission(first)
        yield here, submission_page(store, first, urls.at(here), others)[1].encode()
        yield root.scores(first), (scores_json(store, first, urls.at(root.scores(first))) or "").encode()
        for second in others:
            here = root.comparison(first, second)
            yield here, comparison_page(store, first, second, urls.at(here))[1].encode()
    yield from _kept(store, submissions)


def _table(store: Store, urls: StaticUrls, query: TableQuery) -> Iterator[tuple[str, bytes]]:
    root = StaticUrls()
    here = unquote(root.table(query))
    yield here, table_page(store, query, urls.at(here)).encode()
    for kind in get_args(Download):
        yield unquote(root.download(query, kind)), table_file(store, query, kind)


def _kept(store: Store, submissions: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield pictures and public packs."""
    root = StaticUrls()
    with store.reading() as session:
        listed = session.scalars(select(Submitted.pictures).where(Submitted.id.in_(submissions))).all()
        packs = session.scalars(select(BoardSuite).where(BoardSuite.public_pack.is_not(None))).all()
    shown = {sample[kind] for pictures in listed for sample in pictures or () for kind in ("rgb", "prediction")}
    for sha256 in sorted(shown):
        yield root.picture(sha256), store.files.path(sha256)
    for suite in packs:
        assert suite.public_pack is not None
        yield unquote(root.pack(suite.name, suite.version)), store.files.path(suite.public_pack)
