"""Matterport3D (Chang et al., 3DV 2017): the labelled house meshes, as released and as habitat's archive has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.formats.house_file import House, read_house
from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.layout import LaidOut, Layout, SceneFile
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.mesh_files import read_mesh
from sim_envs.spaces.scans.ply_file import read_face_columns

_NO_INSTANCE = -1
_SEGMENT = ("material_id", "face_material")
_OBJECT = ("object_id", "segment_id", "face_segment")


class _LabelledHouse(LaidOut):
    """A mesh of triangles with vertex colours, Z up, metres, and per face the segment or object it is part of."""

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one scene. Colours are those of the vertices: the labels are for this mesh, not for the textured one."""
        files = self.layout.find(root, scene)
        mesh = read_mesh(files["mesh"])
        house = read_house(files["instances"])
        columns = read_face_columns(files["mesh"], (*_SEGMENT, *_OBJECT))
        objects = _objects(files["mesh"], columns, house)[mesh.face_origin]
        return labelled_scan(
            mesh,
            objects,
            house.names,
            none=_NO_INSTANCE,
            files=files,
            source=f"{self.title}, scene {scene}",
            up="z",
            notes=("colours are those of the labelled mesh's vertices; the textured mesh is not read",),
        )


class MP3DHabitat(_LabelledHouse):
    """Matterport3D as ``download_mp.py --task habitat`` brings it."""

    title = "Matterport3D, habitat layout"
    layout = Layout(
        folders=("*", "mp3d/*", "v1/tasks/mp3d/*"),
        needed=(SceneFile("mesh", ("{scene}_semantic.ply",)), SceneFile("instances", ("{scene}.house",))),
    )


class Matterport3D(_LabelledHouse):
    """Matterport3D as released: the bundle ``house_segmentations`` of each house."""

    title = "Matterport3D"
    layout = Layout(
        folders=("v1/scans/*", "scans/*", "*"),
        needed=tuple(
            SceneFile(
                role,
                (
                    f"house_segmentations/{{scene}}.{suffix}",
                    f"{{scene}}/house_segmentations/{{scene}}.{suffix}",
                    f"house_segmentations/{{scene}}/house_segmentations/{{scene}}.{suffix}",
                ),
                hint="of the bundle house_segmentations.zip",
            )
            for role, suffix in (("mesh", "ply"), ("instances", "house"))
        ),
    )


def _objects(path: Path, columns: Mapping[str, np.ndarray], house: House) -> np.ndarray:
    """Return (file faces,) object indices, −1 for none: through the segments, or as the faces name them."""
    segment = next((columns[name] for name in _SEGMENT if name in columns), None)
    if segment is not None and house.object_of_segment:
        known, where = np.unique(segment, return_inverse=True)
        of_segment = [house.object_of_segment.get(i, _NO_INSTANCE) for i in known.tolist()]
        return np.array(of_segment, np.int64)[where.reshape(-1)]
    named = next((columns[name] for name in _OBJECT if name in columns), None)
    if named is None:
        raise UserError(f"{path} says nothing of instances: its faces need one of {', '.join((*_SEGMENT, *_OBJECT))}.")
    return named.astype(np.int64)
