"""``tst+TEACHER…``: the specialist that also predicts what trained networks say of the same frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from baselines.zoo.model import Model
from baselines.zoo.specialists import TST
from sim_envs.errors import UserError, unknown
from sim_envs.modalities import PSEUDO_LABELS, feature_map

JOIN = "+"

ALIASES = {"clip": "clip-vit-b16", "dinov2": "dinov2-b", "imagebind": "openclip-vit-h14"}
"""Short names. ImageBind (Girdhar et al. 2023) took OpenCLIP's ViT-H/14 for its pictures and kept it frozen while it
taught five other kinds of data the same space: its embedding of a picture is OpenCLIP's."""


def taught(names: str, row: Callable[[str], Model], known: list[str]) -> Model:
    """Return ``tst+A+B``.

    Args:
        names: what comes after ``tst+``.
        row: looks a model up; ``known`` are the names that it takes without an argument.

    Raises:
        UserError: no such teacher, one named twice, or one that has nothing to teach.
    """
    teachers = tuple(ALIASES.get(name, name) for name in names.split(JOIN))
    twice = [name for name in teachers if teachers.count(name) > 1]
    if twice:
        raise UserError(f"tst{JOIN}{names}: {twice[0]} is named twice. Name each teacher once.")
    say = "say" if len(teachers) > 1 else "says"
    modalities = tuple(_modality(name, row, known) for name in teachers)
    return replace(
        TST,
        name=JOIN.join((TST.name, *teachers)),
        summary=f"tst that also learns what {' and '.join(teachers)} {say} of its frames",
        modalities=TST.modalities + modalities,
        teachers=teachers,
    )


def _modality(teacher: str, row: Callable[[str], Model], known: list[str]) -> str:
    """Return the modality that a teacher fills."""
    if teacher in PSEUDO_LABELS:
        return teacher
    if teacher not in known and ":" not in teacher:
        raise unknown("teacher", teacher, (*PSEUDO_LABELS, *ALIASES, *known))
    model = row(teacher)
    if model.teachers or model.labels_from == "test" or (model.pretrains and model.network):
        raise UserError(
            f"{teacher} cannot be a teacher: name the network it goes back to, or a specialist such as tst."
        )
    if not model.pretrains and model.network is None:
        raise UserError(f"{teacher} cannot be a teacher: it has learned nothing. Take another model of the zoo.")
    return feature_map(model.name).name
