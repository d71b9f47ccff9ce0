"""A board that a process of its own serves, as its users reach it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

_COMMAND = (sys.executable, "-c", "from benchmark.cli import main; main()", "leaderboard", "serve", "--port", "0")


@dataclass(frozen=True)
class Served:
    """A running server."""

    address: str
    process: int

    @property
    def host(self) -> str:
        """Return ``127.0.0.1:8000``."""
        return urlsplit(self.address).netloc

    def processor_seconds(self) -> float:
        """Return the processor time that the server has had, without the workers beside it."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Answer:
    """What came back, and when: seconds from before the request was sent."""

    status: int
    first_byte: float
    whole: float
    size: int


def get(connection: HTTPConnection, path: str) -> Answer:
    """Read one page over a connection that stays open."""
    start = perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    size = len(response.read(1))
    first = perf_counter() - start
    size += len(response.read())
    return Answer(response.status, first, perf_counter() - start, size)


@contextmanager
def served(folder: Path, database: str | None = None, workers: int = 0) -> Iterator[Served]:
    """Serve a board until the block ends, without limits on how often one address may read."""
    (folder / "board.yaml").write_text("requests_per_minute: 1000000\nwrites_per_minute: 1000000\n", encoding="utf-8")
    where = ("--data", str(folder), "--workers", str(workers), *(("--database", database) if database else ()))
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([*_COMMAND, *where], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            if not address:
                raise RuntimeError((folder / "server.log").read_text(encoding="utf-8", errors="replace"))
            yield Served(address, server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
