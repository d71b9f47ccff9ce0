"""Databases for tests: SQLite in a folder, PostgreSQL in a cluster of the test session's own."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

DATABASES = ("sqlite", "postgresql")

_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "shared_buffers=16MB")


@dataclass
class Cluster:
    """A PostgreSQL server that only listens on a socket in its folder."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"board{next(self._numbers)}"
        self._do(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self._do(f"DROP DATABASE {url.partition('@/')[2].partition('?')[0]} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a cluster, as the user postgres where the tests are root, which PostgreSQL refuses to be.

    Skips the test where PostgreSQL is not installed.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": ()}
    folder = Path(tempfile.mkdtemp(prefix="tst-bench-pg-", dir="/tmp"))  # the path of a socket has 107 bytes at most
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    common: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, **as_user}
    log = (folder / "log").open("wb")
    try:
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True,
            stdout=log,
            stderr=log,
            **common,
        )
        options = [piece for option in _FAST for piece in ("-c", option)]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *options],
            stdout=log,
            stderr=log,
            preexec_fn=_end_with_parent,
            **common,
        )
        try:
            cluster = Cluster(folder)
            _wait_for(cluster, server)
            yield cluster
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing in it is needed any more
            server.wait(30)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs: on PATH, or where Debian keeps them."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    return next(
        (folder for folder in folders if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None
    )


def _end_with_parent() -> None:
    """Have the system end the server when the tests are killed (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _wait_for(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        engine = create_engine(cluster.url("postgres"))
        try:
            engine.connect().close()
        except OperationalError:
            time.sleep(0.05)
        else:
            return
        finally:
            engine.dispose()
        if server.poll() is not None:
            break
    raise RuntimeError((cluster.folder / "log").read_text(encoding="utf-8", errors="replace"))
