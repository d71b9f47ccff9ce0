"""Results on disk: one typed JSON file for one (suite, test space, model, task, protocol, seed).

A result carries what its scores can be recomputed from (per-trajectory sufficient statistics) and what they
can be traced to (configuration, ledger, code, libraries, machine, seeds, digests).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from benchmark.environment import Environment, environment
from benchmark.statistics import Estimate
from benchmark.tasks import TASKS, Scope, Statistics
from sim_envs.errors import UserError
from sim_envs.storage import canonical_json, write_whole

__all__ = ["Environment", "Result", "SpaceResult", "collect", "environment", "load_result", "save_result"]

SCHEMA = 1
SUFFIX = ".result.json"
Role = Literal["test", "held_out", "other"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class StoredSums(_Part):
    """The sums of one trajectory without their zeros: confusion matrices are mostly zeros.

    Attributes:
        trajectory: id in the recording.
        frames: scored frames.
        index: positions in the flattened sums, ascending.
        value: the sums there; integers stay integers.
    """

    trajectory: int
    frames: int = Field(ge=0)
    index: tuple[int, ...]
    value: tuple[int | float, ...]

    @model_validator(mode="after")
    def _pairs(self) -> StoredSums:
        if len(self.index) != len(self.value):
            raise ValueError(f"trajectory {self.trajectory}: {len(self.index)} positions, {len(self.value)} sums")
        return self


class StoredStatistics(_Part):
    """A :class:`~benchmark.tasks.Statistics` in JSON."""

    dtype: Literal["int64", "float64"]
    shape: tuple[int, ...]
    trajectories: tuple[StoredSums, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _positions_exist(self) -> StoredStatistics:
        size = int(np.prod(self.shape))
        for row in self.trajectories:
            if row.index and not 0 <= min(row.index) <= max(row.index) < size:
                raise ValueError(f"trajectory {row.trajectory}: a position outside {self.shape}")
        ids = [row.trajectory for row in self.trajectories]
        if ids != sorted(set(ids)):
            raise ValueError("trajectory ids are not ascending and unique")
        return self

    @classmethod
    def pack(cls, statistics: Statistics) -> StoredStatistics:
        """Store sums, exactly."""
        dtype: Literal["int64", "float64"] = "int64" if statistics.sums.dtype == np.int64 else "float64"
        rows = []
        for trajectory, frames, sums in zip(statistics.trajectory, statistics.frames, statistics.sums, strict=True):
            flat = sums.ravel()
            index = np.flatnonzero(flat)
            rows.append(
                StoredSums(
                    trajectory=int(trajectory),
                    frames=int(frames),
                    index=tuple(index.tolist()),
                    value=tuple(flat[index].tolist()),
                )
            )
        return cls(dtype=dtype, shape=statistics.sums.shape[1:], trajectories=tuple(rows))

    def unpack(self) -> Statistics:
        """Return the sums as they were."""
        sums = np.zeros((len(self.trajectories), int(np.prod(self.shape))), self.dtype)
        for i, row in enumerate(self.trajectories):
            sums[i, list(row.index)] = row.value
        return Statistics(
            trajectory=np.array([row.trajectory for row in self.trajectories], np.int64),
            frames=np.array([row.frames for row in self.trajectories], np.int64),
            sums=sums.reshape(-1, *self.shape),
        )


class Score(_Part):
    """A measure with its 95 % interval; the bounds are None where nothing could be resampled."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, estimate: Estimate) -> Score:
        """Take value and interval from an estimate; what is not finite becomes None."""
        low, high = estimate.interval
        return cls(value=_finite(estimate.value), low=_finite(low), high=_finite(high))


class SpaceResult(_Part):
    """One space that was scored.

    Attributes:
        role: ``test`` (specialization), ``held_out`` (generalization) or ``other``: another test space of the suite,
            which is about something else in a run of its own.
        recording: digest of the recording that holds the truth.
        predictions: SHA-256 of the prediction file that was scored.
        scored: evaluation ids that count here.
        left_out: category → why it does not count.
        lacking: evaluation categories that the space has no word for.
        statistics: what every score of this space follows from.
    """

    space: str
    role: Role
    recording: str
    predictions: str
    scored: tuple[int, ...] = ()
    left_out: dict[str, str] = Field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    statistics: StoredStatistics

    @property
    def scope(self) -> Scope:
        """What the metric is taken over."""
        return Scope(self.scored, self.left_out)


class PretrainCompute(_Part):
    """How fast a pre-training was, on which device, as :class:`~baselines.pretraining.result.PretrainResult` measured.

    Attributes:
        gigaflops_per_step: forward and backward, over all processes.
        utilisation: of the devices' peak in matrix products of that precision; None where the peak is not known.
        data_wait_share: of the seconds, spent waiting for frames.
        peak_memory_bytes: of the process on a CPU, of the allocator on a GPU.
    """

    step_seconds: float = Field(ge=0)
    samples_per_second: float = Field(ge=0)
    gigaflops_per_step: float = Field(ge=0)
    utilisation: float | None = Field(default=None, ge=0)
    data_wait_share: float = Field(ge=0, le=1)
    peak_memory_bytes: int = Field(ge=0)
    precision: str
    device: str
    processes: int = Field(ge=1)

    @classmethod
    def of(cls, done: Mapping[str, Any]) -> PretrainCompute | None:
        """Take it from what a pre-training wrote when it was done; None from one that did not measure all of it."""
        wanted = {name: done[name] for name in cls.model_fields if name in done}
        return cls(**wanted) if len(wanted) == len(cls.model_fields) else None


