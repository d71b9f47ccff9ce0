"""What a run will do, decided before anything is done: recordings, models, tasks, seeds, frames of each role."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from baselines.ledger import Role
from baselines.teachers.table import teacher
from baselines.weights import WeightsFile
from baselines.zoo import ZOO, Model
from benchmark.suites import PretrainBudget, Protocol, RigSize, Splits, Suite
from benchmark.suites import Role as SuiteRole
from benchmark.tasks import TASKS
from sim_envs.distortion import NO_DISTORTION
from sim_envs.errors import UserError, unknown
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import Recording
from sim_envs.rig import NO_NOISE
from sim_envs.spaces import is_capture, recording_engine

SpaceRole = Literal["test", "other", "transfer", "held_out", "external"]
"""What a space is in one run; ``other``: a test space of the suite, and not the one that this run is about."""

SPARE_FRAMES = 1.1
"""Times the frames that are needed: a few of those recorded show too little to be used."""


@dataclass(frozen=True)
class RunPlan:
    """One test space, and everything that is compared in it.

    Attributes:
        suite: as loaded, with what the command line changed.
        test_space: id of the space that the specialists live in.
        roles: every space's role. Where the suite has several test spaces the run is about one, and the others are
            scored too: ``other``.
        weights: model or teacher → the file that its weights are read from.
        cut: the splits of spaces that cannot have those the suite asks for (short captures).
    """

    suite: Suite
    test_space: str
    roles: dict[str, SpaceRole]
    models: tuple[Model, ...]
    weights: Mapping[str, WeightsFile] = field(default_factory=dict)
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
            splits=dict(self.cut.get(space) or self.suite.recordings[self.suite_role(space)]),
        )

    def suite_role(self, space: str) -> SuiteRole:
        """Return whose recordings a space has: all test spaces are recorded alike, whichever the run is about."""
        role = self.roles[space]
        return "test" if role == "other" else role

    @property
    def recordings(self) -> list[tuple[str, Recipe]]:
        """Return every recording of this run, as (group, recipe); one may be in two groups.

        A group is a role, or ``external:N`` for models that draw from N external spaces alone. External spaces are
        recorded only when a model learns from them.
        """
        of_role = [(role, self.recipe(space)) for space, role in self.roles.items() if role != "external"]
        counts = {model.external_spaces for model in self.models if "external" in (model.sources or {})}
        every = self.spaces("external")
        found: list[tuple[str, Recipe]] = [*of_role]
        if None in counts:
            found += [("external", self.recipe(space)) for space in every]
        for count in sorted(filter(None, counts)):
            found += [(external_group(count), self._one_of(count, space)) for space in every[:count]]
        return found

    def _one_of(self, count: int, space: str) -> Recipe:
        """Return how a space is recorded that gives a ``count``-th of the frames: longer where few must give all."""
        recipe, frames = self.recipe(space), self.suite.pretrain.frames / count
        trajectories, each = recipe.splits["train"]
        if trajectories * each >= frames:
            return recipe
        longer = math.ceil(SPARE_FRAMES * frames / each)
        return recipe.model_copy(update={"splits": dict(recipe.splits) | {"train": (longer, each)}})

    def protocols_of(self, model: Model, task: str) -> tuple[Protocol, ...]:
        """Return the protocols that a model goes through in a task: those of the suite that it has an answer by."""
        by_itself = model.network is not None and task in model.network.zero_shot_tasks
        return tuple(protocol for protocol in self.suite.protocols if protocol != "zero-shot" or by_itself)

    @property
    def needed(self) -> list[str]:
        """Return the spaces that must be recorded."""
        return list(dict.fromkeys(recipe.space for _, recipe in self.recordings))


def external_group(count: int | None) -> str:
    """Name the group of recordings that a model with so many external spaces (None: all) draws from."""
    return f"external:{count}" if count else "external"


def source_group(model: Model, role: Role) -> str:
    """Name the group of recordings that a model's share of a role comes from."""
    return external_group(model.external_spaces) if role == "external" else role


def plan_run(
    suite: Suite,
    test_space: str | None,
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
    protocols: Sequence[str] = (),
    seeds: int | None = None,
    weights: Mapping[str, Path] | None = None,
) -> RunPlan:
    """Combine a suite with what the command line names; empty means as the suite says.

    Args:
        weights: model → weights file, for networks that were trained elsewhere. Others are looked for where such
            files are kept, and fetched where that can be done.

    Raises:
        UserError: an unknown model or task, a number of seeds out of range, a suite without enough spaces, or a
            model whose weights are not to be had.
    """
    space = test_space or suite.test_spaces[0]
    for task in tasks or suite.tasks:
        TASKS[task]  # raises with the near names
    for protocol in protocols:
        if protocol not in get_args(Protocol):
            raise unknown("protocol", protocol, get_args(Protocol))
    if seeds is not None and not 1 <= seeds <= 100:
        raise UserError(f"--seeds {seeds} is out of range: 1 to 100.")
    # A test space that the suite uses elsewhere leaves its other role: a space never has two.
    changed = suite.freed_of(space).model_copy(
        update={
            "models": tuple(dict.fromkeys(models)) or suite.models,
            "tasks": tuple(dict.fromkeys(tasks)) or suite.tasks,
            "protocols": tuple(dict.fromkeys(protocols)) or suite.protocols,
            "seeds": seeds or suite.seeds,
        }
    )
    roles: dict[str, SpaceRole] = {space: "test"}
    if space in suite.test_spaces:
        roles |= {other: "other" for other in suite.test_spaces if other != space}
    roles |= {other: role for other, role in changed.spaces().items() if role != "test"}
    chosen = tuple({model.name: model for model in (ZOO[name] for name in changed.models)}.values())
    plan = RunPlan(changed, space, roles, chosen)
    for role in ("transfer", "held_out", *(r for m in chosen for r in m.sources or {})):
        if not plan.spaces(role):  # type: ignore[arg-type]
            raise UserError(f"Suite {suite.name} has no {role} space left for this run; add one to it.")
    for model in chosen:
        refuse_given_away(model, changed.tasks)
    if not any(plan.protocols_of(model, task) for model in chosen for task in changed.tasks):
        raise UserError(
            f"No model of this run answers {', '.join(changed.tasks)} without transfer. Task experts answer the one"
            " that they were made for: `tst-bench models list` names it."
        )
    external = len(plan.spaces("external"))
    for model in chosen:
        if (model.external_spaces or 0) > external:
            raise UserError(f"{model.name} needs more external spaces than the {external} that {suite.name} has.")
    return replace(plan, weights=find_weights(chosen, weights or {}, suite.rig))


