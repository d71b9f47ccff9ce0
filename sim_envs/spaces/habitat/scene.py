"""Read a scene of a habitat dataset: which mesh files it shows, where, and what they are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.habitat.attributes import (
    Instance,
    ObjectAttributes,
    RenderAttributes,
    SceneInstance,
    StageAttributes,
    parse,
)
from sim_envs.spaces.habitat.dataset import SceneDataset, Template
from sim_envs.spaces.habitat.lexicon import Names, read_names
from sim_envs.spaces.habitat.placement import axes_to_world

_PRIMITIVE = re.compile(r"(cube|icosphere|uvSphere|capsule3D|cone|cylinder)(Solid|Wireframe)\w*")
_STAGES, _OBJECTS, _SCENES = "stages", "objects", "scene_instances"
_MOST_NAMED = 20


@dataclass(frozen=True)
class PlacedObject:
    """An object: its mesh file, how it is placed, and what it is (None: the dataset has no category for it)."""

    asset: Path
    attributes: ObjectAttributes
    instance: Instance
    category: str | None


@dataclass(frozen=True)
class PlacedStage:
    """The stage: its mesh file and how it is placed."""

    asset: Path
    attributes: StageAttributes
    instance: Instance


@dataclass(frozen=True)
class Scene:
    """A scene with all its files found.

    Attributes:
        name: of the scene.
        file: it was read from; None: it stands in the dataset config alone.
        stage: None where the scene has none.
        objects: in the order of the file.
        translation_origin: of instances that say nothing of it themselves.
        names: what gave the categories.
        notes: what is left out.
    """

    name: str
    file: Path | None
    stage: PlacedStage | None
    objects: tuple[PlacedObject, ...]
    translation_origin: str
    names: Names
    notes: tuple[str, ...]


def read_scene(dataset: SceneDataset, scene_id: str | None) -> Scene:
    """Read a scene and find its files.

    Args:
        scene_id: one of ``dataset.scene_ids()``; None: the only one.

    Raises:
        UserError: no such scene; files are missing (they are named), or are not what habitat-sim reads.
    """
    template = dataset.scene(scene_id)
    scene = _scene_instance(dataset, template)
    reader = _Reader(dataset, read_names(dataset, scene))
    stage = reader.stage(scene.stage_instance)
    objects = [
        reader.object(instance, f"object {number} of {template.name}")
        for number, instance in enumerate(scene.object_instances)
    ]
    reader.refuse_missing(template.name)
    reader.note_articulated(scene.articulated_object_instances)
    return Scene(
        template.name,
        template.file,
        stage,
        tuple(placed for placed in objects if placed is not None),
        scene.translation_origin,
        reader.names,
        tuple(dict.fromkeys(reader.notes)),
    )


def _scene_instance(dataset: SceneDataset, template: Template) -> SceneInstance:
    """Read a scene file, or make the scene of a stage that stands for one."""
    if dataset.is_stage(template):
        values = dataset.defaults[_SCENES] | {"stage_instance": {"template_name": template.handle}}
        return parse(SceneInstance, values, template.handle)
    return parse(SceneInstance, template.attributes(dataset.defaults[_SCENES]), template.handle)


@dataclass
class _Reader:
    """Resolves names to templates and files, and remembers what is missing and what to note."""

    dataset: SceneDataset
    names: Names
    missing: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def stage(self, instance: Instance) -> PlacedStage | None:
        if instance.template_name in ("", "NONE"):
            self.notes.append("the scene has no stage")
            return None
        template = self._template(_STAGES, instance)
        if template is None or not instance.is_instance_visible:
            return None
        defaults = self.dataset.defaults[_STAGES]
        values = template.attributes(defaults)
        if template.file is not None and template.file.suffix == ".glb" and not defaults:
            # habitat-sim takes a bare .glb for one of Matterport3D's, whose Z is up.
            values = {"up": (0.0, 0.0, 1.0), "front": (0.0, 1.0, 0.0)} | values
        attributes = parse(StageAttributes, values, template.handle)
        if np.any(instance.translation) or np.any(instance.rotation[1:]):
            self.notes.append("the place of the stage is ignored, as in habitat-sim, which leaves it at the origin")
        self._note_attributes(attributes, template)
        asset = self._asset(attributes, template)
        return None if asset is None else PlacedStage(asset, attributes, instance)

    def object(self, instance: Instance, where: str) -> PlacedObject | None:
        template = self._template(_OBJECTS, instance)
        if template is None:
            return None
        values = template.attributes(self.dataset.defaults[_OBJECTS])
        attributes = parse(ObjectAttributes, values, f"{where}: {template.handle}")
        if not instance.is_instance_visible:
            self.notes.append(f"{where} ({template.name}) is left out: it is not visible")
            return None
        if _PRIMITIVE.fullmatch(Path(attributes.render_asset).name):
            self.notes.append(f"{where} ({template.name}) is left out: it is a primitive of habitat-sim")
            return None
        self._note_attributes(attributes, template)
        asset = self._asset(attributes, template)
        category = self.names.category(attributes, template)
        return None if asset is None else PlacedObject(asset, attributes, instance, category)

    def refuse_missing(self, scene: str) -> None:
        """Raise UserError where files are missing, and name them."""
        if self.missing:
            shown = "".join(f"\n  {name}" for name in list(self.missing)[:_MOST_NAMED])
            more = len(self.missing) - _MOST_NAMED
            rest = f"\n  … and {more} more" if more > 0 else ""
            raise UserError(f"Scene {scene} is not whole, {len(self.missing)} of its files are missing:{shown}{rest}")

    def note_articulated(self, instances: tuple[Instance, ...]) -> None:
        """Note the articulated objects, which are not read."""
        counts = Counter(instance.template_name for instance in instances)
        if counts:
            listed = ", ".join(name if count == 1 else f"{count} × {name}" for name, count in counts.items())
            self.notes.append(f"{counts.total()} articulated objects (URDF) are left out: {listed}")

    def _template(self, kind: str, instance: Instance) -> Template | None:
        template = self.dataset.find(kind, instance.template_name)
        if template is None:
            self.missing[f"{instance.template_name}: none of the {kind} of {self.dataset.config.name} is it"] = None
        return template

    def _asset(self, attributes: RenderAttributes, template: Template) -> Path | None:
        """Return the mesh file of a template, or remember that it is missing."""
        path = Path(attributes.render_asset)
        if attributes.render_asset and path.is_file():
            return path
        self.missing[f"{attributes.render_asset or 'a render_asset'}, the mesh of {template.handle}"] = None
        return None

    def _note_attributes(self, attributes: RenderAttributes, template: Template) -> None:
        if attributes.units_to_meters != 1:
            self.notes.append(f"{template.name}: units_to_meters is ignored, as in habitat-sim")
        turned = (attributes.up, attributes.front) != ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
        if turned and np.array_equal(axes_to_world(attributes.up, attributes.front), np.eye(3)):
            self.notes.append(f"{template.name}: up and front are not at right angles: ignored, as in habitat-sim")
