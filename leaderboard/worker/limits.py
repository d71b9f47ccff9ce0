"""Run a program that is not trusted: held to limits on time, memory and disk, listened to line by line, ended for sure.

It runs in a session of its own with an environment that holds no secrets, its standard input is closed, and it does
not outlive the process that started it. It has the rights of its user: who runs a board gives the worker a user of its
own, and a container without a network where there is one.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

STDERR = "stderr.txt"
"""In the scratch folder: what the program said on its standard error."""

LONGEST_LINE = 1 << 16
MOST_OUTPUT = 16 << 20
_TICK_SECONDS = 0.1
_DISK_SECONDS = 0.5
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True)
class Allowance:
    """What a program may take.

    Attributes:
        seconds: of the clock, and as many of CPU time.
        memory_bytes: that it may write to.
        disk_bytes: of its scratch folder.
        mapped_bytes: of files it may map for reading, beside its memory.
    """

    seconds: int
    memory_bytes: int
    disk_bytes: int
    mapped_bytes: int = 0

    @property
    def in_words(self) -> dict[str, str]:
        """Name every limit with its value."""
        return {
            "time": f"{self.seconds:,} s",
            "memory": f"{self.memory_bytes / 1e9:.1f} GB of memory",
            "disk": f"{self.disk_bytes / 1e9:.3g} GB of disk",
            "output": f"{MOST_OUTPUT / 1e6:.0f} MB of output",
        }


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        status: its exit status; −N when signal N ended it.
        exceeded: which limit it ran into, a key of :attr:`Allowance.in_words`; "" when none that shows from outside:
            a program that gets no more memory or disk sees an error of its own.
        stopped: whether it was ended because ``stop`` said so.
    """

    status: int
    exceeded: str = ""
    stopped: bool = False

    @property
    def in_words(self) -> str:
        """Say it for a log."""
        if self.status >= 0:
            return f"exit status {self.status}"
        with suppress(ValueError):
            return f"signal {signal.Signals(-self.status).name}"
        return f"signal {-self.status}"


def run_limited(
    program: Sequence[str],
    allowance: Allowance,
    scratch: Path,
    hear: Callable[[bytes], None],
    stop: Callable[[], bool] = lambda: False,
) -> Ended:
    """Run a program to its end, which comes at the latest when it exceeds a limit.

    Call it from a thread that lives as long as the program: on Linux the kernel ends the program with that thread.

    Args:
        program: an absolute path and arguments.
        scratch: where it may write; also its home.
        hear: is given every line of its standard output when it comes, without the end; longer ones than
            ``LONGEST_LINE`` are left out.
        stop: asked several times a second; the program is ended when it says yes.
    """
    with (scratch / STDERR).open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "leaderboard.worker.confined", *_limits(allowance), str(os.getpid()), *program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            bufsize=0,
            env=_environment(scratch),
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        exceeded, stopped = _attend(process, process.stdout, allowance, scratch, hear, stop)
    finally:
        with suppress(ProcessLookupError, PermissionError):  # its group is there until it is waited for
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    if process.returncode in (-signal.SIGXCPU, -signal.SIGXFSZ) and not (exceeded or stopped):
        exceeded = "time" if process.returncode == -signal.SIGXCPU else "disk"
    return Ended(process.returncode, exceeded, stopped)


def _attend(
    process: subprocess.Popen[bytes],
    output: IO[bytes],
    allowance: Allowance,
    scratch: Path,
    hear: Callable[[bytes], None],
    stop: Callable[[], bool],
) -> tuple[str, bool]:
    """Listen until the program is at its end or has to be ended; return (limit exceeded, whether to stop)."""
    lines = _Lines(hear)
    deadline = time.monotonic() + allowance.seconds
    look = 0.0
    os.set_blocking(output.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            over = _is_over(process.pid)
            if selector.get_map() and selector.select(0 if over else _TICK_SECONDS):
                if piece := output.read(LONGEST_LINE):
                    lines.add(piece)
                    if lines.heard > MOST_OUTPUT:
                        return "output", False
                    if over:
                        continue
                elif piece == b"":
                    selector.unregister(output)
            elif not over and not selector.get_map():
                time.sleep(_TICK_SECONDS)
            now = time.monotonic()
            if over or now >= look:
                look = now + _DISK_SECONDS
                if disk_bytes(scratch) > allowance.disk_bytes:
                    return "disk", False
            if over:
                return "", False
            if now > deadline:
                return "time", False
            if stop():
                return "", True


class _Lines:
    """Puts lines together from the pieces in which they come."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self.hear = hear
        self.heard = 0
        self.rest = b""
        self.skips = False

    def add(self, piece: bytes) -> None:
        self.heard += len(piece)
        *lines, self.rest = (self.rest + piece).split(b"\n")
        for line in lines:
            if not self.skips and len(line) <= LONGEST_LINE:
                self.hear(line)
            self.skips = False
        if len(self.rest) > LONGEST_LINE:
            self.rest, self.skips = b"", True


def disk_bytes(folder: Path) -> int:
    """Return what the files under a folder take on the disk, however fast they come and go."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total


def _is_over(pid: int) -> bool:
    """Tell whether a child ended, and leave it to be waited for: until then nobody else gets its number."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _limits(allowance: Allowance) -> list[str]:
    """Return the limits as :mod:`leaderboard.worker.confined` reads them."""
    return [
        str(number)
        for number in (allowance.seconds, allowance.memory_bytes, allowance.mapped_bytes, allowance.disk_bytes)
    ]


def _environment(scratch: Path) -> dict[str, str]:
    """Return what a program must know to start, and nothing that anybody meant for the worker alone."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"HOME": str(scratch), "TMPDIR": str(scratch)} | dict.fromkeys(_ONE_THREAD, "1")