class Compute(_Part):
    """What a row cost. Seconds are wall time on the hardware named in the environment."""

    parameters: int = Field(default=0, ge=0)
    pretrain_frames: int = Field(default=0, ge=0)
    pretrain_steps: int = Field(default=0, ge=0)
    pretrain_seconds: float = Field(default=0.0, ge=0)
    pretraining: PretrainCompute | None = None
    transfer_frames: int = Field(default=0, ge=0)
    transfer_steps: int = Field(default=0, ge=0)
    transfer_seconds: float = Field(default=0.0, ge=0)
    predict_frames_per_second: float = Field(default=0.0, ge=0)


class Rescored(_Part):
    """When and by what code scores were computed anew from kept predictions, and what task version had been used."""

    created: str
    environment: Environment
    from_task_version: int = Field(ge=1)


class Result(_Part):
    """One row of evidence.

    Attributes:
        suite: name and version, ``demo v1``.
        test_space: the space that this setting is about.
        variant: ``inductive`` or ``transductive``.
        track: computed from the ledger.
        task_version: of the task whose sums are in here; see :class:`~benchmark.tasks.Task`.
        flags: what sets this row apart from a regular one, in a few words each: ``limited to 64 frames``.
        configuration: every budget and choice, as resolved.
        ledger: what data and which networks reached the weights.
        inputs: what was read → its digest (recordings, checkpoints, suite).
        timings: stage → seconds.
        spaces: the test space first, then the held-out spaces, then other test spaces of the suite.
        scores: measure → {``test``, ``held_out``, ``other``, ``gap``} → score; of this seed alone.
        curves: stage (``pretrain``, ``transfer``) → CSV file, relative to this file's folder.
        prediction_folder: relative to this file's folder.
        rescored: the last time that ``tst-bench rescore`` changed the scores; None for those of the run itself.
    """

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    suite: str
    test_space: str
    variant: str
    model: str
    track: str
    task: str
    task_version: int = Field(default=1, ge=1)
    protocol: str
    seed: int
    flags: tuple[str, ...] = ()
    created: str
    configuration: dict[str, Any]
    ledger: dict[str, Any]
    environment: Environment
    inputs: dict[str, str]
    compute: Compute
    timings: dict[str, float]
    spaces: tuple[SpaceResult, ...] = Field(min_length=1)
    scores: dict[str, dict[str, Score]]
    curves: dict[str, str] = Field(default_factory=dict)
    prediction_folder: str = ""
    rescored: Rescored | None = None
    _folder: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_test_space(self) -> Result:
        test = [part.space for part in self.spaces if part.role == "test"]
        if test != [self.test_space]:
            raise ValueError(f"spaces of role test are {test}, not [{self.test_space}]")
        if len({part.space for part in self.spaces}) != len(self.spaces):
            raise ValueError("a space is scored twice")
        return self

    @property
    def folder(self) -> Path | None:
        """Where this result was read from or written to; its file names are relative to it."""
        return self._folder

    def file(self, relative: str) -> Path | None:
        """Return a file that this result names, or None when it is not there (it travelled alone)."""
        if self._folder is None or not relative:
            return None
        path = (self._folder / relative).resolve()
        return path if path.exists() else None

    @property
    def file_stem(self) -> str:
        """Return a file name that no other result of this suite has."""
        return result_stem(self.test_space, self.model, self.task, self.protocol, self.seed)


def result_stem(test_space: str, model: str, task: str, protocol: str, seed: int) -> str:
    """Return :attr:`Result.file_stem` of a result that need not be there yet."""
    parts = (test_space, model, task, protocol, f"seed{seed}")
    return "--".join(re.sub("[/:]", "__", part) for part in parts)


def save_result(folder: Path, result: Result) -> Path:
    """Write ``<stem>.result.json`` whole or not at all, and return its path."""
    path = folder / f"{result.file_stem}{SUFFIX}"
    text = canonical_json(result.model_dump(mode="json")) + "\n"
    write_whole(path, lambda beside: _write_text(beside, text))
    result._folder = folder
    return path


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def load_result(path: Path) -> Result:
    """Read one result, for what its scores say.

    Raises:
        UserError: as :func:`read_result`, or with sums of another version of its task.
    """
    result = read_result(path)
    _refuse_other_sums(result, path)
    return result


def read_result(path: Path) -> Result:
    """Read one result whatever version of its task it was scored by.

    Raises:
        UserError: no such file, not JSON, of another schema version, or with fields that do not fit, by name.
    """
    try:
        result = Result.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"No result at {path}. Run the model first: tst-bench run.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{path} is not a result of schema {SCHEMA}: {where}: {first['msg']}.") from None
    result._folder = path.parent
    return result


def _refuse_other_sums(result: Result, path: Path) -> None:
    """Refuse sums that the task of today would misread."""
    task = TASKS[result.task]
    again = f"tst-bench rescore --suite {result.suite.partition(' ')[0]} --scene {result.test_space}"
    if result.task_version != task.version:
        raise UserError(
            f"{path} holds sums of {task.name} version {result.task_version}; this is version {task.version}. Score it "
            f"again from its predictions ({again}), or move it away."
        )
    for part in result.spaces:
        if part.statistics.shape != task.sum_shape:
            raise UserError(
                f"{path}: the sums of {part.space} have shape {part.statistics.shape}, those of {task.name} have "
                f"{task.sum_shape}. Score it again from its predictions: {again}."
            )


def collect(folder: Path) -> list[Result]:
    """Read every result under a folder, in the order of their paths.

    Raises:
        UserError: the folder is missing or holds none, or one of them cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"No such folder: {folder}. Results are written there by tst-bench run.")
    paths = sorted(folder.rglob(f"*{SUFFIX}"))
    if not paths:
        raise UserError(f"No results (*{SUFFIX}) under {folder}. Run a model first: tst-bench run.")
    return [load_result(path) for path in paths]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
