"""How what a job reads reaches the machine that runs it, and what it writes comes back: by a home that all see."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmark.jobs import Job, Report
from benchmark.jobs.doing import do


class Errand(Protocol):
    """A job as it is sent to another machine."""

    def __call__(self, threads: int, report: Report) -> str:
        """Do the job there, and return why it failed, "" when it did not."""


class Sharing(Protocol):
    """What the machines of a cluster have in common."""

    def errand(self, job: Job) -> Errand:
        """Get a job ready to be sent."""

    def bring(self, job: Job, error: str) -> str:
        """Make sure that what a job has written is here, and return why it failed or cannot be brought, or ""."""

    def probe(self) -> contextlib.AbstractContextManager[Callable[[], str]]:
        """Return what a machine calls to learn what is wrong with it, or "": ``does not see …``."""


@dataclass(frozen=True)
class SharedHome:
    """Every machine sees the data home under the same path."""

    home: Path

    def errand(self, job: Job) -> Errand:
        """Send the job as it is."""
        return partial(do, job)

    def bring(self, job: Job, error: str) -> str:
        """Do nothing: what was written is here."""
        return error

    @contextlib.contextmanager
    def probe(self) -> Iterator[Callable[[], str]]:
        """Let machines look for a file in the home."""
        self.home.mkdir(parents=True, exist_ok=True)
        token = self.home / f".cluster-{uuid.uuid4().hex}"
        token.touch()
        try:
            yield partial(_look_for, token)
        finally:
            token.unlink(missing_ok=True)


def _look_for(token: Path) -> str:
    if token.exists():
        return ""
    return (
        f"does not see {token.parent}. Put --home on a file system that all machines share, under the same path, or "
        "name a --store."
    )
