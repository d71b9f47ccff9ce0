"""Kill a board again and again while it is used: no submission is lost, and each is scored exactly once.

``python -m tests.bench.board_kills --rounds 20 --uploads 20``. A server and a worker run as processes of their own; in
each round one of them, by chance, is killed (SIGKILL) at a random moment and started again, while teams submit with
:class:`leaderboard.client.Client`, in small pieces. Then nothing more is killed until nothing waits. Ends with 1 when
a submission that was accepted is missing, is not scored, was scored twice or stands twice in a table, or a file or a
part that belongs to nothing is left.
"""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from leaderboard.board import open_board
from leaderboard.client import BoardError, Client
from leaderboard.manifest import About
from leaderboard.packs import write_private_pack
from leaderboard.store.database import Store, open_store
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import Standing, Submitted
from leaderboard.store.teams import issue_token, team_named
from leaderboard.submission import pack_submission
from sim_envs.errors import UserError
from tests.bench.board_load import database_of, scored_times, wait_for_scores
from tests.leaderboard.board_kit import MiniRun, make_run

SETTINGS = {"requests_per_minute": 10**6, "writes_per_minute": 10**6, "chunk_bytes": 2000, "attempts": 100}
"""Of the board: a submission whose worker is killed by chance three times in a row is not given up."""

LONGEST_SECONDS = 10.0
"""From one kill to the next: a server needs some of them to start."""
SENDERS = 2
_TST_BENCH = (sys.executable, "-c", "from benchmark.cli import main; main()", "leaderboard")


@dataclass(frozen=True)
class Board:
    """A board whose parts are processes.

    Attributes:
        folder: also of the log.
    """

    folder: Path
    database: str | None
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, part: str) -> subprocess.Popen[bytes]:
        """Start the server or the worker."""
        where = ("--data", str(self.folder), *(("--database", self.database) if self.database else ()))
        options = {"server": ("serve", "--port", str(self.port), "--workers", "0"), "worker": ("work",)}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([*_TST_BENCH, *options[part], *where], stdout=log, stderr=log)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def prepare(store: Store, run: MiniRun, folder: Path, uploads: int) -> list[tuple[str, Path]]:
    """Take the small suite, and pack a submission for each of so many teams: (token, file)."""
    write_private_pack(run.folder, folder / "truth.zip", run.suites, run.open_recording)
    add_suite(store, folder / "truth.zip", None, "open")
    sent = []
    for number in range(uploads):
        file = folder / f"{number}.zip"
        pack_submission(run.folder, file, run.suites, about=About(name=f"number {number}"))
        with store.transaction() as session:
            _, secret = issue_token(session, team_named(session, f"Sender {number}"), "kills", "submit", 1)
        sent.append((secret, file))
    return sent


def insist(board: Board, token: str, file: Path) -> str:
    """Submit a file as somebody does who starts the command again when the board is not there; return the id."""
    deadline = time.monotonic() + 600
    while True:
        try:
            with Client(board.address, token) as client:
                return client.submit(file)
        except BoardError:
            raise
        except UserError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def kill_by_chance(board: Board, rounds: int, seed: int, unfinished: Callable[[], int]) -> Counter[str]:
    """Kill and start so many times; return what was killed how often, and how often uploads were under way."""
    random, killed = np.random.default_rng(seed), Counter[str]()
    for _ in range(rounds):
        time.sleep(random.uniform(0.2, LONGEST_SECONDS))
        part = ("server", "worker")[int(random.integers(2))]
        PROCESSES[part].kill()
        PROCESSES[part].wait()
        killed[part] += 1
        killed["with uploads under way"] += unfinished() > 0
        PROCESSES[part] = board.start(part)
    return killed


PROCESSES: dict[str, subprocess.Popen[bytes]] = {}


def faults(store: Store, ids: Sequence[str]) -> list[str]:
    """Return what is wrong with a board on which nothing waits any more."""
    with store.reading() as session:
        there = {submitted.id: submitted for submitted in session.query(Submitted)}
        places = Counter((each.submission_id, each.task, each.protocol, each.space) for each in session.query(Standing))
    times = scored_times(store, list(there))
    wrong = [f"{id} was accepted and is not there" for id in ids if id not in there]
    wrong += [f"{id} is there and nobody was told" for id in there if id not in ids]
    wrong += [f"{id} is {each.status}: {each.message}" for id, each in there.items() if each.status != "scored"]
    wrong += [f"{id} was scored {times[id]} times" for id in there if times[id] != 1]
    wrong += [f"{place} is there {count} times" for place, count in places.items() if count != 1]
    placed = {submission for submission, *_ in places}
    wrong += [f"{id} has no place" for id in there if id not in placed]
    wrong += [f"the file of {id} is gone" for id, each in there.items() if each.sha256 not in store.files]
    wrong += [f"{path.name} is left" for path in store.board.uploads.glob("*")]
    return wrong


def trial(options: argparse.Namespace, scratch: Path, database: str | None) -> bool:
    """Do it, print what was seen, and return whether all went well."""
    (scratch / "run").mkdir()
    run = make_run(scratch / "run")
    board = Board(scratch / "board", database, free_port())
    store = open_store(open_board(board.folder, database))
    (board.folder / "board.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    sent = prepare(store, run, scratch, options.uploads)
    start = time.monotonic()
    PROCESSES.update({part: board.start(part) for part in ("server", "worker")})
    try:
        with ThreadPoolExecutor(SENDERS) as senders:
            said = [senders.submit(insist, board, *one) for one in sent]
            killed = kill_by_chance(board, options.rounds, options.seed, lambda: sum(not each.done() for each in said))
            ids = [each.result() for each in said]
        statuses = wait_for_scores(store, ids)
    finally:
        for process in PROCESSES.values():
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    wrong = faults(store, ids)
    with store.reading() as session:
        attempts = Counter(submitted.attempts for submitted in session.query(Submitted))
    store.engine.dispose()
    took = time.monotonic() - start
    print(f"{options.uploads} uploads, killed {dict(killed)}, {options.database}: {dict(statuses)} in {took:.0f} s")
    print(f"attempts → submissions: {dict(sorted(attempts.items()))}")
    print(f"wrong: {len(wrong)}", *wrong, sep="\n  ")
    return not wrong


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    with database_of(options.database) as database, tempfile.TemporaryDirectory() as scratch:
        sys.exit(0 if trial(options, Path(scratch), database) else 1)


if __name__ == "__main__":
    main()
