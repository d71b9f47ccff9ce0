"""From an expert's own class names to the categories of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim_envs.errors import UserError
from sim_envs.taxonomy import SourceMap, Taxonomy, open_source_map

ADE20K = open_source_map("nyu40-ade20k")
COCO = open_source_map("nyu40-coco")


def meanings(labels: Sequence[str], categories: Sequence[str], names: SourceMap) -> np.ndarray:
    """Return the evaluation id that each label means, (len(labels),) int64, 0 where it means none.

    A label may list synonyms between commas, as those of ADE20K do; the first that means something counts. Names that
    a map gives to a category which this evaluation lacks mean nothing here.

    Raises:
        UserError: no label means anything.
    """
    taxonomy = evaluation_names(categories, names)
    ids = np.array([_first(taxonomy, label) for label in labels], np.int64).reshape(-1)
    if not ids.any():
        shown = ", ".join(labels[:5]) or "none"
        raise UserError(f"None of the expert's classes ({shown} …) means a category of the task.")
    return ids


def unmapped(labels: Sequence[str], categories: Sequence[str], names: SourceMap) -> list[str]:
    """Return the labels that mean none of the categories."""
    taxonomy = evaluation_names(categories, names)
    return [label for label in labels if not _first(taxonomy, label)]


def evaluation_names(categories: Sequence[str], names: SourceMap) -> Taxonomy:
    """Return the taxonomy of an evaluation that knows the names of one source alone."""
    known = {category: words for category, words in names.names.items() if category in categories}
    return Taxonomy(
        name="evaluation", categories=tuple(categories), maps=(SourceMap(source=names.source, names=known),)
    )


def _first(taxonomy: Taxonomy, label: str) -> int:
    return next((i for word in label.split(",") if (i := taxonomy.evaluation_id(word))), 0)
