"""A busy board: many readers and uploads at once against a real server with a worker, and what went wrong.

``python -m tests.bench.board_load --readers 200 --uploads 20 --seconds 20``. Readers ask for one page after another
without a pause, each over its own connection, for as long as is said; meanwhile every upload sends a submission of a
team of its own, cut into pieces. The board is filled with submissions that nobody made, those that are sent are of a
small real run. Prints latencies, and ends with 1 when a request failed, an answer was no success, or a submission was
not scored exactly once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

import numpy as np
from sqlalchemy import update

from leaderboard.board import open_board
from leaderboard.client import Client
from leaderboard.manifest import About
from leaderboard.packs import write_private_pack
from leaderboard.store.database import Store, open_store
from leaderboard.store.queue import now
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import BoardSuite, LogLine, Submitted
from leaderboard.store.teams import issue_token, team_named
from leaderboard.submission import pack_submission
from sim_envs.errors import UserError
from tests.bench.crowded_board import SUITE, TABLES, VERSION, crowd
from tests.bench.served_board import Served, get, served
from tests.leaderboard.board_kit import MiniRun, make_run
from tests.leaderboard.database_kit import running_cluster

SCORING_SECONDS = 300
_TASK, _PROTOCOL = TABLES[0]
_TABLE = f"/t/{SUITE}/v{VERSION}/{_TASK}/{_PROTOCOL}"
PAGES = ("/", _TABLE, f"{_TABLE}?sort=gap", f"{_TABLE}?q=spatial", f"{_TABLE}?page=7", "/guide", "/feed.atom")


@dataclass
class Seen:
    """What readers saw; a list grows from many threads safely."""

    seconds: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def read(server: Served, first: int, until: float, seen: Seen) -> None:
    """Ask for one page after another, beginning with another page than others do."""
    connection = HTTPConnection(server.host, timeout=60)
    for number in count(first):
        if time.monotonic() >= until:
            break
        path = PAGES[number % len(PAGES)]
        try:
            answer = get(connection, path)
        except (OSError, HTTPException) as error:
            seen.wrong.append(f"{path}: {type(error).__name__} {error}")
            connection.close()
            continue
        seen.seconds.append(answer.first_byte)
        seen.whole.append(answer.whole)
        if answer.status != 200:
            seen.wrong.append(f"{path}: {answer.status}")
    connection.close()


def upload(server: Served, token: str, file: Path) -> tuple[str, float]:
    """Submit a file; return the id, or what went wrong, and the seconds it took."""
    start = time.monotonic()
    try:
        with Client(server.address, token) as client:
            said = client.submit(file)
    except UserError as error:
        said = f"! {error}"
    return said, time.monotonic() - start


def prepare(store: Store, run: MiniRun, folder: Path, submissions: int, uploads: int) -> list[tuple[str, Path]]:
    """Fill the board, take the small suite, and pack a submission for each of so many teams: (token, file)."""
    crowd(store, submissions)
    with store.transaction() as session:  # nothing of the crowd can be scored
        session.execute(update(BoardSuite).values(closed=now()))
        session.execute(update(Submitted).where(Submitted.status == "queued").values(status="rejected"))
    pack = folder / "truth.zip"
    write_private_pack(run.folder, pack, run.suites, run.open_recording)
    add_suite(store, pack, None, "open")
    sent = []
    for number in range(uploads):
        file = folder / f"{number}.zip"
        pack_submission(run.folder, file, run.suites, about=About(name=f"number {number}"))
        with store.transaction() as session:
            _, secret = issue_token(session, team_named(session, f"Sender {number}"), "load", "submit", 1)
        sent.append((secret, file))
    return sent


def wait_for_scores(store: Store, ids: Sequence[str]) -> Counter[str]:
    """Wait until nothing waits any more; return status → number of submissions."""
    deadline = time.monotonic() + SCORING_SECONDS
    while True:
        with store.reading() as session:
            statuses = Counter(session.get_one(Submitted, id).status for id in ids)
        if statuses["scored"] == len(ids) or time.monotonic() > deadline:
            return statuses
        time.sleep(0.5)


def scored_times(store: Store, ids: Sequence[str]) -> Counter[str]:
    """Return how often the log of each says that it was scored."""
    with store.reading() as session:
        lines = session.query(LogLine.submission_id).filter(LogLine.submission_id.in_(ids), LogLine.text == "scored")
        return Counter(id for (id,) in lines)


def quantiles(seconds: Sequence[float]) -> str:
    """Return the latencies in words."""
    if not seconds:
        return "none"
    at = np.quantile(seconds, [0.5, 0.9, 0.99, 1.0])
    return ", ".join(
        f"{name} {1000 * value:,.0f} ms" for name, value in zip(("median", "90 %", "99 %", "worst"), at, strict=True)
    )


@contextmanager
def database_of(kind: str) -> Iterator[str | None]:
    """Yield the URL of a new database."""
    with running_cluster() if kind == "postgresql" else nullcontext() as cluster:
        yield cluster.new_database() if cluster else None


def trial(options: argparse.Namespace, scratch: Path, database: str | None) -> bool:
    """Do it, print what was seen, and return whether all went well."""
    (scratch / "run").mkdir()
    store = open_store(open_board(scratch / "board", database))
    sent = prepare(store, make_run(scratch / "run"), scratch, options.submissions, options.uploads)
    seen = Seen()
    with served(scratch / "board", database, workers=1) as server, ThreadPoolExecutor(options.uploads) as senders:
        before, start = server.processor_seconds(), time.monotonic()
        until = start + options.seconds
        readers = [threading.Thread(target=read, args=(server, n, until, seen)) for n in range(options.readers)]
        for reader in readers:
            reader.start()
        uploads = list(senders.map(lambda one: upload(server, *one), sent))
        for reader in readers:
            reader.join()
        took, used = time.monotonic() - start, server.processor_seconds() - before
        ids = [said for said, _ in uploads if not said.startswith("!")]
        statuses = wait_for_scores(store, ids)
    times = scored_times(store, ids)
    store.engine.dispose()
    wrong = [*seen.wrong, *(said for said, _ in uploads if said.startswith("!"))]
    print(
        f"{options.readers} readers, {options.uploads} uploads, {options.submissions:,} submissions, {options.database}"
    )
    rate = f"{len(seen.seconds) / took:.0f} a second"
    print(f"{len(seen.seconds):,} pages in {took:.1f} s: {rate}; {used:.1f} s of the server's processor time")
    print(f"first byte: {quantiles(seen.seconds)}")
    print(f"whole page: {quantiles(seen.whole)}")
    print(f"uploads: {quantiles([seconds for _, seconds in uploads])}; then {dict(statuses)}")
    print(f"wrong: {len(wrong)}", *(f"  {times} × {what}" for what, times in Counter(wrong).most_common(5)), sep="\n")
    return not wrong and len(set(ids)) == options.uploads and set(times.values()) == {1} and len(times) == len(ids)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--submissions", type=int, default=10_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    with database_of(options.database) as database, tempfile.TemporaryDirectory() as scratch:
        sys.exit(0 if trial(options, Path(scratch), database) else 1)


if __name__ == "__main__":
    main()
