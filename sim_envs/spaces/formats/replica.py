"""Replica (Straub et al., arXiv:1906.05797), as https://github.com/facebookresearch/Replica-Dataset ships it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim_envs.errors import UserError
from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.json_file import read_json
from sim_envs.spaces.formats.layout import LaidOut, Layout, SceneFile
from sim_envs.spaces.formats.transfer import carry_face_labels
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.mesh_files import read_mesh

_NO_INSTANCE = -1


class Replica(LaidOut):
    """Quads with vertex colours, Z up, metres; object ids per face of a second mesh."""

    title = "Replica"
    layout = Layout(
        folders=("*",),
        needed=(
            SceneFile("mesh", ("mesh.ply",)),
            SceneFile("labels", ("habitat/mesh_semantic.ply",)),
            SceneFile("instances", ("habitat/info_semantic.json",)),
        ),
    )

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one scene. The ``.ptex`` textures are not read: colours are those of the vertices."""
        files = self.layout.find(root, scene)
        mesh = read_mesh(files["mesh"])
        names = _names(files["instances"])
        labelled = read_mesh(files["labels"])
        if labelled.face_object_id is None:
            raise UserError(f"{files['labels']} has no face property `object_id`, so it says nothing of instances.")
        carried = carry_face_labels(labelled, labelled.face_object_id, mesh, _NO_INSTANCE)
        return labelled_scan(
            mesh,
            carried.label,
            names,
            none=_NO_INSTANCE,
            files=files,
            source=f"{self.title}, scene {scene}",
            up="z",
            notes=(*carried.notes, "colours are those of the vertices; .ptex textures are not read"),
        )


def _names(path: Path) -> dict[int, str]:
    """Return object id → class name of an ``info_semantic.json``."""
    info = read_json(path)
    try:
        classes = {int(row["id"]): str(row["name"]) for row in info["classes"]}
        return {int(row["id"]): _class_name(row, classes) for row in info["objects"]}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is not an info_semantic.json of Replica: it needs `classes` (id, name) and `objects` "
            "(id, class_id or class_name)."
        ) from error


def _class_name(row: dict[str, Any], classes: dict[int, str]) -> str:
    if "class_name" in row:
        return str(row["class_name"])
    return classes.get(int(row["class_id"]), "undefined")
