"""Hidden test trajectories of a suite: planned from a secret, recorded in a folder that its owner alone can read.

They are like the test trajectories of the suite in everything but where they lead: as many, as long, through the same
spaces, by the same camera and planner. No view is a near-duplicate of one in the suite's own recording of the space, so
what may be pre-trained on stays apart from them, and so does what everybody can render.

::

    <folder>/plans/<32 hex digits>/poses.txt   one 4×4 camera-to-world a line
    <folder>/recordings/<space>/<recipe-hash>  as any recording, of these poses
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.jobs import Job, Report
from benchmark.plan import RunPlan, shared_out
from benchmark.secret import Secret
from benchmark.suites import Suite
from benchmark.tasks import TASKS
from sim_envs.errors import UserError
from sim_envs.generate import record
from sim_envs.recordings.format import Audit, Recipe
from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from sim_envs.spaces import is_capture, load_place
from sim_envs.storage import digest_json, write_whole
from sim_envs.trajectories import Trajectory
from sim_envs.trajectories.audit import audit_splits
from sim_envs.trajectories.plan import plan_apart

POSES = "poses.txt"


@dataclass(frozen=True)
class Hidden:
    """What is to be recorded in one space.

    Attributes:
        original: folder of the suite's own recording of the space.
        recipe: of that recording.
        key: decides the trajectories.
        home: the data home, where spaces are.
    """

    original: Path
    recipe: Recipe
    key: Secret
    home: Path

    @property
    def folder(self) -> Path:
        """Where hidden recordings go."""
        return hidden_home(self.home)


def hidden_home(home: Path) -> Path:
    """Return the folder of hidden recordings in a data home; what looks for recordings there finds none of them."""
    return home / "hidden"


def recording_plan(suite: Suite) -> RunPlan:
    """Return what must be recorded before anything can be hidden: all that a run of the suite reads labels from.

    Raises:
        UserError: a suite whose test frames cannot be hidden.
    """
    if suite.variant == "transductive":
        raise UserError(
            f"{suite.name} is transductive: models may pre-train on the test trajectories, so they cannot be hidden."
        )
    roles = {space: role for space, role in suite.spaces().items() if role != "external"}
    if captures := [space for space in roles if is_capture(space)]:
        raise UserError(
            f"{', '.join(captures)} of {suite.name} was captured by a device: there are no other views of it to hide. "
            "Such a suite has open custody: tst-bench pack."
        )
    return RunPlan(suite, suite.test_spaces[0], dict(roles), ())


def hidden_recordings(
    suite: Suite, secret: Secret, recordings: Mapping[str, Sequence[Recording]], home: Path
) -> list[Hidden]:
    """Return what is to be recorded in every space that is scored, test spaces first.

    Args:
        recordings: role → recordings of :func:`recording_plan`.
    """
    plan = recording_plan(suite)
    return [
        Hidden(
            original=recording.folder,
            recipe=plan.recipe(recording.meta.space.id),
            key=secret.key("hidden trajectories", suite.name, suite.version, recording.meta.space.id),
            home=home,
        )
        for recording in (*recordings["test"], *recordings["held_out"])
    ]


def hidden_jobs(hidden: Sequence[Hidden]) -> list[Job]:
    """Return a job for each recording; one that exists is a matter of a moment."""
    jobs = []
    for one in hidden:
        name = f"record hidden frames of {one.recipe.space}"
        log = one.folder / "logs" / f"{one.recipe.space.replace('/', '-')}.log"
        jobs.append(Job(name, run_hidden, {"hidden": one}, log))
    return jobs


def run_hidden(hidden: Hidden, report: Report) -> None:
    """Plan and record the hidden trajectories of one space."""
    record_hidden(hidden, report)


def record_hidden(hidden: Hidden, report: Report | None = None) -> tuple[Recording, Audit]:
    """Return the hidden recording of a space, made where it is missing, and how far it is from the suite's own.

    Raises:
        UserError: no views are left in the space that are not near-duplicates.
    """
    hidden.folder.mkdir(parents=True, exist_ok=True)
    hidden.folder.chmod(0o700)
    original = Recording.open(hidden.original)
    space = load_place(hidden.recipe.space, hidden.home)
    assert isinstance(space, Space)
    identity = digest_json([hidden.key.name("plan"), original.meta.digest])
    poses = hidden.folder / "plans" / identity[:32] / POSES
    splits = {"test": hidden.recipe.splits["test"]}
    if not poses.is_file():
        planned = plan_apart(space, hidden.recipe.rig(), splits, hidden.key.seed("walk"), original.poses)
        write_whole(poses, lambda beside: _write_poses(beside, planned))
    # Written into meta.json, which the private pack has: a key of its own, which tells nothing of the walk's.
    noise = hidden.key.seed("noise") if hidden.recipe.noise else 0
    recipe = hidden.recipe.model_copy(update={"trajectories": str(poses), "splits": splits, "seed": noise})
    recording = record(space, recipe, home=hidden.folder, progress=report)
    audit = _audit(original, recording)
    if not audit.passed:
        raise UserError(f"{hidden.recipe.space}: {audit.complaint()}. Delete {poses.parent} and run the command again.")
    return recording, audit


def taught_categories(suite: Suite, recordings: Mapping[str, Sequence[Recording]]) -> dict[str, tuple[int, ...]]:
    """Return task → categories that its transfer training can teach, of all tasks that every space can serve.

    Args:
        recordings: role → recordings of :func:`recording_plan`.
    """
    held = [set(recording.modalities) for group in recordings.values() for recording in group]
    portions = shared_out(recordings["transfer"], ("train",), suite.transfer_budget.frames)
    found = {}
    for name in suite.tasks:
        task = TASKS[name]
        if all(set(task.needs) <= modalities for modalities in held):
            targets = (task.targets(Recording.open(p.folder), np.array(p.rows, np.int64)) for p in portions)
            found[name] = task.seen(targets)
    if not found:
        raise UserError(f"No task of {suite.name} ({', '.join(suite.tasks)}) has labels in all of its spaces.")
    return found


def _audit(original: Recording, recording: Recording) -> Audit:
    """Compare hidden views with all of the suite's own in that space, whatever their split."""
    views = [Trajectory(0, "train", original.poses), Trajectory(1, "test", recording.poses)]
    return Audit.model_validate(audit_splits(views))


def _write_poses(path: Path, trajectories: Sequence[Trajectory]) -> None:
    lines = (" ".join(map(repr, pose.ravel().tolist())) for t in trajectories for pose in t.camera_to_world)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in lines)
