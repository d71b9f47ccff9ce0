"""A worker: a process in another interpreter that answers requests, and is started again once when it fails."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim_envs.errors import UserError

HOST = Path(__file__).with_name("host.py")
OPEN_SECONDS = 300.0
ANSWER_SECONDS = 120.0
_LAST_LINES, _LAST_BYTES = 12, 4000  # of its output are kept
_SHOWN = 200  # characters of something that is no answer
_GRACE = 2.0  # seconds in which a process that closed its pipes should be gone


class WorkerFault(UserError):
    """A worker died, hung or answered garbage, and did so again after it was restarted."""


class WorkerRefusal(UserError):
    """A worker answered that a request failed: its code raised. It is alive and takes other requests."""


class Worker:
    """Runs the ``answer(request: dict) -> value`` function of one module in another interpreter.

    The module is a file, run by :mod:`sim_envs.habitat.host` with the libraries of that interpreter; it cannot
    import this package. Requests and answers are JSON; arrays go through shared memory, whose descriptors the
    process inherits.

    A worker that dies, does not answer in time or answers garbage is started again, once in its life: the opening
    request is repeated, then every request that has no answer yet. A second fault is raised, with the last of what
    the process printed.

    Args:
        module: the file with ``answer``.
        python: the interpreter.
        opening: the request to send first after every start; its answer is :attr:`opened`.
        name: what to call it in messages.
        descriptors: file descriptors it inherits, under the same numbers.
        environment: variables to set besides those of this process.
        folder: where it runs; here by default.
        open_seconds: how long start, imports and the opening request may take together.

    Raises:
        WorkerFault: it failed to start twice.
        WorkerRefusal: the opening request failed.
    """

    def __init__(
        self,
        module: Path,
        python: str,
        opening: Mapping[str, Any],
        *,
        name: str = "The habitat worker",
        descriptors: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        open_seconds: float = OPEN_SECONDS,
    ) -> None:
        self._module, self._python = module, python
        self._opening = opening
        self._name = name
        self._descriptors = tuple(descriptors)
        self._environment = os.environ | dict(environment or {})
        self._folder = folder
        self._open_seconds = open_seconds
        self._numbers = self._loop = 0
        self._may_restart = True
        self._process: _Process | None = None
        try:
            try:
                self._start()
            except _Fault as fault:
                self._restart(fault, ())
        except BaseException:
            self.close()  # nobody else could
            raise

    def ask(self, request: Mapping[str, Any], seconds: float = ANSWER_SECONDS) -> Any:
        """Return the answer to one request; see :meth:`answers`."""
        return next(self.answers([request], seconds))

    def answers(
        self, requests: Iterable[Mapping[str, Any]], seconds: float = ANSWER_SECONDS, ahead: int = 1
    ) -> Iterator[Any]:
        """Yield the answers to requests, in order.

        While the caller has one answer in hand, the next ``ahead`` requests are under way, so that both sides
        work at the same time. A loop may be left early, but not be gone on with after another was begun.

        Args:
            requests: JSON objects; taken one by one, no earlier than needed.
            seconds: how long an answer may take.
            ahead: 1 or more.

        Raises:
            WorkerFault: it died, hung or answered garbage, not for the first time.
            WorkerRefusal: a request failed.
            RuntimeError: another call was made since this loop began: its answers are lost.
        """
        source = iter(requests)
        self._loop += 1
        loop = self._loop
        waiting: deque[dict[str, Any]] = deque()
        more = True
        while True:
            if self._loop != loop:
                raise RuntimeError(f"{self._name} was asked for something else in the middle of a loop over answers")
            while more and len(waiting) < ahead:
                more = self._post_next(source, waiting)
            if not waiting:
                return
            answer = self._take(waiting, seconds)
            waiting.popleft()
            more = more and self._post_next(source, waiting)
            yield answer

    @property
    def opened(self) -> Any:
        """The answer to the opening request."""
        return self._opened

    @property
    def pid(self) -> int:
        """Id of the process that answers now."""
        return self._running.pid

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    @property
    def _running(self) -> _Process:
        if self._process is None:
            raise RuntimeError(f"{self._name} is closed")
        return self._process

    def _start(self) -> None:
        command = [self._python, "-u", str(HOST), str(self._module)]
        self._process = _Process(command, self._descriptors, self._environment, self._folder)
        request = self._numbered(self._opening)
        self._process.send(request)
        self._opened = self._result(self._process.receive(request["number"], self._open_seconds))

    def _restart(self, fault: _Fault, waiting: Iterable[Mapping[str, Any]]) -> None:
        """Start again and repeat the requests that wait, or raise what happened if that was done before."""
        self._running.kill()
        said = self._running.last_output()
        what = f"{self._name} (process {self._running.pid}, {self._python}) {fault} "
        what += f"It said last:\n{said}" if said else "It printed nothing."
        if not self._may_restart:
            raise WorkerFault(f"{what}\nIt had been restarted once before.") from fault
        self._may_restart = False
        print(f"Warning: {what}\nStarting it again.", file=sys.stderr)
        try:
            self._start()
            for request in waiting:
                self._running.send(request)
        except _Fault as again:
            self._restart(again, ())

    def _numbered(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._numbers += 1
        return {**request, "number": self._numbers}

    def _post_next(self, source: Iterator[Mapping[str, Any]], waiting: deque[dict[str, Any]]) -> bool:
        """Send the next request, if there is one."""
        request = next(source, None)
        if request is None:
            return False
        waiting.append(self._numbered(request))
        try:
            self._running.send(waiting[-1])
        except _Fault as fault:
            self._restart(fault, waiting)
        return True

    def _take(self, waiting: deque[dict[str, Any]], seconds: float) -> Any:
        """Return the answer to the first request that waits."""
        while True:
            try:
                return self._result(self._running.receive(waiting[0]["number"], seconds))
            except _Fault as fault:
                self._restart(fault, waiting)

    def _result(self, answer: Mapping[str, Any]) -> Any:
        if "failed" in answer:
            last = self._running.last_output()
            said = f"It said last:\n{last}" if last else "It printed nothing."
            raise WorkerRefusal(f"{self._name} ({self._python}): {answer['failed']}{said}")
        return answer["ok"]


class _Fault(Exception):
    """What a process did wrong, as the end of a sentence that starts with its name."""


class _Process:
    """One life of a worker: its pipes, and the last of what it printed."""

    def __init__(
        self, command: Sequence[str], descriptors: Sequence[int], environment: Mapping[str, str], folder: Path | None
    ) -> None:
        self._answers, theirs = os.pipe()
        try:
            self._popen = subprocess.Popen(
                [*command, str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs, *descriptors),
                env=dict(environment),
                cwd=folder,
            )
        except OSError as error:
            os.close(self._answers)
            raise UserError(f"{command[0]} cannot be run: {error.strerror or error}.") from error
        finally:
            os.close(theirs)
        self._received = b""
        self._last = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def send(self, request: Mapping[str, Any]) -> None:
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._popen.stdin.flush()
        except OSError as error:
            raise _Fault(self._death()) from error

    def receive(self, number: int, seconds: float) -> dict[str, Any]:
        """Return the answer of that number; earlier ones, which nobody waits for any more, are dropped."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._line(deadline, seconds)
            try:
                answer = json.loads(line)
            except ValueError:
                answer = None
            if not isinstance(answer, dict) or not isinstance(answer.get("number"), int):
                raise _Fault(f"gave an answer that is none: {line[:_SHOWN].decode(errors='replace')!r}.")
            if answer["number"] == number and ("ok" in answer or "failed" in answer):
                return answer
            if answer["number"] >= number:
                raise _Fault(f"gave an answer to something else: {line[:_SHOWN].decode(errors='replace')!r}.")

    def _line(self, deadline: float, seconds: float) -> bytes:
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while b"\n" not in self._received:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise _Fault(f"did not answer within {seconds:g} seconds.")
            block = os.read(self._answers, 1 << 16)
            if not block:
                raise _Fault(self._death())
            self._received += block
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _death(self) -> str:
        """Say how it ended, or that it only closed its pipes."""
        try:
            code = self._popen.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return "closed its pipes."
        if code >= 0:
            return f"ended with exit code {code}."
        name = signal.Signals(-code).name if -code in signal.Signals.__members__.values() else f"signal {-code}"
        hint = " Memory may have run out." if code == -signal.SIGKILL else ""
        return f"was killed by {name}.{hint}"

    def last_output(self) -> str:
        """Return the last lines it printed; all there are once it is dead."""
        if self._popen.poll() is not None:
            self._listener.join(_GRACE)
        lines = bytes(self._last).decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-_LAST_LINES:])

    def close(self) -> None:
        """Ask it to end, and make it."""
        self._close_requests()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE)
        self.kill()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()
        self._close_requests()
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1

    def _close_requests(self) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):  # what is still in its buffer has nowhere to go
            self._popen.stdin.close()

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as stdout:
            while block := os.read(stdout.fileno(), 1 << 16):
                self._last += block
                del self._last[:-_LAST_BYTES]
