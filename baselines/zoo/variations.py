"""Rows of the zoo with one thing changed: ``tst@modalities=rgb+depth``, ``tst@steps=500``. Ablations are made of them.

``NAME@KEY=VALUE``, several changes separated by commas. A change of the budget breaks the rule that every row gets
the same; such a row is shown and never ranked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from baselines.ledger import Role
from baselines.zoo.model import Model
from sim_envs.errors import UserError, unknown
from sim_envs.modalities import MODALITIES, modality

Number = TypeVar("Number", int, float)
MARK = "@"


def varied(base: Model, changes: str) -> Model:
    """Return ``base@changes``.

    Raises:
        UserError: the base is not pre-trained here, an unknown key, or a value that does not fit.
    """
    name = f"{base.name}{MARK}{changes}"
    if not base.pretrains:
        raise UserError(f"{name}: {base.name} is not pre-trained here, so there is nothing to vary.")
    model, changed = base, set()
    for change in changes.split(","):
        key, equals, value = change.partition("=")
        if key not in KEYS:
            raise unknown("variation", key, KEYS, f"A variation is NAME{MARK}KEY=VALUE, e.g. tst{MARK}steps=500.")
        if not (equals and value):
            raise UserError(f"{name}: give {key} a value, e.g. {base.name}{MARK}{EXAMPLES[key]}.")
        if key in changed:
            raise UserError(f"{name}: {key} is given twice. Give each change once.")
        changed.add(key)
        model = KEYS[key](model, value, name)
    shown = (1 - model.mask_ratio) * len(model.modalities) if model.mask_ratio is not None else 0.0
    if shown > 1 + 1e-9:
        lowest = 1 - 1 / len(model.modalities)
        raise UserError(
            f"{name}: half of the frames show RGB alone, which is one of {len(model.modalities)} modalities. Hide"
            f" {lowest:.3g} of the tokens or more."
        )
    unequal = ", ".join(f"{key}={value:g}" for key, value in model.budget.items())
    return replace(
        model,
        name=name,
        summary=f"{base.summary}; {changes}",
        unranked=base.unranked or (f"another budget than the suite's: {unequal}" if unequal else ""),
    )


def _modalities(model: Model, value: str, name: str) -> Model:
    """Choose among the sensors; what teachers say of the frames stays."""
    if model.objective == "self-distillation":
        raise UserError(f"{name}: self-distillation sees RGB alone, so there are no modalities to vary.")
    asked = value.split("+")
    for each in asked:
        if not modality(each).sensed:
            raise UserError(f"{name}: '{each}' is a label: pre-training sees only what a device senses.")
    if "rgb" not in asked or len(set(asked)) != len(asked):
        raise UserError(f"{name}: rgb must be among the modalities, and each only once.")
    of_teachers = [each for each in model.modalities if modality(each).taught]
    return replace(model, modalities=(*(each for each in MODALITIES if each in asked), *of_teachers))


def _mix(model: Model, value: str, name: str) -> Model:
    share = _number(value, float, name)
    if not 0 <= share <= 1:
        raise UserError(f"{name}: the share of frames from the test space is from 0 to 1.")
    shares: dict[Role, float] = {"test": share, "external": 1 - share}
    return replace(model, sources={role: part for role, part in shares.items() if part > 0})


def _frames(model: Model, value: str, name: str) -> Model:
    return _budget(model, "frames", _at_least_one(value, name))


def _steps(model: Model, value: str, name: str) -> Model:
    return _budget(model, "steps", _at_least_one(value, name))


def _mask_ratio(model: Model, value: str, name: str) -> Model:
    if model.objective == "self-distillation":
        raise UserError(f"{name}: self-distillation hides no tokens, so there is no share of them to vary.")
    ratio = _number(value, float, name)
    if not 0 < ratio < 1:
        raise UserError(f"{name}: the share of masked tokens lies between 0 and 1.")
    return replace(model, mask_ratio=ratio)


def _budget(model: Model, field: str, value: float) -> Model:
    return replace(model, budget={**model.budget, field: value})


def _at_least_one(value: str, name: str) -> int:
    number = _number(value, int, name)
    if number < 1:
        raise UserError(f"{name}: give a whole number above 0.")
    return number


def _number(value: str, kind: type[Number], name: str) -> Number:
    try:
        return kind(value)
    except ValueError:
        raise UserError(f"{name}: '{value}' is not a {'whole ' if kind is int else ''}number.") from None


KEYS: dict[str, Callable[[Model, str, str], Model]] = {
    "modalities": _modalities,
    "mix": _mix,
    "frames": _frames,
    "steps": _steps,
    "mask-ratio": _mask_ratio,
}
"""Key → (row, value, name for messages) → changed row."""

EXAMPLES = {
    "modalities": "modalities=rgb+depth",
    "mix": "mix=0.5",
    "frames": "frames=500",
    "steps": "steps=500",
    "mask-ratio": "mask-ratio=0.9",
}
