"""A board made from entries alone: what its pages show can be built, nothing can be scored on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmark.suites import Suite
from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.standings import place
from leaderboard.store.database import Store, open_store
from leaderboard.store.files import Files
from leaderboard.store.standings import record, rerank
from leaderboard.store.tables import BoardSuite, Submitted
from leaderboard.store.teams import team_named
from leaderboard.suites import digest
from sim_envs.errors import UserError

NO_PACK = ""
"""Stands where a board keeps the digest of a private pack: this one has none, and takes no submissions."""


def board_of_entries(entries: Iterable[Entry], folder: Path) -> Store:
    """Make a board in an empty folder that shows the entries, as the board they come from does.

    Its suites are those that the entries were scored in.

    Raises:
        UserError: entries of one version of a suite disagree about it or about the custody of its labels, or an entry
            holds a suite or team that is none.
    """
    store = open_store(open_board(folder))
    tables = set()
    with store.transaction() as session:
        for entry in entries:
            _add_suite(session, entry)
            session.add(_submitted(session, store.files, entry))
            session.flush()
            record(session, store.files, entry, place(entry))
            tables.add((entry.suite.name, entry.suite.version))
    for suite, version in sorted(tables):
        with store.transaction() as session:
            rerank(session, store.files, suite, version)
    return store


def _add_suite(session: Session, entry: Entry) -> None:
    """Add the suite that an entry was scored in, unless it is there."""
    named = entry.suite
    what = f"{named.name} v{named.version}"
    rules = entry.results[0].configuration.get("suite", {})
    if digest(rules) != named.digest:
        raise UserError(f"Entry {entry.id} is not of the {what} that it describes. Export it again.")
    where = (BoardSuite.name == named.name, BoardSuite.version == named.version)
    known = session.scalar(select(BoardSuite).where(*where))
    if known is None:
        suite = Suite.model_validate(rules)
        session.add(
            BoardSuite(
                name=named.name,
                version=named.version,
                digest=named.digest,
                rules=suite.model_dump(mode="json"),
                custody=entry.custody,
                private_pack=NO_PACK,
                public_pack=None,
                code=[],
                added=entry.submitted,
                closed=None,
            )
        )
    elif (known.digest, known.custody) != (named.digest, entry.custody):
        raise UserError(
            f"Entry {entry.id} is of another {what} than those before it, or its labels were in other hands. Entries "
            "of one version of a suite belong together: keep the others in a folder of their own."
        )


def _submitted(session: Session, files: Files, entry: Entry) -> Submitted:
    """Return the row of a submission as it stands after scoring."""
    kept = entry.as_bytes()
    return Submitted(
        id=entry.id,
        team_id=team_named(session, entry.team).id,
        sha256=hashlib.sha256(kept).hexdigest(),  # stands for the file of the submission, which is not here
        size=0,
        received=entry.submitted,
        status="scored",
        finished=entry.scored,
        attempts=1,
        suite=entry.suite.name,
        suite_version=entry.suite.version,
        model=entry.model,
        track=entry.track,
        name=entry.about.name,
        description=entry.about.description,
        paper=entry.about.paper,
        code=entry.about.code,
        seeds=len({result.seed for result in entry.results}),
        content=entry.content,
        as_claimed=entry.as_claimed,
        **entry.cost.model_dump(),
        entry=files.put(kept),
        pictures=[],
    )
