"""Hold this process to limits, then let it become another program: ``python -m leaderboard.worker.confined …``.

The limits are the kernel's, set before the program's first line runs, and nothing in it can lift them again. Only the
standard library is imported, so that little happens before they hold. See :func:`leaderboard.worker.limits.command`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

_OPEN_FILES = 256
_LIBRARY_BYTES = 2 << 30
"""Of addresses, not memory: what numerical libraries map at their start."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_PATIENCE = 10


def confine(seconds: int, memory_bytes: int, mapped_bytes: int, disk_bytes: int) -> None:
    """Limit this process and what it becomes.

    Args:
        memory_bytes: that it may write to. Files it maps for reading are not counted.
        mapped_bytes: of these files.
        disk_bytes: of any one file; how much they take together is watched from outside.
    """
    for which, soft, hard in (
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_DATA, memory_bytes, memory_bytes),
        (resource.RLIMIT_AS, *[memory_bytes + mapped_bytes + _LIBRARY_BYTES] * 2),
        (resource.RLIMIT_FSIZE, disk_bytes, disk_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        most = resource.getrlimit(which)[1]
        if most != resource.RLIM_INFINITY:  # somebody already allows less
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(which, (soft, hard))
    os.nice(_PATIENCE)  # who reads the board comes first


def die_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends, however that ends; may have happened already."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")  # of all processes this is the one to end when the machine runs out of memory
    if os.getppid() != parent:
        sys.exit("the worker is gone")


def main() -> None:
    """Read four limits, the parent's id and a command from the command line; never returns."""
    *limits, parent = map(int, sys.argv[1:6])
    confine(*limits)
    die_with(parent)
    os.execv(sys.argv[6], sys.argv[6:])


if __name__ == "__main__":
    main()
