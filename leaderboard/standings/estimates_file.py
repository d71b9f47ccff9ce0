"""Estimates on disk: what ranks and comparisons are made from, without an entry's sums. One ``.npz``, never pickled.

Kept are the main measure's estimates in the test space and in held-out spaces, in double precision: what comes out of
a file is what went in to the last bit, so that ranks and comparisons are the same from either. Such a file takes about
16 kB for each role and kind of resample (2,000 numbers); with one training seed both kinds are the same and kept once.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from benchmark.report.evidence import SCORED_ROLES
from benchmark.statistics import Estimate
from leaderboard.standings.placing import Placed
from sim_envs.errors import UserError

_STAMP = (1980, 1, 1, 0, 0, 0)


def estimates_bytes(placed: Placed) -> bytes:
    """Return the file of one table; equal estimates give equal bytes."""
    main = placed.task.measures[0].key
    arrays: dict[str, np.ndarray] = {}
    for role in SCORED_ROLES:
        if role in placed.estimates:
            arrays |= {f"{role}.{name}": array for name, array in _arrays(placed.estimates[role][main]).items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:  # np.savez writes the time into its archives
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _STAMP), content.getvalue())
    return out.getvalue()


def read_estimates(content: bytes) -> dict[str, Estimate]:
    """Return ``test``, ``held_out`` and ``gap`` → estimate of the main measure; roles without spaces are left out.

    Raises:
        UserError: it is no such file.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        found = {role: _estimate(arrays, role) for role in SCORED_ROLES if f"{role}.numbers" in arrays}
        found["test"]
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"These are no estimates of a board ({error!r}). Score the submission again.") from None
    if "held_out" in found:
        found["gap"] = found["test"] - found["held_out"]
    return found


def _arrays(estimate: Estimate) -> dict[str, np.ndarray]:
    numbers = (estimate.value, estimate.seed_variance, estimate.seed_freedom, estimate.trajectory_freedom)
    draws = {} if np.array_equal(estimate.draws, estimate.fixed, equal_nan=True) else {"draws": estimate.draws}
    return {
        "numbers": np.array(numbers, np.float64),
        "per_seed": estimate.per_seed,
        "seeds": np.array(estimate.seeds, np.int64),
        "fixed": estimate.fixed,
        **draws,
        **{f"influence.{space}": moved for space, moved in estimate.influence.items()},
    }


def _estimate(arrays: Mapping[str, np.ndarray], role: str) -> Estimate:
    value, seed_variance, seed_freedom, trajectory_freedom = arrays[f"{role}.numbers"].tolist()
    fixed, start = arrays[f"{role}.fixed"], f"{role}.influence."
    return Estimate(
        value=value,
        per_seed=arrays[f"{role}.per_seed"],
        seeds=tuple(arrays[f"{role}.seeds"].tolist()),
        draws=arrays.get(f"{role}.draws", fixed),
        fixed=fixed,
        influence={name.removeprefix(start): moved for name, moved in arrays.items() if name.startswith(start)},
        seed_variance=seed_variance,
        seed_freedom=seed_freedom,
        trajectory_freedom=trajectory_freedom,
    )
