"""The JSON schema of a folder of predictions: what somebody must write whose model runs elsewhere."""

from __future__ import annotations

from typing import Any

from benchmark.manifest import MANIFEST, SCHEMA, Manifest
from benchmark.tasks import Task

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def prediction_schema(task: Task) -> dict[str, Any]:
    """Return the schema of a folder, taken as an object with a property for each file.

    A ``.npz`` file is taken as an object of its arrays, each as nested lists. ``dtype`` and ``shape`` are annotations:
    numpy's name of the type, and the length of each axis, a number or what it must be equal to.
    """
    manifest = Manifest.model_json_schema()
    inner = manifest.pop("$defs")
    manifest["properties"]["task"] = {"const": task.name}
    arrays = {
        "frames": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "uniqueItems": True,
            "description": "rows of the recording that are predicted: each scored frame once, in any order",
            "dtype": "int64",
            "shape": ["frames"],
        },
        **task.form.schema(),
    }
    return {
        "$schema": DIALECT,
        "title": f"Predictions of {task.name}, format {SCHEMA}",
        "description": f"A folder: {MANIFEST}, and for each space a compressed .npz file that the manifest names.",
        "type": "object",
        "properties": {MANIFEST: manifest},
        "patternProperties": {
            r"\.npz$": {
                "type": "object",
                "properties": arrays,
                "required": list(arrays),
                "additionalProperties": False,
            }
        },
        "required": [MANIFEST],
        "$defs": inner,
    }
