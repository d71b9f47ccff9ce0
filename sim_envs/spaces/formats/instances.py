"""From a data set's ids and names to the instance ids and categories of a space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.labels import MAX_ID
from sim_envs.spaces.scans.mesh_files import RawMesh

NO_CATEGORY = frozenset(
    {"", "unlabelled", "unlabeled", "unannotated", "none", "void", "undefined", "unknown", "remove", "nan"}
)
"""Names by which data sets say that a surface bears no category."""


@dataclass(frozen=True, eq=False)
class Instances:
    """Instance ids of faces and their categories, as a space has them.

    Attributes:
        instance: (F,) int64, 0 = none.
        category: (I + 1,) uint16; entry 0 is 0.
        names: names of the category ids 1…C, in alphabetical order.
        notes: what was left out or changed.
    """

    instance: np.ndarray
    category: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def number_instances(ids: np.ndarray, names: Mapping[int, str], none: int) -> Instances:
    """Give every face its instance: the source's id where a space can hold it, else the id plus one, else a new one.

    Args:
        ids: (F,) the source's ids.
        names: category name of each id. Ids that are not in it, or whose name says "none", become 0.
        none: the id that means no instance.
    """
    borne, where = np.unique(ids, return_inverse=True)
    named = {i: " ".join(names[i].split()) for i in borne.tolist() if i != none and i in names}
    kept = {i: name for i, name in named.items() if name.casefold() not in NO_CATEGORY}
    nameless = sorted(set(borne.tolist()) - set(named) - {none, 0})
    notes = []
    if nameless:
        faces = int(np.isin(ids, nameless).sum())
        shown = ", ".join(map(str, nameless[:8])) + (", …" if len(nameless) > 8 else "")
        notes.append(f"{faces} faces of {len(nameless)} instances without a name taken as unlabelled: {shown}")
    low, high = min(kept, default=1), max(kept, default=1)
    if low >= 1 and high <= MAX_ID:
        new = {i: i for i in kept}
    elif low >= 0 and high < MAX_ID:
        new = {i: i + 1 for i in kept}
        notes.append("instance ids are those of the source plus 1, since 0 means none here")
    else:
        new = {i: number for number, i in enumerate(sorted(kept), start=1)}
        notes.append("instances were numbered anew, in the order of their ids in the source")
    categories = tuple(sorted(set(kept.values())))
    category = np.zeros(max(new.values(), default=0) + 1, np.uint16)
    for i, name in kept.items():
        category[new[i]] = categories.index(name) + 1
    lookup = np.array([new.get(i, 0) for i in borne.tolist()], np.int64)
    return Instances(lookup[where.reshape(-1)], category, categories, tuple(notes))


def labelled_scan(
    mesh: RawMesh,
    ids: np.ndarray,
    names: Mapping[int, str],
    *,
    none: int,
    files: Mapping[str, Path],
    source: str,
    up: str | None = None,
    notes: tuple[str, ...] = (),
) -> RawScan:
    """Return a scan whose triangles bear the source's ids.

    Args:
        mesh: geometry and appearance.
        ids: (F,) the source's ids, see :func:`number_instances`.
        names: category name of each id.
        none: the id that means no instance.
        files: role → path of what was read; the mesh is among them.
        source: the data set and the scene.
        up: the up axis that the data set prescribes, if any.
        notes: what was changed or left out on the way here.
    """
    found = number_instances(ids, names, none)
    others = [(role, path) for role, path in files.items() if role != "mesh"]
    return RawScan(
        mesh=mesh,
        instance=found.instance,
        instance_category=found.category,
        categories=found.names,
        files=(("mesh", files["mesh"]), *others),
        up=up,
        notes=(*notes, *found.notes),
        source=source,
    )
