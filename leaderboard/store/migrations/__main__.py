"""Write the next step: the difference between the tables that all steps so far make, and those of the code."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from leaderboard.store.database import connect
from leaderboard.store.migrations import FOLDER, bring_up_to_date, configuration


def write_next(message: str) -> None:
    """Write ``versions/000N_….py``."""
    versions = sorted((FOLDER / "versions").glob("[0-9]*.py"))
    config = configuration()
    with tempfile.TemporaryDirectory() as scratch:
        engine = connect(f"sqlite:///{Path(scratch) / 'board.sqlite'}")
        if versions:
            bring_up_to_date(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=f"{len(versions) + 1:04d}")
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m leaderboard.store.migrations MESSAGE")
    write_next(sys.argv[1])
