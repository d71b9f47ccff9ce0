"""Runs with captures among their spaces: one lens for all, and no more frames than were captured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.plan import RunPlan, external_group
from sim_envs.captures.segments import fitting_splits, repeated_views
from sim_envs.captures.source import load_capture
from sim_envs.recordings.reader import Recording
from sim_envs.spaces import is_capture


def fit_captures(plan: RunPlan, home: Path) -> tuple[RunPlan, list[str]]:
    """Give every space of a run the lens of its captures, and let short captures have the splits they can fill.

    A model that is transferred from rendered frames to real photos should meet one camera, so all spaces are
    recorded with the narrowest field of view among captures and suite; the size of the frames stays the suite's.

    Returns:
        The plan, and what was changed, for the user.

    Raises:
        UserError: no such capture, or one too short or too narrow for any recording.
    """
    captures = {space: load_capture(space, home) for space in plan.needed if is_capture(space)}
    if not captures:
        return plan, []
    rig, notes = plan.suite.rig, []
    hfov = min(rig.hfov, *(capture.widest_hfov(rig.width, rig.height) for capture in captures.values()))
    if hfov < rig.hfov:
        notes.append(
            f"all spaces are recorded with a horizontal field of view of {hfov:g}° instead of {rig.hfov:g}°: "
            f"{', '.join(captures)} shows no more in frames of {rig.width} × {rig.height}."
        )
    cut = {}
    for space, capture in captures.items():
        asked = plan.suite.recordings[plan.suite_role(space)]
        cut[space] = fitting_splits(capture, asked)
        if cut[space] != {split: size for split, size in asked.items() if size[0]}:
            notes.append(f"{space} has {len(capture)} frames: {_said(cut[space])} instead of {_said(asked)}.")
        if repeats := repeated_views(capture, cut[space]):
            notes.append(f"{space}: train views left out as near-duplicates of val or test views: {repeats}.")
    suite = plan.suite.model_copy(update={"rig": rig.model_copy(update={"hfov": hfov})})
    return replace(plan, suite=suite, cut=cut), notes


def fit_budgets(plan: RunPlan, recordings: Mapping[str, Sequence[Recording]]) -> tuple[RunPlan, list[str]]:
    """Lower the frames that *every* model learns from to what the captures of a run can give.

    Args:
        recordings: group (see :attr:`~benchmark.plan.RunPlan.recordings`) → its recordings.

    Returns:
        The plan, and what was changed, for the user.
    """
    suite, notes = plan.suite, []
    splits: dict[str, tuple[str, ...]] = {"test": ("train", "test") if suite.variant == "transductive" else ("train",)}
    pool = suite.pretrain.frames
    for model in plan.models:
        for role, share in (model.sources or {}).items():
            group = external_group(model.external_spaces) if role == "external" else role
            pool = min(pool, _most(recordings[group], splits.get(role, ("train",)), share))
    labelled = min(suite.transfer_budget.frames, _most(recordings["transfer"], ("train",), 1.0))
    if pool < suite.pretrain.frames:
        notes.append(f"every model is pre-trained on {pool} frames instead of {suite.pretrain.frames}.")
    if labelled < suite.transfer_budget.frames:
        notes.append(f"every model is transferred with {labelled} frames instead of {suite.transfer_budget.frames}.")
    budgets = {
        "pretrain": suite.pretrain.model_copy(update={"frames": pool}),
        "transfer_budget": suite.transfer_budget.model_copy(update={"frames": labelled}),
    }
    return replace(plan, suite=suite.model_copy(update=budgets)), notes


def _most(recordings: Sequence[Recording], splits: Sequence[str], share: float) -> int:
    """Return the largest pool of which ``share`` can be drawn in equal parts, as far as captures limit it."""
    held = [
        sum(len(recording.indices(split)) for split in splits)
        for recording in recordings
        if is_capture(recording.meta.space.id)
    ]
    return int(min(held, default=10**9) * len(recordings) / share)


def _said(splits: Mapping[str, tuple[int, int]]) -> str:
    return ", ".join(f"{split} {number} × {frames}" for split, (number, frames) in splits.items() if number)