def refuse_given_away(model: Model, tasks: Sequence[str]) -> None:
    """Refuse a model for tasks whose truth is made of nothing but what it reads.

    Raises:
        UserError: names the model, the task and the sensors.
    """
    for task in tasks:
        needs = TASKS[task].needs
        if needs and set(needs) <= set(model.inputs):
            raise UserError(
                f"{model.name} reads {' and '.join(needs)} when it predicts, so the task {task} would ask it for what"
                " it is given. Run it for other tasks alone, e.g. --task semseg."
            )


def find_weights(models: Sequence[Model], given: Mapping[str, Path], rig: RigSize) -> dict[str, WeightsFile]:
    """Return model or teacher → weights file for every one whose network was trained elsewhere.

    Raises:
        UserError: a file is given for a model that is not in the run or has no use for it, none can be found, or
            one is damaged or of another network.
    """
    teachers = dict.fromkeys(name for model in models for name in model.teachers)
    names = [*dict.fromkeys((*(model.name for model in models), *teachers))]
    for name in given:
        if name not in names:
            raise UserError(f"--weights {name}=…: {name} is not in this run. Its models: {', '.join(names)}.")
    found = {}
    for model in models:
        if model.network is None and model.name in given:
            raise UserError(f"--weights {model.name}=…: the weights of {model.name} come from this run alone.")
        path = model.network.find_weights(model.name, given.get(model.name)) if model.network else None
        if model.network and path is not None:
            model.network.check(path, rig.height, rig.width)
            found[model.name] = model.network.weights_file(path)
    for name in teachers:
        weights = found.get(name) or teacher(name).find_weights(given.get(name))
        if weights:
            teacher(name).check(weights, rig.height, rig.width)
            found[name] = weights
    return found


def scored_spaces(plan: RunPlan) -> list[str]:
    """Return every space that is scored, in the suite's order whichever test space the run is about.

    Models that are the same in the runs of several test spaces so have the same predictions.
    """
    tests = [space for space, role in plan.roles.items() if role in ("test", "other")]
    tests.sort(key=lambda space: plan.suite.test_spaces.index(space) if space in plan.suite.test_spaces else -1)
    return [*tests, *plan.spaces("held_out")]


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


def labelled_portions(
    model: Model, suite: Suite, recordings: Mapping[str, list[Recording]]
) -> tuple[list[Portion], list[Portion]]:
    """Return the labelled frames that a model's transfer learns from, and those that it selects on.

    All models but oracles get the suite's number of frames of the transfer spaces, and these spaces' validation
    trajectories. An oracle gets as many frames (or all there are) of the test space's training trajectories, every
    fifth of which is kept for selection.
    """
    frames = suite.transfer_budget.frames
    if model.labels_from == "transfer":
        spaces = recordings["transfer"]
        return shared_out(spaces, ("train",), frames), shared_out(spaces, ("val",), None)
    (recording,) = recordings["test"]
    rows = recording.indices("train")
    trajectory = np.unique(recording.trajectory_ids[rows], return_inverse=True)[1]
    selects = trajectory % 5 == 0
    if selects.all():
        raise UserError(f"{model.name} needs two training trajectories of {recording.meta.space.id} at least.")
    learns = rows[~selects]
    learns = learns[np.linspace(0, len(learns) - 1, min(frames, len(learns))).round().astype(int)]
    whole = portion(recording, "train")
    return [replace(whole, rows=tuple(learns.tolist()))], [replace(whole, rows=tuple(rows[selects].tolist()))]


def pretrain_budget(model: Model, suite: Suite) -> PretrainBudget:
    """Return what a model gets to be pre-trained with: the suite's budget, but for variations.

    Raises:
        UserError: a variation changes what a budget does not have.
    """
    return suite.pretrain.model_copy(update=dict(model.budget)) if model.budget else suite.pretrain


def pretraining_splits(role: Role, suite: Suite) -> tuple[str, ...]:
    """Return the splits whose frames may be pre-trained on, of spaces of a role."""
    return ("train", "test") if role == "test" and suite.variant == "transductive" else ("train",)


def pretraining_pool(
    model: Model, suite: Suite, recordings: Mapping[str, list[Recording]]
) -> list[tuple[Role, Portion]]:
    """Return the frames a model is pre-trained on: the suite's number of them, by the model's shares of roles.

    In the ``transductive`` variant the unlabelled test trajectories of the test space are in the pool too.
    """
    pool: list[tuple[Role, Portion]] = []
    frames = pretrain_budget(model, suite).frames
    for role, share in (model.sources or {}).items():
        splits = pretraining_splits(role, suite)
        portions = shared_out(recordings[source_group(model, role)], splits, round(share * frames))
        pool += [(role, p) for p in portions if p.rows]
    return pool
