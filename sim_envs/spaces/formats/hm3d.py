"""HM3D and HM3D-Semantics (Ramakrishnan et al., arXiv:2109.08238; Yadav et al., arXiv:2210.05633).

Layout and axes as in https://github.com/matterport/habitat-matterport-3dresearch and its scene dataset configs
(``up`` is +z). Semantic meshes are painted: version 0.1 in vertex colours, version 0.2 in textures.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.formats.colour_labels import ids_of_colours
from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.layout import LaidOut, Layout, SceneFile
from sim_envs.spaces.formats.transfer import Carried, carry_face_labels
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.mesh_files import read_mesh

_NO_INSTANCE = 0
_LINE = re.compile(r'\s*(\d+)\s*,\s*([0-9A-Fa-f]{1,6})\s*,\s*"(.*)"\s*,\s*-?\d+\s*')


class HM3D(LaidOut):
    """Textured meshes, Z up, metres; instances painted on a mesh of their own, one colour each."""

    title = "HM3D"
    layout = Layout(
        folders=("*-*", "*/*-*"),
        needed=(
            SceneFile("mesh", ("{stem}.glb", "{stem}.basis.glb"), hint="of the archive hm3d-…-glb, or hm3d-…-habitat"),
        ),
        labels=(SceneFile("labels", ("{stem}.semantic.glb",)), SceneFile("instances", ("{stem}.semantic.txt",))),
    )

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one scene; most of HM3D is without labels."""
        files = self.layout.find(root, scene)
        mesh = read_mesh(files["mesh"])
        names: dict[int, str] = {}
        carried = Carried(np.full(len(mesh.faces), _NO_INSTANCE), (self.layout.unlabelled_note,))
        if "labels" in files:
            painted = read_mesh(files["labels"])
            id_of_colour, names = read_semantic_txt(files["instances"])
            label = ids_of_colours(painted, id_of_colour, _NO_INSTANCE)
            carried = carry_face_labels(painted, label, mesh, _NO_INSTANCE)
        return labelled_scan(
            mesh,
            carried.label,
            names,
            none=_NO_INSTANCE,
            files=files,
            source=f"{self.title}, scene {scene}",
            up="z",
            notes=carried.notes,
        )


def read_semantic_txt(path: Path) -> tuple[dict[int, int], dict[int, str]]:
    """Read colour → id and id → category name of a ``.semantic.txt``.

    Its lines are ``id,RRGGBB,"category name",region`` under a heading; names may hold commas.

    Raises:
        UserError: a line is of another form, a colour stands for two instances, or there is none.
    """
    id_of_colour: dict[int, int] = {}
    names: dict[int, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}.") from error
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            if number == 1 or not line.strip():
                continue
            raise UserError(f'{path}, line {number} is not of the form id,RRGGBB,"category",region: {line[:80]}')
        instance, colour, name = int(match[1]), int(match[2], 16), match[3]
        if id_of_colour.setdefault(colour, instance) != instance:
            raise UserError(f"{path}, line {number}: colour {match[2]} stands for two instances; the file is damaged.")
        names[instance] = name
    if not names:
        raise UserError(f"{path} lists no instance; it may be cut short.")
    return id_of_colour, names
