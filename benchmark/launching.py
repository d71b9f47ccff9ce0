"""One pre-training on several processes of this machine: started with torch's own launcher, watched, and ended with us.

A job already is a process that others watch, so it starts the launcher as a command, gives it the stage in a file, and
reads from its output how far the first process is. The processes hold the other end of a pipe to the job and end when
it is closed, however the job ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sim_envs.errors import UserError

MARK = "@tst-bench "
"""Begins a line that is meant for the job, not for the log."""


@dataclass(frozen=True)
class Execution:
    """How a pre-training is computed; but for rounding it has no say in the weights.

    Attributes:
        processes: of this machine that share every batch; on GPUs, one a GPU.
        accumulate: parts that a process computes one after the other, for batches that do not fit.
        compile: whether ``torch.compile`` fuses the encoder's blocks.
    """

    processes: int = 1
    accumulate: int = 1
    compile: bool = False


ALONE = Execution()


def launch(stage_file: Path, processes: int, report: Callable[[int, int], None]) -> None:
    """Run a pre-training, written down in a file, on several processes, and wait for it.

    Args:
        report: called with (steps done, steps in all).

    Raises:
        UserError: what the processes were told is wrong.
        RuntimeError: one of them failed; its traceback is in what was printed here.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    launcher = subprocess.Popen(
        [*command, "-m", "benchmark.launched", str(stage_file)],
        stdin=subprocess.PIPE,  # never written to: the processes notice when it closes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    error: dict[str, str] = {}
    assert launcher.stdout is not None
    try:
        for line in launcher.stdout:
            if not line.startswith(MARK):
                print(line, end="", flush=True)
                continue
            told = json.loads(line.removeprefix(MARK))
            if "step" in told:
                report(told["step"], told["steps"])
            error = error or told.get("error", {})
        code = launcher.wait()
    finally:
        launcher.kill()
    if error.get("kind") == "UserError":
        raise UserError(error["message"])
    if error or code:
        raise RuntimeError(error.get("message") or f"the {processes} processes ended with code {code}")


def tell(**what: object) -> None:
    """Send a line to the job that launched this process."""
    print(f"{MARK}{json.dumps(what)}", flush=True)


def end_with_launcher() -> None:
    """Leave at once when the job that launched this process is gone: nobody waits for the work any more."""

    def watch() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
