"""A scene dataset on disk: which stages, objects and scenes a ``*.scene_dataset_config.json`` offers, by name.

Follows habitat-sim's own reading (its ``SceneDatasetAttributesManager``): first the default attributes, then the
files under ``paths``, then the variants under ``configs``; a template is found by its handle, else by a part of it.
Files are listed here and read when they are needed, because a dataset may have 20,000 objects.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sim_envs.errors import UserError, unknown
from sim_envs.spaces.habitat.attributes import read_json

SUFFIX = ".scene_dataset_config.json"
_CONFIG_NAME = "%%CONFIG_NAME_AS_ASSET_FILENAME%%"
_FILE_KINDS = {
    "stages": "stage_config.json",
    "objects": "object_config.json",
    "articulated_objects": "ao_config.json",
    "scene_instances": "scene_instance.json",
    "semantic_scene_descriptor_instances": "semantic_config.json",
}
_OF_THE_LAST = ("COM", "translation_origin")
_ASSETS = ("render_asset", "semantic_asset", "semantic_descriptor_filename")


@dataclass(frozen=True)
class Template:
    """A stage, an object or a scene that can be named.

    Attributes:
        handle: the path of its file, or the name a dataset config gives it.
        file: the JSON or mesh file it is made from; None: it stands in the dataset config alone.
        folder: what the files it names are relative to.
        variant: attributes of the dataset config that override those of the file.
    """

    handle: str
    file: Path | None
    folder: Path
    variant: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The handle without its folder and its last two extensions."""
        name = Path(self.handle).name
        for _ in range(2):
            stem, dot, extension = name.rpartition(".")
            name = stem if dot and stem and extension else name
        return name

    def attributes(self, defaults: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes: defaults, overridden by the file, overridden by the variant.

        Names of files become absolute paths where there is such a file. A centre of mass and the origin of
        translations count only where the last of the three gives them: habitat-sim forgets them otherwise.

        Raises:
            UserError: the file is missing or not JSON.
        """
        values = {key: self._named(value) for key, value in defaults.items()}
        last = defaults
        if self.file is not None:
            is_config = self.file.suffix == ".json"
            last = read_json(self.file) if is_config else {"render_asset": self.file.name}
            values = values | last if is_config else last | {k: v for k, v in values.items() if v != ""}
        if self.variant is not None:
            values, last = values | self.variant, self.variant
        values = {key: value for key, value in values.items() if key in last or key not in _OF_THE_LAST}
        return values | {key: self._located(str(values[key])) for key in _ASSETS if values.get(key)}

    def _named(self, value: Any) -> Any:
        return value.replace(_CONFIG_NAME, self.name) if isinstance(value, str) else value

    def _located(self, name: str) -> str:
        path = self.folder / name
        return str(path) if path.exists() or not Path(name).exists() else name


@dataclass(frozen=True)
class SceneDataset:
    """What a dataset config offers, kind by kind.

    Attributes:
        config: its file.
        templates: kind → templates in the order of their handles.
        defaults: kind → default attributes.
        lexicons: name → file, of ``semantic_scene_descriptor_instances``.
    """

    config: Path
    templates: dict[str, tuple[Template, ...]]
    defaults: dict[str, dict[str, Any]]
    lexicons: dict[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the file, without its extension."""
        return self.config.name.removesuffix(SUFFIX)

    def scene_ids(self) -> list[str]:
        """Return the scenes that can be asked for: the scene instances, or, where there are none, the stages."""
        return list(self._scenes())

    def scene(self, scene_id: str | None) -> Template:
        """Return a scene, or a stage that stands for one; None means the only one there is.

        Raises:
            UserError: no such scene, several and none named, or none at all; the scenes are listed.
        """
        scenes = self._scenes()
        if not scenes:
            raise UserError(f"{self.config} lists neither scenes nor stages that exist: is the download complete?")
        if scene_id is None:
            if len(scenes) > 1:
                shown = ", ".join(list(scenes)[:40]) + (", …" if len(scenes) > 40 else "")
                raise UserError(f"{self.config.name} has {len(scenes)} scenes: name one with --scene. {shown}")
            return next(iter(scenes.values()))
        stages = {template.name: template for template in self.templates["stages"]}
        if scene_id not in scenes and scene_id not in stages:
            raise unknown("scene", scene_id, scenes, hint=f"{self.config.name} has {len(scenes)}.")
        return scenes.get(scene_id) or stages[scene_id]

    def is_stage(self, template: Template) -> bool:
        """Return whether a template is a stage."""
        return template in self.templates["stages"]

    def find(self, kind: str, handle: str) -> Template | None:
        """Return the template that an instance means: the one of this handle, else the first that contains it.

        Parts are compared without regard to case, below the folder of the dataset.
        """
        exact, folded = self._index[kind]
        if handle in exact or not handle:
            return exact.get(handle)
        part = handle.casefold()
        found = next((template for name, template in folded if part in name), None)
        return found or self._loose(kind, handle)

    @cached_property
    def _index(self) -> dict[str, tuple[dict[str, Template], list[tuple[str, Template]]]]:
        """Return kind → (handle → template, (handle below the dataset's folder, any case; template) in order)."""
        root = f"{self.config.parent}/"
        return {
            kind: ({t.handle: t for t in found}, [(t.handle.removeprefix(root).casefold(), t) for t in found])
            for kind, found in self.templates.items()
        }

    def _loose(self, kind: str, handle: str) -> Template | None:
        """Return a template for a file that no path of the config covers, as habitat-sim makes one."""
        file = self.config.parent / handle
        for candidate in (file.with_name(f"{file.name}.{_FILE_KINDS[kind]}"), file):
            if candidate.is_file():
                return Template(str(candidate), candidate, candidate.parent)
        return None

    def _scenes(self) -> dict[str, Template]:
        templates = self.templates["scene_instances"] or self.templates["stages"]
        names = [template.name for template in templates]
        root = f"{self.config.parent}/"
        return {
            name if names.count(name) == 1 else template.handle.removeprefix(root): template
            for name, template in zip(names, templates, strict=True)
        }


def read_dataset(config: Path) -> SceneDataset:
    """Read a ``*.scene_dataset_config.json`` and list what it offers.

    Raises:
        UserError: the file is missing, is not JSON, or its cells are not of habitat-sim's form.
    """
    config = config.expanduser().absolute()
    if config.is_dir():
        raise UserError(f"{config} is a folder: name its file *{SUFFIX}.")
    if config.is_file() and not config.name.endswith(SUFFIX):
        raise UserError(f"{config.name} is no scene dataset: its name must end in {SUFFIX}.")
    cells = read_json(config)
    templates: dict[str, tuple[Template, ...]] = {}
    defaults: dict[str, dict[str, Any]] = {}
    for kind in _FILE_KINDS:
        cell = cells.get(kind, {})
        if not isinstance(cell, dict):
            raise UserError(f"{config}: '{kind}' is no JSON object.")
        defaults[kind] = _object(cell.get("default_attributes", {}), f"{config}: {kind}.default_attributes")
        found = _of_paths(config, kind, _object(cell.get("paths", {}), f"{config}: {kind}.paths"))
        variants = cell.get("configs", [])
        if not isinstance(variants, list):
            raise UserError(f"{config}: {kind}.configs is no list.")
        for variant in variants:
            added = _variant(config, kind, variant, found)
            found[added.handle] = added
        templates[kind] = tuple(found[handle] for handle in sorted(found))
    return SceneDataset(config, templates, defaults, _lexicons(config, cells))


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where} is no JSON object.")
    return value


