"""A checkpoint is whole, belongs to one run, or is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from baselines.checkpoint import load_checkpoint, save_checkpoint
from sim_envs.errors import UserError

CPU = torch.device("cpu")


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.pt"
    weight = torch.randn(3)
    save_checkpoint(path, {"identity": "a", "step": 7, "weights": {"w": weight}})
    state = load_checkpoint(path, identity="a", device=CPU)
    assert state is not None
    assert state["step"] == 7
    assert torch.equal(state["weights"]["w"], weight)
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "checkpoint.pt", identity="a", device=CPU) is None


def test_another_runs_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"identity": "a"})
    with pytest.raises(UserError, match="another configuration"):
        load_checkpoint(path, identity="b", device=CPU)


@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "foreign"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"identity": "a", "weights": torch.randn(1000)})
    whole = path.read_bytes()
    if damage == "foreign":
        torch.save([1, 2], path)
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "noise": b"\x00garbage" * 50}[damage])
    with pytest.raises(UserError, match=r"checkpoint\.pt is damaged"):
        load_checkpoint(path, identity="a", device=CPU)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"identity": "a", "step": 1})
    with pytest.raises(AttributeError):
        save_checkpoint(path, {"identity": "a", "step": lambda: None})
    state = load_checkpoint(path, identity="a", device=CPU)
    assert state is not None
    assert state["step"] == 1
    assert len(list(tmp_path.iterdir())) == 1
