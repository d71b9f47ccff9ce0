"""Machines that share no disk, only a store: each has a data home of its own, and what jobs read and write travels.

Before a job is sent, this machine puts what the job reads into the store. The machine that runs it copies that into its
own home, runs the job there, and puts into the store what the job wrote; then this machine copies that. A job that is
run again elsewhere does the same again, and finds what was finished in the store.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from benchmark.jobs import Job, Report, writes_nothing
from benchmark.jobs.doing import do
from benchmark.jobs.sharing import Errand
from benchmark.jobs.shelf import Shelf
from sim_envs.errors import UserError

ELSEWHERE = "elsewhere"
"""Where in a home lies what does not lie in the home of the machine that sends it: weights of other people."""


def home_there(sender: Path) -> Path:
    """Return the data home of this machine when a job comes from another one: under the same path unless set."""
    return Path(os.environ.get("TST_BENCH_HOME") or sender).expanduser().resolve()


@dataclass(frozen=True)
class StagedErrand:
    """A job whose paths are relative to whatever home it is run in.

    Attributes:
        packed: the job, see :func:`pack`.
        sender: the home of the machine that sends it.
        reads, writes: folders and files by key, which is their path in a home.
    """

    packed: bytes
    sender: Path
    url: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def __call__(self, threads: int, report: Report) -> str:
        """Copy what the job reads, run it, and send what it wrote; its log comes back however it ends."""
        home, shelf = home_there(self.sender), Shelf(self.url)
        job = unpack(self.packed, home)
        arguments = {"job": job, "home": home, "shelf": shelf, "reads": self.reads, "writes": self.writes}
        try:
            job.log.parent.mkdir(parents=True, exist_ok=True)
            error = do(replace(job, function=_run_staged, arguments=arguments), threads, report)
            shelf.push(job.log, _key(job.log, home))
        except (UserError, OSError) as problem:
            return _here(problem)
        return error


def _run_staged(
    job: Job, home: Path, shelf: Shelf, reads: tuple[str, ...], writes: tuple[str, ...], report: Report
) -> None:
    with _naming_this_machine():
        for key in reads:
            if not shelf.pull(key, home / key):
                raise UserError(f"the store {shelf.url} has no {key}. Run the same command again where it is.")
        for key in writes:
            shelf.pull(key, home / key)  # what is done already, or begun
    job.function(**job.arguments, report=report)
    with _naming_this_machine():
        for key in writes:
            shelf.push(home / key, key)


@contextlib.contextmanager
def _naming_this_machine() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(_here(error)) from error


def _here(error: Exception) -> str:
    return f"{socket.gethostname()}: {error}"


class ThroughStore:
    """Every machine reaches a store, by its URL, and has a data home of its own; ``home`` is that of this machine."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self._there: set[str] = set()  # keys of what a job reads and the store has as it is here
        self._written: dict[str, tuple[str, ...]] = {}  # job → keys of what it will have written

    def errand(self, job: Job) -> Errand:
        """Put what the job reads, and what of its writing is here already, into the store.

        Raises:
            UserError: the store does not take it.
        """
        shelf = Shelf(self.url)
        reads = {path: _key(path, self.home) for path in job.reads}
        writes = {path: _key(path, self.home) for path in job.writes()}
        for path, key in reads.items():
            if key not in self._there and path.exists():
                shelf.push(path, key)
                self._there.add(key)
        for path, key in writes.items():
            if path.exists() and not shelf.holds(key):
                shelf.push(path, key)
        self._written[job.name] = tuple(writes.values())
        packed = pack(job, self.home, {path: key for path, key in reads.items() if key.startswith(ELSEWHERE)})
        return StagedErrand(packed, self.home, self.url, tuple(reads.values()), tuple(writes.values()))

    def bring(self, job: Job, error: str) -> str:
        """Copy the log of a job, and what it wrote if it ended well."""
        written, shelf = self._written.pop(job.name), Shelf(self.url)
        try:
            if not shelf.pull(_key(job.log, self.home), job.log):  # its machine had no time to send it
                job.log.write_text(f"{error}\n", encoding="utf-8")
            for key in () if error else written:
                if not shelf.pull(key, self.home / key):
                    return f"the store {self.url} has no {key}. Run the same command again."
        except (UserError, OSError) as problem:
            return error or str(problem)
        if not error:
            self._there.update(written)
        return error

    @contextlib.contextmanager
    def probe(self) -> Iterator[Callable[[], str]]:
        """Let machines look for a token in the store, and for a home of their own."""
        shelf, key = Shelf(self.url), f".cluster-{uuid.uuid4().hex}"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "token").write_text(key, encoding="utf-8")
            shelf.push(Path(folder), key)
        try:
            yield partial(_reach, self.url, key, self.home)
        finally:
            shelf.drop(key)


def _reach(url: str, key: str, sender: Path) -> str:
    home = home_there(sender)
    try:
        home.mkdir(parents=True, exist_ok=True)
        sees = Shelf(url).holds(key)
    except UserError as error:
        return f"does not reach the store: {error}"
    except OSError as error:
        return f"cannot make its data home {home}: {error.strerror}. Start Ray there with TST_BENCH_HOME set."
    return "" if sees else f"sees another folder under {url} than this machine. Name a store that all machines reach."


def _key(path: Path, home: Path) -> str:
    """Return the path of something in whatever home it is in."""
    if path.is_relative_to(home):
        return path.relative_to(home).as_posix()
    return f"{ELSEWHERE}/{hashlib.sha256(str(path).encode()).hexdigest()[:16]}/{path.name}"


def pack(job: Job, home: Path, elsewhere: Mapping[Path, str]) -> bytes:
    """Write a job down, with paths in the home relative to it, however deep they are in its arguments.

    Args:
        elsewhere: paths outside the home → where they will lie in the home of whoever reads them.
    """
    buffer = io.BytesIO()
    _Packer(buffer, home, elsewhere).dump(replace(job, reads=(), writes=writes_nothing))
    return buffer.getvalue()


def unpack(packed: bytes, home: Path) -> Job:
    """Return a job that was packed, with its paths in this home."""
    job = _Unpacker(io.BytesIO(packed), home).load()
    assert isinstance(job, Job)
    return job


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, home: Path, elsewhere: Mapping[Path, str]) -> None:
        super().__init__(file)
        self._home, self._elsewhere = home, elsewhere

    def persistent_id(self, value: Any) -> str | None:
        if not isinstance(value, PurePath):
            return None
        if value in self._elsewhere:
            return self._elsewhere[Path(value)]
        return value.relative_to(self._home).as_posix() if value.is_relative_to(self._home) else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, home: Path) -> None:
        super().__init__(file)
        self._home = home

    def persistent_load(self, key: str) -> Path:
        return self._home / key
