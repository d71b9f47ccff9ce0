"""One process at a time makes a recording; others wait for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sim_envs.storage import disk_error


@contextlib.contextmanager
def alone(folder: Path, what: str = "recording") -> Iterator[None]:
    """Hold the lock of a recording's folder, ``.<name>.lock`` beside it, which says who holds it.

    The operating system frees it when its holder dies, so no lock is ever stale. Leaves neither the lock file
    nor empty folders behind.

    Args:
        what: what is made in the folder, for those who wait.

    Raises:
        UserError: the data home is not writable.
    """
    path = folder.with_name(f".{folder.name}.lock")
    descriptor = _acquire(path, what)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        _remove_if_empty(folder.parent)


def _acquire(path: Path, what: str) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # another process just removed the empty folder
            continue
        except OSError as error:
            raise disk_error(path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode() or "unknown"
            print(f"Process {holder} is making this {what}; waiting for it.", file=sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _still_there(path, descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
        os.close(descriptor)  # its holder removed it on leaving: what we hold is nobody's lock any more


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_if_empty(folder: Path) -> None:
    """Remove the space's and the source's folder if nothing came of this."""
    for empty in (folder, folder.parent):
        with contextlib.suppress(OSError):
            empty.rmdir()
