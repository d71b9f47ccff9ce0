"""What the tests of the doctor let happen in a process of its own: everything that drivers do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from benchmark.doctor.probe import step
from sim_envs.errors import UserError


def add(one: int, other: int) -> dict[str, int]:
    print("a library prints what it likes")
    os.write(1, b"and so does C code, without a line end")
    return {"sum": one + other}


def refuse() -> None:
    raise UserError("There is no simulator. Install one.")


def break_down() -> None:
    step("opening the device")
    raise RuntimeError("no kernel image is available\nand forty lines of advice")


def crash() -> None:
    step("opening the device")
    print("libGL: driver lost", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    print("fatal: unable to find EGL device", file=sys.stderr, flush=True)
    os._exit(3)


def hang(pid_file: str) -> None:
    step("opening the device")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open(pid_file, "w", encoding="utf-8") as file:
        file.write(str(child.pid))
    time.sleep(60)


def variable(name: str) -> str | None:
    return os.environ.get(name)
