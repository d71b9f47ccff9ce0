"""Data sets whose labels the package ``scenezoo`` reads: ScanNet, ScanNet++, ARKitScenes and more.

One adapter for all: this program checks that the files are there, scenezoo parses annotations and, where nothing else
is said, the mesh. Structured3D is not among them: of that scenezoo has labelled points, but no surface that bears
labels; and of S3DIS it has points alone, so that its meshes are read by :mod:`sim_envs.spaces.formats.s3dis`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.layout import LaidOut, Layout, SceneFile
from sim_envs.spaces.formats.scenezoo_package import of_open3d, said, scenezoo
from sim_envs.spaces.formats.transfer import Carried, carry_vertex_labels
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.labels import majority
from sim_envs.spaces.scans.mesh_files import RawMesh, read_mesh

_NO_INSTANCE = -1


class _SceneZoo(LaidOut):
    """What a data set needs besides its layout.

    Attributes:
        dataset: scenezoo's name of it.
        templates: arguments of scenezoo's reader that place its files below the folder of a scene.
        notes: what a user must know of labels of this kind.
    """

    dataset: str
    templates: ClassVar[Mapping[str, str]] = {}
    notes: tuple[str, ...] = ()

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one scene.

        Raises:
            UserError: files are missing, scenezoo is not installed, or it cannot read them.
        """
        files = self.layout.find(root, scene)
        reader = self.open(self.layout.scenes(root)[scene], scene)
        try:
            mesh = self.mesh(reader, scene, files)
            labelled = set(files) >= {file.role for file in self.layout.labels}
            found = reader.get_segmentation(scene) if labelled else None
        except UserError:
            raise
        except Exception as error:  # scenezoo raises what its parsers raise
            raise UserError(f"scenezoo cannot read scene {scene} of {self.title} ({said(error)}).") from error
        ids: np.ndarray = np.full(len(mesh.faces), _NO_INSTANCE)
        notes: tuple[str, ...] = (self.layout.unlabelled_note,)
        names: dict[int, str] = {}
        if found is not None:
            none = int(found.invalid_id)
            carried = self.on_faces(reader, scene, mesh, found)
            ids = np.where(carried.label == none, _NO_INSTANCE, carried.label)
            names = {int(i): str(name) for i, name in found.id_to_name.items() if int(i) != none}
            notes = (*carried.notes, *self.notes)
        return labelled_scan(
            mesh,
            ids,
            names,
            none=_NO_INSTANCE,
            files=files,
            source=f"{self.title}, scene {scene}, read with scenezoo {scenezoo().__version__}",
            up="z",
            notes=notes,
        )

    def open(self, folder: Path, scene: str) -> Any:
        """Return scenezoo's reader; its root is the folder above that of the scene, and it asks no network."""
        return scenezoo().get_dataset(self.dataset, folder.parent, offline=True, **self.templates)

    def mesh(self, reader: Any, scene: str, files: Mapping[str, Path]) -> RawMesh:
        """Return the mesh that labels are for."""
        return of_open3d(reader.get_mesh(scene))

    def on_faces(self, reader: Any, scene: str, mesh: RawMesh, found: Any) -> Carried:
        """Return labels per triangle of ``mesh``."""
        return _per_face(found, mesh)


class ScanNet(_SceneZoo):
    """ScanNet v2: the decimated mesh and the segments that were named on it."""

    title = "ScanNet v2"
    dataset = "scannetv2"
    layout = Layout(
        folders=("scans/*", "scans_test/*", "*"),
        needed=(SceneFile("mesh", ("{scene}_vh_clean_2.ply",)),),
        labels=(
            SceneFile("instances", ("{scene}.aggregation.json",)),
            SceneFile("labels", ("{scene}_vh_clean_2.0.010000.segs.json",)),
        ),
    )
    templates: ClassVar = {
        "decimated_mesh_file": "{scene_id}/{scene_id}_vh_clean_2.ply",
        "aggregation_file": "{scene_id}/{scene_id}.aggregation.json",
        "segmentation_file": "{scene_id}/{scene_id}_vh_clean_2.0.010000.segs.json",
    }


