"""Checkpoints: a training run's state in one file that is whole or absent."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from sim_envs.errors import UserError
from sim_envs.storage import write_whole


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings and containers of them; a reader never sees half of it."""
    write_whole(path, lambda beside: torch.save(state, beside))


def load_checkpoint(path: Path, *, identity: str, device: torch.device) -> dict[str, Any] | None:
    """Return what was saved, or None where nothing was.

    Args:
        identity: what the run is (configuration and data); must equal the saved ``state["identity"]``.

    Raises:
        UserError: the file is damaged, or belongs to a run with another configuration or other data.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        found = state["identity"]
    except (
        OSError,
        RuntimeError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
    ) as error:
        raise UserError(
            f"The checkpoint {path} is damaged ({type(error).__name__}). Delete it to start again."
        ) from error
    if found != identity:
        raise UserError(
            f"{path} belongs to a run with another configuration or other frames."
            " Choose another folder, or delete this file to start again."
        )
    return state