def _of_paths(config: Path, kind: str, paths: dict[str, Any]) -> dict[str, Template]:
    """Return the templates of the files that ``paths`` covers: extension → folders or files, with wildcards."""
    found = {}
    for extension, patterns in paths.items():
        suffix = _FILE_KINDS[kind] if ".json" in extension else extension
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise UserError(f"{config}: {kind}.paths['{extension}'] is no list of paths.")
        for pattern in patterns:
            # What looks like a wildcard in the name of the dataset's own folder is none; an absolute pattern stays.
            for match in sorted(glob.glob(os.path.join(glob.escape(str(config.parent)), pattern))):
                for file in _files(Path(match), suffix):
                    beside = _config_beside(file, kind)
                    found[str(beside)] = Template(str(beside), beside, beside.parent)
    return found


def _files(path: Path, suffix: str) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.name.endswith(suffix))
    if suffix.lower() in path.name.lower():
        return [path]
    renamed = path.with_name(f"{path.name.split('.')[0]}.{suffix.removeprefix('.')}")
    return [renamed] if renamed.is_file() else []


def _config_beside(file: Path, kind: str) -> Path:
    """Return the config that lies beside a mesh file, else the file itself."""
    config = file.with_name(f"{Template(str(file), file, file.parent).name}.{_FILE_KINDS[kind]}")
    return config if config.is_file() else file


def _variant(config: Path, kind: str, cell: Any, found: dict[str, Template]) -> Template:
    """Return what an entry of ``configs`` adds: a changed copy of a template, or a new one.

    Raises:
        UserError: it names no original that exists, or neither an original nor a handle.
    """
    where = f"{config}: an entry of {kind}.configs"
    attributes = _object(_object(cell, where).get("attributes"), f"{where}: 'attributes'")
    original, handle = cell.get("original_file"), cell.get("template_handle")
    if original is None and handle is None:
        raise UserError(f"{where} has neither 'original_file' nor 'template_handle'.")
    if original is None:
        return Template(str(handle), None, config.parent, attributes)
    part = str(original).casefold()
    source = next((found[key] for key in sorted(found) if part in key.casefold()), None)
    if source is None:
        raise UserError(f"{where} names the original {original}, which is not among the dataset's {kind}.")
    merged = {**(source.variant or {}), **attributes}
    return Template(str(handle or source.handle), source.file, source.folder, merged)


def _lexicons(config: Path, cells: dict[str, Any]) -> dict[str, Path]:
    """Return name → file of the entries of ``semantic_scene_descriptor_instances`` that exist."""
    entries = cells.get("semantic_scene_descriptor_instances", {})
    named = {
        name: config.parent / value
        for name, value in entries.items()
        if isinstance(value, str) and name not in ("default_attributes", "paths", "configs")
    }
    return {name: path for name, path in named.items() if path.is_file()}
