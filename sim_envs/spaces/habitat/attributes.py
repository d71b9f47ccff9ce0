"""What habitat-sim's JSON files say of stages, objects and scenes, as far as it can be seen.

Masses, friction, collision shapes and lights are ignored: nothing moves here, and light is part of the colours.
Format: https://aihabitat.org/docs/habitat-sim/attributesJSON.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from sim_envs.errors import UserError

Vector = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Quaternion = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
Model = TypeVar("Model", bound=BaseModel)


class _Attributes(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RenderAttributes(_Attributes):
    """What stages and objects have in common.

    Attributes:
        render_asset: the mesh file, relative to the file that names it.
        scale: along the axes of the object, after ``up`` and ``front`` have been turned to +Y and −Z.
        up, front: axes of the mesh file.
        units_to_meters: read by habitat-sim and not used; the same here.
    """

    render_asset: str = ""
    scale: Vector = (1.0, 1.0, 1.0)
    up: Vector = (0.0, 1.0, 0.0)
    front: Vector = (0.0, 0.0, -1.0)
    units_to_meters: FiniteFloat = 1.0


class StageAttributes(RenderAttributes):
    """``*.stage_config.json``; the semantic files are relative to it too."""

    semantic_asset: str = ""
    semantic_descriptor_filename: str = ""
    semantic_up: Vector | None = None
    semantic_front: Vector | None = None


class ObjectAttributes(RenderAttributes):
    """``*.object_config.json``.

    Attributes:
        com: where the object's own origin is put, before ``scale``; None: the middle of its bounding box.
        semantic_id: class in the dataset's lexicon; 0 = none.
        user_defined: free; some datasets keep a category there.
    """

    com: Vector | None = Field(None, validation_alias=AliasChoices("COM", "com"))
    semantic_id: int = 0
    user_defined: dict[str, Any] = Field(default_factory=dict)


class Instance(_Attributes):
    """One stage or object in a scene; ``rotation`` is w, x, y, z."""

    template_name: str = ""
    translation: Vector = (0.0, 0.0, 0.0)
    rotation: Quaternion = (1.0, 0.0, 0.0, 0.0)
    uniform_scale: FiniteFloat = 1.0
    non_uniform_scale: Vector = (1.0, 1.0, 1.0)
    translation_origin: str = "default"
    is_instance_visible: bool = True

    @field_validator("rotation")
    @classmethod
    def _turns(cls, rotation: Quaternion) -> Quaternion:
        if sum(part * part for part in rotation) < 1e-12:
            raise ValueError("a rotation of zeros")
        return rotation


class SceneInstance(_Attributes):
    """``*.scene_instance.json``.

    Attributes:
        translation_origin: what instances that say nothing of it themselves are placed by: ``asset_local`` (the
            origin of the mesh file) or ``COM`` (the object's own origin).
        semantic_scene_instance: name of a lexicon of the dataset.
    """

    stage_instance: Instance
    object_instances: tuple[Instance, ...] = ()
    articulated_object_instances: tuple[Instance, ...] = ()
    translation_origin: str = "default"
    semantic_scene_instance: str = ""


def parse(model: type[Model], values: Any, where: Path | str) -> Model:
    """Return a model of JSON values.

    Raises:
        UserError: they are not of its form; ``where`` and the first wrong field are named.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UserError(f"{where} is not what habitat-sim reads: {field}: {first['msg']}.") from error


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        UserError: it is missing, is not JSON or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"No such file: {path}") from error
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({str(error)[:120]}).") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} holds a JSON {type(value).__name__}, not an object.")
    return value
