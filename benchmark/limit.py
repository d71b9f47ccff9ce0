"""A slice of a run, to try it out: few frames everywhere, kept apart from full results and never ranked with them."""

from __future__ import annotations

import math
from dataclasses import replace

from benchmark.plan import RunPlan
from benchmark.suites import Role, Splits
from sim_envs.errors import UserError

LEAST = 2
SPARE = 1.5
"""Times the training frames that are drawn: some of those recorded show too little to be used."""


def limited(plan: RunPlan, frames: int | None) -> RunPlan:
    """Return a plan with at most ``frames`` frames a scored space, a pre-training pool and a training set.

    Recordings are cut to what that takes. The suite gets a name of its own, ``demo-limit-64``, hence its results a
    folder of their own, and a flag.

    Raises:
        UserError: so few frames that no two trajectories can be scored.
    """
    if frames is None:
        return plan
    if frames < LEAST:
        raise UserError(f"--limit {frames} is out of range: {LEAST} frames or more.")
    suite = plan.suite
    recordings = {role: _cut(splits, role, plan, frames) for role, splits in suite.recordings.items()}
    few = suite.model_copy(
        update={
            "name": f"{suite.name}-limit-{frames}",
            "recordings": recordings,
            "pretrain": suite.pretrain.model_copy(update={"frames": min(frames, suite.pretrain.frames)}),
            "transfer_budget": suite.transfer_budget.model_copy(
                update={"frames": min(frames, suite.transfer_budget.frames)}
            ),
        }
    )
    few._limited_to = frames
    cut = {space: _cut(splits, plan.suite_role(space), plan, frames) for space, splits in plan.cut.items()}
    return replace(plan, suite=few, cut=cut)


def _cut(splits: Splits, role: Role, plan: RunPlan, frames: int) -> Splits:
    spaces = 1 if role == "test" else max(1, len(plan.spaces(role)))
    sizes = {}
    for split, (count, each) in splits.items():
        if split == "test":  # two trajectories at least, or nothing could be resampled
            short = min(each, max(1, frames // 2))
            sizes[split] = (min(count, max(2, frames // short)), short)
        else:
            wanted = frames / spaces * (SPARE if split == "train" else 1)
            least = 2 if split == "train" else 1
            sizes[split] = (min(count, max(least, math.ceil(wanted / each))), each)
    return sizes
