"""Ask a question in a process of its own: drivers hang, crash and print, and none of that may reach the doctor."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sim_envs.errors import UserError

# Importing torch on a busy machine or waking eight GPUs takes seconds; what takes longer than this hangs.
LIMIT_S = 60.0


class ProbeFailed(Exception):
    """The process crashed, hung or raised; the message says where and with what last words."""


_answers: IO[str] | None = None


def step(text: str) -> None:
    """Say, inside a probe, what comes next: it is named when the process does not survive it."""
    if _answers is not None:
        _say({"step": text})


def ask(
    function: Callable[..., Any],
    *arguments: Any,
    limit_s: float = LIMIT_S,
    environment: Mapping[str, str] | None = None,
) -> Any:
    """Return what a function returns in a process of its own.

    Args:
        function: of a module, so that the other process can import it.
        arguments: JSON-like.
        limit_s: seconds until the process and whatever it started are killed.
        environment: its environment; default: this one's.

    Raises:
        ProbeFailed: no answer.
        UserError: the function raised one.
    """
    target = f"{function.__module__}:{function.__qualname__}"
    command = [sys.executable, "-c", "from benchmark.doctor.probe import answer; answer()", target]
    variables = dict(os.environ if environment is None else environment)
    variables["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # Files rather than pipes: a grandchild that outlives its parent would hold a pipe open.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
        process = subprocess.Popen(
            [*command, json.dumps(arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=variables,
            start_new_session=True,
        )  # fmt: skip
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        lines = [json.loads(line) for line in _read(out)]
        last_words = _read(err)[-1:]
    for line in lines:
        if "value" in line:
            return line["value"]
        if "refused" in line:
            raise UserError(line["refused"])
    raised = [line["raised"] for line in lines if "raised" in line]
    steps = [line["step"] for line in lines if "step" in line]
    where = f" at: {steps[-1]}" if steps else ""
    if code is None:
        raise ProbeFailed(f"no answer within {limit_s:.0f} s{where}")
    words = "; ".join(raised or last_words)
    raise ProbeFailed(f"{_ended(code)}{where}{': ' + words if words else ''}")


def answer() -> None:
    """Be the other process: call the function that the command line names and say what came of it.

    Whatever libraries print goes to standard error; standard output carries the answer alone.
    """
    global _answers
    _answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    module, _, name = sys.argv[1].partition(":")
    try:
        value = getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))
    except UserError as error:
        _say({"refused": str(error)})
    except BaseException as error:
        _say({"raised": f"{type(error).__name__}: {_first_line(str(error))}"})
        sys.exit(1)
    else:
        _say({"value": value})
    # Some drivers crash when they are unloaded; the answer is given, so leave without that.
    sys.stderr.flush()
    os._exit(0)


def _say(line: dict[str, Any]) -> None:
    assert _answers is not None
    _answers.write(json.dumps(line) + "\n")
    _answers.flush()


def _read(file: IO[str]) -> list[str]:
    file.seek(0)
    return [line.strip() for line in file.read().splitlines() if line.strip()]


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def _ended(code: int) -> str:
    if code >= 0:
        return "it failed" if code == 1 else f"it ended with code {code}"
    with suppress(ValueError):
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it was ended by signal {-code}"


def library_path(name: str) -> Path | None:
    """Return the file behind a shared library that this process has loaded, links resolved; None if it has not."""
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
            path = line.partition("/")[2]
            if Path(path).name.startswith(name):
                return Path("/" + path)
    return None
