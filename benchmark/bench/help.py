"""``help``: how long ``tst-bench --help`` takes, from a new process to its end."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

from benchmark.bench.contest import OURS, Contest, Goal, Job, Settings, Side
from sim_envs.errors import UserError

GOAL = Goal("seconds", 0.3)
COMMAND = (sys.executable, "-c", "from benchmark.cli import main; main()", "--help")
"""What the script ``tst-bench`` does, in this interpreter."""


def show_help() -> str:
    """Run ``tst-bench --help`` and return what it prints.

    Raises:
        UserError: it fails.
    """
    done = subprocess.run(COMMAND, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"tst-bench --help ended with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def children_seconds() -> float:
    """Return the processor time of this process and of all its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _contests(settings: Settings, stack: ExitStack) -> Iterator[Contest]:
    del settings, stack
    does = "starts Python, imports the command line, prints the help of all commands"
    ours = Side(OURS, does, show_help, processor=children_seconds)
    yield Contest("tst-bench --help", 1, "call", ours, goal=GOAL)


JOB = Job("a new process that prints all commands", "none", str(GOAL), _contests)
