"""The table of teachers: labels guessed by networks of their own, and the features of any model of the zoo."""

from __future__ import annotations

from baselines.teachers.detector import DET_BOXES
from baselines.teachers.features import FeatureTeacher
from baselines.teachers.sam import SAM_EDGES
from baselines.teachers.segmenter import SEG_MASKS
from baselines.teachers.teacher import Teacher
from baselines.zoo import ZOO

PSEUDO_LABELLERS: dict[str, Teacher] = {teacher.name: teacher for teacher in (SAM_EDGES, DET_BOXES, SEG_MASKS)}
"""Name, which is also that of the modality it fills → teacher. A new one is a file, a row here and one there."""


def teacher(name: str) -> Teacher:
    """Return a teacher by the name that stands after ``tst+``.

    Raises:
        UserError: no such teacher.
    """
    return PSEUDO_LABELLERS.get(name) or FeatureTeacher(ZOO[name])