class ScanNetPP(_SceneZoo):
    """ScanNet++ v2: the aligned 5 cm-decimated laser scan; of overlapping objects the smaller one counts."""

    title = "ScanNet++ v2"
    dataset = "scannetppv2"
    layout = Layout(
        folders=("data/*", "*"),
        needed=(SceneFile("mesh", ("scans/mesh_aligned_0.05.ply",)),),
        labels=(
            SceneFile("instances", ("scans/segments_anno.json",)),
            SceneFile("labels", ("scans/segments.json",)),
        ),
    )
    templates: ClassVar = {"data_dir": "{scene_id}"}


class ARKitScenes(_SceneZoo):
    """ARKitScenes: the mesh and the boxes of the task 3DOD."""

    title = "ARKitScenes"
    dataset = "arkitscenes"
    layout = Layout(
        folders=tuple(f"{above}{fold}/*" for above in ("", "raw/", "3dod/") for fold in ("Training", "Validation")),
        needed=(SceneFile("mesh", ("{scene}_3dod_mesh.ply",)),),
        labels=(SceneFile("instances", ("{scene}_3dod_annotation.json",)),),
    )
    notes = ("labels are approximations: what lies within an annotated box bears its label, the smaller box first",)

    def open(self, folder: Path, scene: str) -> Any:
        """Return the reader. That a scene lies in the folder ``Training`` it would else read from the network."""
        reader = scenezoo().get_dataset(self.dataset, folder.parents[1], offline=True)
        reader.metadata = {scene: {"fold": folder.parent.name}}
        return reader


class ThreeRScan(_SceneZoo):
    """3RScan: the textured mesh, and labels of the vertices of another file (whose colours are its labels)."""

    title = "3RScan"
    dataset = "3rscan"
    layout = Layout(
        folders=("download/*", "*"),
        needed=(SceneFile("mesh", ("mesh.refined.v2.obj",)),),
        labels=(
            SceneFile("labels", ("labels.instances.annotated.v2.ply",)),
            SceneFile("instances", ("semseg.v2.json",)),
        ),
    )

    def mesh(self, reader: Any, scene: str, files: Mapping[str, Path]) -> RawMesh:
        """Return the textured mesh, as our own reader has it: Open3D turns its textures upside down."""
        return read_mesh(files["mesh"])

    def on_faces(self, reader: Any, scene: str, mesh: RawMesh, found: Any) -> Carried:
        """Carry the labels over by the places of vertices."""
        places = np.asarray(reader.get_mesh(scene, mesh_type="instance").vertices)
        of_vertex = carry_vertex_labels(places, np.asarray(found.labels), mesh.vertices, int(found.invalid_id))
        return Carried(majority(of_vertex.label[mesh.faces]), of_vertex.notes)


class MultiScan(_SceneZoo):
    """MultiScan: a coloured mesh with the object of each face."""

    title = "MultiScan"
    dataset = "multiscan"
    layout = Layout(
        folders=("*", "scenes/*"),
        needed=(SceneFile("mesh", ("{scene}.ply",)),),
        labels=(SceneFile("instances", ("{scene}.annotations.json",)),),
    )


class SceneNN(_SceneZoo):
    """SceneNN: a coloured mesh, and a second one whose colours are its labels."""

    title = "SceneNN"
    dataset = "scenenn"
    layout = Layout(
        folders=("*",),
        needed=(
            SceneFile("mesh", ("{scene}_color.ply",)),
            SceneFile("labels", ("{scene}.ply",)),
            SceneFile("instances", ("{scene}.xml",)),
        ),
    )


def _per_face(found: Any, mesh: RawMesh) -> Carried:
    labels = np.asarray(found.labels, np.int64)
    expected = mesh.file_counts[0 if found.domain == "vertex" else 1]
    if len(labels) != expected:
        raise UserError(f"The labels do not fit: {len(labels)} for a mesh of {expected} of what they are for.")
    if found.domain == "vertex":
        return Carried(majority(labels[mesh.vertex_origin[mesh.faces]]))
    return Carried(labels[mesh.face_origin])
