"""``frames.parquet``: one row a frame, saying which trajectory and split it is of, where from, and if of use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from sim_envs.errors import UserError
from sim_envs.recordings.format import FRAME_COLUMNS, FRAMES_FILE, POSE_COLUMNS, REMEDY
from sim_envs.storage import write_whole
from sim_envs.trajectories import Trajectory

if TYPE_CHECKING:
    import pandas as pd


def write_frames(folder: Path, trajectories: Sequence[Trajectory], valid: np.ndarray) -> None:
    """Write ``frames.parquet``; ``valid`` is (N,) bool, in the order of the trajectories."""
    lengths = [len(t.camera_to_world) for t in trajectories]
    poses = np.concatenate([t.camera_to_world for t in trajectories]).reshape(-1, 16)
    columns = {
        "trajectory": np.repeat(np.array([t.id for t in trajectories], np.int32), lengths),
        "step": np.concatenate([np.arange(length, dtype=np.int32) for length in lengths]),
        "split": pa.array(np.repeat([t.split for t in trajectories], lengths).tolist(), pa.string()),
        **{name: poses[:, i] for i, name in enumerate(POSE_COLUMNS)},
        "valid": valid,
    }
    table = pa.table({name: columns[name] for name in FRAME_COLUMNS})
    write_whole(folder / FRAMES_FILE, lambda path: pa.parquet.write_table(table, path, compression="zstd"))


def read_frames(folder: Path, count: int) -> pd.DataFrame:
    """Read ``frames.parquet``.

    Raises:
        UserError: absent, corrupt, or not ``count`` rows of the known columns.
    """
    path = folder / FRAMES_FILE
    try:
        table = pa.parquet.read_table(path, use_threads=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing. {REMEDY}") from None
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} is corrupt ({str(error).splitlines()[0]}). {REMEDY}") from None
    if tuple(table.column_names) != FRAME_COLUMNS or table.num_rows != count:
        raise UserError(f"{path} is corrupt: not {count} rows of {', '.join(FRAME_COLUMNS)}. {REMEDY}")
    return table.to_pandas()
