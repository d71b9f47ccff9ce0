"""What a run will do, decided before anything is done: recordings, models, tasks, seeds, frames of each role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from baselines.ledger import Role
from baselines.zoo import ZOO, Model
from benchmark.suites import Role as SpaceRole
from benchmark.suites import Splits, Suite
from benchmark.tasks import TASKS
from sim_envs.distortion import NO_DISTORTION
from sim_envs.errors import UserError
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import Recording
from sim_envs.rig import NO_NOISE
from sim_envs.spaces import is_capture, recording_engine


@dataclass(frozen=True)
class RunPlan:
    """One test space, and everything that is compared in it.

    Attributes:
        suite: as loaded, with what the command line changed.
        test_space: id of the space that the specialists live in.
        roles: every other space's role; the test space has ``test``.
        cut: the splits of spaces that cannot have those the suite asks for (short captures).
    """

    suite: Suite
    test_space: str
    roles: dict[str, SpaceRole]
    models: tuple[Model, ...]
    cut: Mapping[str, Splits] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name the run's folder: suite and test space."""
        return f"{self.suite.name}/{self.test_space.replace('/', '__')}"

    def spaces(self, role: SpaceRole) -> list[str]:
        """Return the spaces of a role, in the suite's order."""
        return [space for space, its in self.roles.items() if its == role]

    def recipe(self, space: str) -> Recipe:
        """Return how a space is recorded in this run; a capture has the noise of its device already."""
        rig = self.suite.rig
        captured = is_capture(space)
        return Recipe(
            space=space,
            engine=recording_engine(space, self.suite.engine),
            width=rig.width,
            height=rig.height,
            hfov=rig.hfov,
            distortion=NO_DISTORTION if captured else rig.distortion,
            noise=NO_NOISE if captured else rig.noise,
            splits=dict(self.cut.get(space) or self.suite.recordings[self.roles[space]]),
        )

    @property
    def recordings(self) -> list[tuple[str, Recipe]]:
        """Return every recording of this run, as (role, recipe)."""
        return [(self.roles[space], self.recipe(space)) for space in self.needed]

    @property
    def needed(self) -> list[str]:
        """Return the spaces that must be recorded; external ones only when a model learns from them."""
        wanted = {role for model in self.models for role in model.sources or {}} | {
            "test",
            "transfer",
            "held_out",
        }
        return [space for space, role in self.roles.items() if role in wanted]


def plan_run(
    suite: Suite,
    test_space: str | None,
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
    protocols: Sequence[str] = (),
    seeds: int | None = None,
) -> RunPlan:
    """Combine a suite with what the command line names; empty means as the suite says.

    Raises:
        UserError: an unknown model or task, a number of seeds out of range, or a suite without enough spaces.
    """
    space = test_space or suite.test_spaces[0]
    for task in tasks or suite.tasks:
        TASKS[task]  # raises with the near names
    unknown_protocols = set(protocols) - {"frozen", "finetune"}
    if unknown_protocols:
        raise UserError(f"Unknown protocol '{min(unknown_protocols)}'. Known: frozen, finetune.")
    if seeds is not None and not 1 <= seeds <= 100:
        raise UserError(f"--seeds {seeds} is out of range: 1 to 100.")
    changed = suite.model_copy(
        update={
            "models": tuple(dict.fromkeys(models)) or suite.models,
            "tasks": tuple(dict.fromkeys(tasks)) or suite.tasks,
            "protocols": tuple(dict.fromkeys(protocols)) or suite.protocols,
            "seeds": seeds or suite.seeds,
        }
    )
    # A test space that the suite uses elsewhere leaves its other role: a space never has two.
    others = {s: role for s, role in suite.spaces().items() if role != "test" and s != space}
    roles: dict[str, SpaceRole] = {space: "test", **others}
    chosen = tuple(ZOO[name] for name in changed.models)
    plan = RunPlan(changed, space, roles, chosen)
    for role in ("transfer", "held_out", *(r for m in chosen for r in m.sources or {})):
        if not plan.spaces(role):  # type: ignore[arg-type]
            raise UserError(f"Suite {suite.name} has no {role} space left for this run; add one to it.")
    return plan


@dataclass(frozen=True)
class Portion:
    """Frames of one recording that a stage reads.

    Attributes:
        folder: the recording's.
        digest: of its ``meta.json``, which holds the digests of all its files.
        rows: numbers of the frames, ascending.
    """

    space: str
    folder: Path
    digest: str
    rows: tuple[int, ...]

    @property
    def key(self) -> list[object]:
        """Return what a stage's digest depends on: content, not place."""
        return [self.space, self.digest, list(self.rows)]


def portion(recording: Recording, split: str | None, frames: int | None = None) -> Portion:
    """Take ``frames`` valid frames of a split, evenly over its trajectories, or all of them.

    Raises:
        UserError: the split holds fewer.
    """
    rows = recording.indices(split)
    if frames is not None:
        if len(rows) < frames:
            raise UserError(
                f"{recording.meta.space.id} has {len(rows)} frames in split {split or 'any'}, and {frames} are asked"
                " for. Record more trajectories in the suite, or ask for fewer frames."
            )
        rows = rows[np.linspace(0, len(rows) - 1, frames).round().astype(int)] if frames else rows[:0]
    return Portion(recording.meta.space.id, recording.folder, recording.meta.digest, tuple(rows.tolist()))


def shared_out(recordings: Sequence[Recording], splits: Sequence[str], frames: int | None) -> list[Portion]:
    """Draw ``frames`` frames from several recordings in equal parts (all of them with None)."""
    pieces = [(recording, split) for recording in recordings for split in splits]
    if frames is None:
        return [portion(recording, split) for recording, split in pieces]
    sizes = np.array([len(recording.indices(split)) for recording, split in pieces], float)
    quota = _proportional(sizes, frames) if len(splits) > 1 else _equal(len(pieces), frames)
    return [portion(r, s, int(n)) for (r, s), n in zip(pieces, quota, strict=True)]


def _equal(parts: int, total: int) -> np.ndarray:
    return np.diff(np.linspace(0, total, parts + 1).round().astype(int))


def _proportional(sizes: np.ndarray, total: int) -> np.ndarray:
    edges = np.concatenate([[0], np.cumsum(sizes)]) / max(sizes.sum(), 1) * total
    return np.diff(edges.round().astype(int))


def pretraining_pool(
    model: Model, suite: Suite, recordings: dict[SpaceRole, list[Recording]]
) -> list[tuple[Role, Portion]]:
    """Return the frames a model is pre-trained on: the suite's number of them, by the model's shares of roles.

    In the ``transductive`` variant the unlabelled test trajectories of the test space are in the pool too.
    """
    pool: list[tuple[Role, Portion]] = []
    for role, share in (model.sources or {}).items():
        splits = ("train", "test") if role == "test" and suite.variant == "transductive" else ("train",)
        portions = shared_out(recordings[role], splits, round(share * suite.pretrain.frames))  # type: ignore[index]
        pool += [(role, p) for p in portions if p.rows]
    return pool
