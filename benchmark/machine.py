"""Where a run is computed: on this machine, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from baselines.precision import pick_device
from benchmark.jobs import Pool
from benchmark.jobs.cluster import RayPool, cluster_gpus
from benchmark.jobs.local import LocalPool
from benchmark.jobs.sharing import SharedHome, Sharing
from benchmark.jobs.staging import ThroughStore
from benchmark.launching import ALONE, Execution
from sim_envs.errors import UserError, unknown


@dataclass(frozen=True)
class Resources:
    """What a command line says of where to compute.

    Attributes:
        workers: processes of this machine; a cluster has as many as it has room for.
        device: ``auto``, or as torch names it.
        executor: a row of :data:`EXECUTORS`.
        address: of a cluster; None starts one on this machine.
        execution: how a pre-training is computed.
        store: URL of what the machines of a cluster share; None where they share the data home.
    """

    workers: int
    device: str = "auto"
    executor: str = "local"
    address: str | None = None
    execution: Execution = ALONE
    store: str | None = None


@dataclass(frozen=True)
class Machine:
    """What jobs are given.

    Attributes:
        device: type of the torch device of every job.
        pool: opens the pool that they run in.
    """

    device: str
    execution: Execution
    pool: Callable[[], Pool]


def find_machine(resources: Resources, home: Path) -> Machine:
    """Return what computes, once it is clear that it is there.

    Raises:
        UserError: no such executor, device or cluster, or more processes than there are GPUs.
    """
    if resources.executor not in EXECUTORS:
        raise unknown("executor", resources.executor, EXECUTORS)
    if resources.address is not None and resources.executor == "local":
        raise UserError("--address is of a cluster: give --executor ray too.")
    if resources.store is not None and resources.executor == "local":
        raise UserError("--store is for the machines of a cluster: give --executor ray too.")
    return EXECUTORS[resources.executor](resources, home)


def _local(resources: Resources, home: Path) -> Machine:
    device = pick_device(resources.device)
    workers, threads, gpus = shares(resources.workers, str(device), os.cpu_count() or 1, resources.execution.processes)
    return Machine(device.type, resources.execution, lambda: LocalPool(workers, threads, gpus))


def _ray(resources: Resources, home: Path) -> Machine:
    """Give every job a GPU for each process where the cluster has so many, else a core for each."""
    if resources.device not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device {resources.device} names one GPU; a cluster gives jobs theirs: say cuda.")
    there = cluster_gpus(resources.address) if resources.device != "cpu" else 0
    processes = resources.execution.processes
    if resources.device == "cuda" and there < processes:
        raise UserError(f"Each pre-training asks for {processes} GPUs, and the cluster has {there}.")
    device = "cuda" if there >= processes else "cpu"
    gpus, threads = (processes, 1) if device == "cuda" else (0, processes)
    sharing: Sharing = SharedHome(home) if resources.store is None else ThroughStore(home, resources.store)
    return Machine(device, resources.execution, lambda: RayPool(resources.address, sharing, threads, gpus))


EXECUTORS: dict[str, Callable[[Resources, Path], Machine]] = {"local": _local, "ray": _ray}


def shares(workers: int, device: str, cores: int, processes: int) -> tuple[int, int, tuple[str, ...]]:
    """Share a machine among jobs: return jobs at a time, threads of each, and the GPUs of each, () on a CPU.

    Two processes of one thread beat one of two; a GPU takes one job at a time. On several GPUs as many jobs run at a
    time as have ``processes`` GPUs each, unless one is named (``cuda:1``).

    Raises:
        UserError: more processes than there are GPUs.
    """
    if device.startswith("cuda"):
        if processes > (count := torch.cuda.device_count()):
            raise UserError(f"--processes {processes} needs as many GPUs, and there are {count}.")
        gpus = gpu_shares(device, count, processes)
        return len(gpus), max(1, cores // len(gpus)), gpus
    return max(1, workers // processes), max(1, cores // workers), ()


def gpu_shares(device: str, count: int, each: int) -> tuple[str, ...]:
    """Return the GPUs of each job that may run at a time, as ``CUDA_VISIBLE_DEVICES`` names them.

    Args:
        device: ``cuda`` for all, or one of them, ``cuda:1``.
        count: of GPUs that this process sees.
        each: GPUs of a job.
    """
    names = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    seen = names[:count] if len(names) >= count else [str(number) for number in range(count)]
    _, colon, number = device.partition(":")
    if colon and each == 1:
        seen = [seen[int(number)]]
    return tuple(",".join(seen[first : first + each]) for first in range(0, len(seen) - each + 1, each))
