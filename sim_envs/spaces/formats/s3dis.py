"""S3DIS with surfaces: the areas of 2D-3D-S (Armeni et al., arXiv:1702.01105).

Layout and labels as in https://github.com/alexsax/2D-3D-Semantics: a textured mesh, and a second one whose faces
bear their label as the name of their material, ``class_instanceNum_roomType_roomNum_areaNum``.
"""

from __future__ import annotations

from pathlib import Path

from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.layout import LaidOut, Layout, SceneFile
from sim_envs.spaces.formats.transfer import carry_face_labels
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.mesh_files import read_mesh
from sim_envs.spaces.scans.obj_file import read_face_materials

_NO_INSTANCE = -1
_NO_CLASS = "<UNK>"


class S3DIS(LaidOut):
    """Areas of a building as one space each; the up axis is that of the labelled floors."""

    title = "S3DIS, the meshes of 2D-3D-S"
    layout = Layout(
        folders=("area_*", "*/area_*"),
        needed=(SceneFile("mesh", ("3d/rgb.obj",)), SceneFile("labels", ("3d/semantic.obj",))),
    )

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one area."""
        files = self.layout.find(root, scene)
        mesh, labelled = read_mesh(files["mesh"]), read_mesh(files["labels"])
        materials, of_face = read_face_materials(files["labels"])
        carried = carry_face_labels(labelled, of_face, mesh, _NO_INSTANCE)
        words = [name.partition("_")[0] for name in materials]
        names = {i: "" if word == _NO_CLASS else word for i, word in enumerate(words)}
        return labelled_scan(
            mesh,
            carried.label,
            names,
            none=_NO_INSTANCE,
            files=files,
            source=f"{self.title}, scene {scene}",
            notes=carried.notes,
        )
