"""Render trajectories, here or in several processes; one worker is one thread with its own engine."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.resource_tracker
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import cv2
import numpy as np

from sim_envs.engines import RENDER_PROCESS_VARIABLE, Engine, open_engine, render_in_order
from sim_envs.errors import UserError
from sim_envs.recordings.plan import Job
from sim_envs.recordings.writer import VALID, Draft, Frame, is_valid
from sim_envs.rig import Rig
from sim_envs.sensors import DERIVED
from sim_envs.sensors.device import Device
from sim_envs.space import Place

_WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc would hand the memory of every frame back and fault it in again: a fifth of the time at 256².
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
}
_REPORT_EVERY = 0.5  # seconds between two reports of a worker's progress


class RenderError(RuntimeError):
    """An engine raised: a bug in it. Says on which trajectory; what is done stays."""


@dataclass(frozen=True)
class Progress:
    """So many more frames are written."""

    frames: int


@dataclass(frozen=True)
class Done:
    """The trajectory in hand is written (a worker also says so once its engine is open)."""


@dataclass(frozen=True)
class Failed:
    """Rendering raised; ``for_user`` when the message alone says what to do."""

    message: str
    for_user: bool


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None

    @property
    def doing(self) -> str:
        return "opening the engine" if self.job is None else f"rendering trajectory {self.job.trajectory}"


def render(
    space: Place,
    engine: str,
    draft: Draft,
    jobs: Sequence[Job],
    workers: int,
    on_frames: Callable[[int], object],
) -> None:
    """Render and write every job.

    Args:
        space: what to render; worker processes get a copy.
        engine: its row in the engine table.
        draft: where to write; its files are allocated.
        jobs: the trajectories still to do.
        workers: number of processes; with 1 the work is done in this one.
        on_frames: told the number of frames written since it was last told.

    Raises:
        RenderError: an engine raised. Trajectories in flight in other workers were finished first.
        UserError: the disk refused, or a worker process died.
    """
    workers = min(workers, len(jobs))
    if workers == 1:
        opened = open_engine(engine, space, draft.rig)
        try:
            for job in jobs:
                _render_one(opened, draft, job, on_frames)
        finally:
            opened.close()
    elif workers > 1:
        _render_in_processes(space, engine, draft, jobs, workers, on_frames)


def _render_one(engine: Engine, draft: Draft, job: Job, on_frames: Callable[[int], object]) -> None:
    try:
        draft.write(job, _frames(engine, draft.rig, job, on_frames))
    except UserError:
        raise
    except Exception as error:
        raise RenderError(f"Rendering trajectory {job.trajectory} failed: {error!r}") from error


def _frames(engine: Engine, rig: Rig, job: Job, on_frames: Callable[[int], object]) -> Iterator[Frame]:
    """Render a trajectory, let the rig's sensors sense it, and derive what is computed from other modalities."""
    poses = job.camera_to_world
    device = Device(rig, poses, job.trajectory, job.seed, engine.render)
    # An engine that works ahead cannot be asked for the views of a blur in between.
    ideals = map(engine.render, poses) if rig.noise.shutter else render_in_order(engine, poses)
    for step, ideal in enumerate(ideals):
        frame = device.sense(ideal, step)
        if rig.noise:
            frame[VALID] = np.array(is_valid(ideal | {"depth": frame["depth"]}))
        yield frame | {name: derive(frame) for name, derive in DERIVED.items()}
        on_frames(1)


def _render_in_processes(
    space: Place,
    engine: str,
    draft: Draft,
    jobs: Sequence[Job],
    count: int,
    on_frames: Callable[[int], object],
) -> None:
    todo = list(reversed(jobs))
    failures: list[Failed] = []
    with _processes(space, engine, draft, count) as crew:
        while crew:
            ready = wait([worker.connection for worker in crew])
            for worker in [worker for worker in crew if worker.connection in ready]:
                try:
                    message = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    message = Failed(_obituary(worker), for_user=True)
                if isinstance(message, Progress):
                    on_frames(message.frames)
                    continue
                if isinstance(message, Failed):
                    failures.append(message)
                # A failure ends the work, but not in the middle of somebody else's trajectory.
                worker.job = todo.pop() if todo and not failures else None
                with contextlib.suppress(BrokenPipeError):
                    worker.connection.send(worker.job)
                if worker.job is None:
                    crew.remove(worker)
    if failures:
        raise (UserError if failures[0].for_user else RenderError)(failures[0].message)


def _obituary(worker: _Worker) -> str:
    worker.process.join()
    code = worker.process.exitcode or 0
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    hint = " Memory may have run out; try fewer workers." if code == -signal.SIGKILL else ""
    return f"A worker process {how} while {worker.doing}.{hint}"


@contextlib.contextmanager
def _processes(space: Place, engine: str, draft: Draft, count: int) -> Iterator[list[_Worker]]:
    """Start worker processes; none of them is left when the block is."""
    context = multiprocessing.get_context("spawn")
    everyone: list[_Worker] = []
    try:
        with _inherited_by_workers():
            for number in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, space, engine, draft, number))
                process.start()
                theirs.close()
                everyone.append(_Worker(process, ours))
        yield list(everyone)
        for worker in everyone:
            worker.process.join()
    finally:
        for worker in everyone:
            worker.process.terminate()
            worker.process.join()
            worker.connection.close()


@contextlib.contextmanager
def _inherited_by_workers() -> Iterator[None]:
    """Let new processes start in their environment, and with Ctrl-C blocked: the parent alone answers to it."""
    multiprocessing.resource_tracker.ensure_running()  # as it starts, it unblocks what is blocked below
    before = {name: os.environ.get(name) for name in _WORKER_ENVIRONMENT}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(_WORKER_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _work(connection: Connection, space: Place, engine: str, draft: Draft, number: int) -> None:
    """Be a worker: open the engine, then render what the parent sends until it sends None."""
    os.environ[RENDER_PROCESS_VARIABLE] = str(number)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    written, told_at = 0, time.monotonic()

    def on_frames(count: int) -> None:
        nonlocal written, told_at
        written += count
        if time.monotonic() - told_at > _REPORT_EVERY:
            connection.send(Progress(written))
            written, told_at = 0, time.monotonic()

    try:
        opened = open_engine(engine, space, draft.rig)
        connection.send(Done())
        while (job := connection.recv()) is not None:
            _render_one(opened, draft, job, on_frames)
            connection.send(Progress(written))
            connection.send(Done())
            written = 0
        opened.close()
    except UserError as error:
        connection.send(Failed(str(error), for_user=True))
    except Exception as error:
        connection.send(Failed(f"{error}\n{traceback.format_exc()}", for_user=False))


def _exit_with_parent() -> None:
    """End this process when its parent does, however it did: nobody is left to tell it what to do."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
