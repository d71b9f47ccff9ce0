"""The table of teachers: labels guessed by networks of their own, and the features of any model of the zoo."""

from __future__ import annotations

from baselines.teachers.features import FeatureTeacher
from baselines.teachers.teacher import Teacher
from baselines.zoo import ZOO

PSEUDO_LABELLERS: dict[str, Teacher] = {}
"""Name, which is also that of the modality it fills → teacher. A new one is a file, a row here and one there."""


def teacher(name: str) -> Teacher:
    """Return a teacher by the name that stands after ``tst+``.

    Raises:
        UserError: no such teacher.
    """
    return PSEUDO_LABELLERS.get(name) or FeatureTeacher(ZOO[name])
