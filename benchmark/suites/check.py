"""What keeps a suite from being run here, all of it at once and before anything is begun."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from baselines.zoo import ZOO
from benchmark.encoders import shape_of
from benchmark.plan import pretrain_budget
from benchmark.suites import Role, Suite
from benchmark.tasks import TASKS
from sim_envs.engines import ENGINES
from sim_envs.errors import UserError
from sim_envs.spaces import is_capture, list_spaces, unknown_space


def suite_problems(suite: Suite, home: Path) -> list[str]:
    """Return what is wrong with a suite on this machine, a sentence each: unknown names, absent spaces, few frames."""
    looked_up: list[tuple[str, Callable[[], object]]] = [
        ("engine", lambda: ENGINES[suite.engine]),
        ("pretrain.encoder", lambda: shape_of(suite)),
        *(("models", lambda name=name: ZOO[name]) for name in suite.models),
        *(("tasks", lambda name=name: TASKS[name]) for name in suite.tasks),
    ]
    problems = [f"{where}: {error}" for where, look in looked_up if (error := _error(look))]
    known = set(list_spaces(home))
    for space, role in suite.spaces().items():
        if space not in known:
            problems.append(f"{role} space: {unknown_space(space, home)}")
    return problems + _too_few_frames(suite)


def _error(look: Callable[[], object]) -> UserError | None:
    try:
        look()
    except UserError as error:
        return error
    return None


def _too_few_frames(suite: Suite) -> list[str]:
    """Return which budgets ask for more frames than the recordings of rendered spaces will have."""
    problems = _short(suite, "transfer", ("train",), suite.transfer_budget.frames, "transfer_budget.frames")
    for name in suite.models:
        if _error(lambda name=name: ZOO[name]):  # type: ignore[misc]
            continue
        for role, share in (ZOO[name].sources or {}).items():
            if role == "external" and ZOO[name].external_spaces:  # of few spaces more is recorded
                continue
            splits = ("train", "test") if role == "test" and suite.variant == "transductive" else ("train",)
            frames = round(share * pretrain_budget(ZOO[name], suite).frames)
            problems += _short(suite, role, splits, frames, f"pretrain.frames for {name}")  # type: ignore[arg-type]
    return problems


def _short(suite: Suite, role: Role, splits: tuple[str, ...], frames: int, asked_by: str) -> list[str]:
    spaces = [space for space, its in suite.spaces().items() if its == role]
    if not spaces:
        return [f"{asked_by}: the suite has no {role} space."]
    if all(is_capture(space) for space in spaces):  # budgets are lowered to what a capture has
        return []
    each = math.ceil(frames / (1 if role == "test" else len(spaces)))
    held = sum(math.prod(suite.recordings.get(role, {}).get(split, (0, 1))) for split in splits)
    if held >= each:
        return []
    return [f"{asked_by}: {each:,} frames of each {role} space are asked for, and recordings.{role} has {held:,}."]
