"""What a run may use of a machine: jobs at a time, and the GPUs of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.machine import Resources, find_machine, gpu_shares, shares
from sim_envs.errors import UserError


@pytest.mark.parametrize(
    ("device", "count", "each", "shares"),
    [
        ("cuda", 1, 1, ("0",)),
        ("cuda", 4, 1, ("0", "1", "2", "3")),
        ("cuda", 4, 2, ("0,1", "2,3")),
        ("cuda", 5, 2, ("0,1", "2,3")),
        ("cuda", 4, 4, ("0,1,2,3",)),
        ("cuda:2", 4, 1, ("2",)),
    ],
)
def test_every_job_gets_gpus_of_its_own(
    device: str, count: int, each: int, shares: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu_shares(device, count, each) == shares


def test_gpus_that_are_hidden_stay_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert gpu_shares("cuda", 2, 1) == ("3", "5")
    assert gpu_shares("cuda:1", 2, 1) == ("5",)


def test_a_cpu_is_shared_by_cores() -> None:
    assert shares(workers=2, device="cpu", cores=8, processes=1) == (2, 4, ())
    assert shares(workers=4, device="cpu", cores=8, processes=2) == (2, 2, ())


def test_an_address_without_a_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--executor ray"):
        find_machine(Resources(1, "cpu", address="auto"), tmp_path)


def test_an_unknown_executor_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="local, ray"):
        find_machine(Resources(1, "cpu", "slurm"), tmp_path)
