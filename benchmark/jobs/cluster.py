"""Jobs on the machines of a Ray cluster, which share the data home or a store.

A job is a Ray task in a process of its own. When its process or its machine dies Ray runs it again elsewhere, where it
continues from what is in the home, or in the store. Jobs end when this process does. How a cluster is started is Ray's
own matter (https://docs.ray.io/en/latest/cluster/getting-started.html): ``ray start``, SLURM, Kubernetes.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmark.environment import source_digest
from benchmark.jobs import Ended, Job, Moved
from benchmark.jobs.sharing import Errand, Sharing
from sim_envs.errors import UserError

RETRIES = 3
"""How often a job is run again whose process or machine died."""

_PROGRESS_SECONDS = 0.5  # between two reports of a job, and two looks at them
_JOIN_SECONDS = 60.0  # for a node to answer at the start
_START = "Start one with `ray start --head`."
_ROOT = Path(__file__).resolve().parents[2]


class RayPool:
    """Runs as many jobs at a time as the cluster has room for, also when machines come or go.

    Args:
        address: of the cluster, ``auto`` for the one that this machine is part of; None starts one here.
        sharing: how what jobs read and write travels between the machines.
        threads: CPU cores of a job.
        gpus: GPUs of a job; 0 on CPUs.

    Raises:
        UserError: no Ray here, no cluster there, or a machine of it that lacks what they share or has other code.
    """

    def __init__(self, address: str | None, sharing: Sharing, threads: int, gpus: int) -> None:
        self._ray = _connected(address)
        self._sharing = sharing
        self._threads, self._gpus = threads, gpus
        self._running: dict[Any, Job] = {}
        self._refused: list[Ended] = []  # jobs that could not be sent, until that is news
        here = self._ray.get_runtime_context().get_node_id()
        pinned = _on_node(here)
        self._progress = self._ray.remote(num_cpus=0)(_Progress).options(scheduling_strategy=pinned).remote()
        self._job = self._ray.remote(max_calls=1, max_retries=RETRIES)(_run)  # a process a job, as GPUs demand
        _refuse_strangers(self._ray, sharing)

    @property
    def free(self) -> int:
        """How many more jobs can run now; one at least, which then waits for room."""
        room = self._ray.cluster_resources()
        places = room.get("GPU", 0) // self._gpus if self._gpus else room.get("CPU", 0) // self._threads
        return max(1, int(places)) - len(self._running)

    def start(self, job: Job) -> None:
        """Begin a job wherever there is room."""
        try:
            errand = self._sharing.errand(job)
        except UserError as error:
            self._refused.append(Ended(job, str(error)))
            return
        wanted = {"num_cpus": 0 if self._gpus else self._threads, "num_gpus": self._gpus}
        task = self._job.options(name=job.name, scheduling_strategy="SPREAD", **wanted)
        self._running[task.remote(job.name, errand, self._threads, self._progress)] = job

    def news(self) -> Iterator[Moved | Ended]:
        """Wait until something happened to a running job, and say what."""
        if self._refused:
            refused, self._refused = self._refused, []
            yield from refused
            return
        ended, _ = self._ray.wait(list(self._running), timeout=_PROGRESS_SECONDS)
        by_name = {job.name: job for job in self._running.values()}
        for name, (done, total) in self._ray.get(self._progress.take.remote()).items():
            if name in by_name:
                yield Moved(by_name[name], done, total)
        for reference in ended:
            job = self._running.pop(reference)
            try:
                error = self._ray.get(reference)
            except self._ray.exceptions.RayError as lost:
                error = f"it was lost {1 + RETRIES} times: {str(lost).strip().splitlines()[0]}"
            yield Ended(job, self._sharing.bring(job, error))

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._ray.kill(self._progress)


def cluster_gpus(address: str | None) -> int:
    """Return how many GPUs a cluster has; see :class:`RayPool`."""
    return int(_connected(address).cluster_resources().get("GPU", 0))


class _Progress:
    """The latest word of every job, kept for whoever watches."""

    def __init__(self) -> None:
        self._latest: dict[str, tuple[int, int]] = {}

    def tell(self, name: str, done: int, total: int) -> None:
        self._latest[name] = (done, total)

    def take(self) -> dict[str, tuple[int, int]]:
        latest, self._latest = self._latest, {}
        return latest


def _run(name: str, errand: Errand, threads: int, progress: Any) -> str:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    told = 0.0

    def report(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > _PROGRESS_SECONDS or done == total:
            progress.tell.remote(name, done, total)
            told = time.monotonic()

    return errand(threads, report)


def _connected(address: str | None) -> Any:
    try:
        import ray
    except ImportError:
        raise UserError("--executor ray needs Ray: pip install -c constraints.txt -e '.[cluster]'.") from None
    if not ray.is_initialized():
        _refuse_silence(address)
        # Workers import what this process would: the same checkout, wherever it lies.
        variables = {"PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))}
        try:
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False if address is None else None,
                runtime_env={"env_vars": variables},
            )
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            first = str(error).strip().splitlines()[0]
            raise UserError(f"No Ray cluster at {address}: {first} {_START}") from None
    return ray


def _refuse_silence(address: str | None) -> None:
    """Refuse an address nobody listens at; Ray itself would go on trying for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host, int(port)), timeout=_JOIN_SECONDS).close()
    except (OSError, ValueError) as error:
        raise UserError(f"No Ray cluster at {address}: {error}. {_START}") from None


def _on_node(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


def _refuse_strangers(ray: Any, sharing: Sharing) -> None:
    """Ask every machine whether it has what is shared and runs this code."""
    with sharing.probe() as probe:
        look = ray.remote(num_cpus=0, max_retries=0)(_look)
        nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
        asked = {look.options(scheduling_strategy=_on_node(n)).remote(probe): host for n, host in nodes.items()}
        answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_JOIN_SECONDS)
        if silent:
            raise UserError(f"{asked[silent[0]]} of the Ray cluster does not answer. Take it out, or start it again.")
        mine = source_digest(_ROOT)
        errors = ray.exceptions
        for reference in answered:
            try:
                problem, source = ray.get(reference)
            except (errors.TaskUnschedulableError, errors.NodeDiedError, errors.WorkerCrashedError):
                continue  # it went away meanwhile, and a machine that is not there gets no job
            if problem:
                raise UserError(f"{asked[reference]} of the Ray cluster {problem}")
            if source != mine:
                raise UserError(
                    f"{asked[reference]} of the Ray cluster runs another version of tst-bench. Install the same one on "
                    "all machines."
                )


def _look(probe: Callable[[], str]) -> tuple[str, str]:
    return probe(), source_digest(_ROOT)
