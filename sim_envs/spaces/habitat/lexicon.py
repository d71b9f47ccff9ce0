"""What the objects of a scene dataset are: by its lexicon, else by what else the dataset says of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim_envs.errors import UserError
from sim_envs.spaces.habitat.attributes import ObjectAttributes, SceneInstance, read_json
from sim_envs.spaces.habitat.dataset import SceneDataset, Template

_USER_KEYS = ("category", "semantic_category", "object_category", "class", "class_name")
_TABLE = Path("semantics") / "objects.csv"  # HSSD
_TABLE_KEYS = ("main_category", "category", "wnsynsetkey")
_NO_CATEGORY = {"", "unknown", "unlabelled", "unlabeled", "undefined", "void", "none", "other"}


@dataclass(frozen=True)
class Names:
    """How objects get their categories.

    Attributes:
        classes: semantic id → name, of the lexicon; empty where there is none.
        table: name of an object template → category, of the dataset's own table.
        files: what was read.
    """

    classes: dict[int, str] = field(default_factory=dict)
    table: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def category(self, attributes: ObjectAttributes, template: Template) -> str | None:
        """Return the category of an object, or None where the dataset has one for others but not for it.

        In this order: the lexicon's name of its semantic id; a category in its ``user_defined``; the dataset's
        table of objects; and, in a dataset that has neither lexicon nor table, the name of its template.
        """
        user = (attributes.user_defined.get(key) for key in _USER_KEYS)
        said = [
            self.classes.get(attributes.semantic_id),
            *(value for value in user if isinstance(value, str)),
            self.table.get(template.name),
        ]
        named = next((name.strip() for name in said if name and name.strip().lower() not in _NO_CATEGORY), None)
        return template.name if named is None and not self.classes and not self.table else named


def read_names(dataset: SceneDataset, scene: SceneInstance) -> Names:
    """Read the lexicon that a scene names, and the table of objects that some datasets have.

    Raises:
        UserError: one of them is damaged.
    """
    lexicon = _lexicon_of(dataset, scene.semantic_scene_instance)
    table = dataset.config.parent / _TABLE
    files = [path for path in (lexicon, table) if path is not None and path.is_file()]
    return Names(_classes(lexicon), _objects(table), tuple(files))


def _lexicon_of(dataset: SceneDataset, name: str) -> Path | None:
    """Return the file of a lexicon: by its name in the dataset config, or through a ``*.semantic_config.json``."""
    if not name:
        return None
    if name in dataset.lexicons:
        return dataset.lexicons[name]
    kind = "semantic_scene_descriptor_instances"
    config = dataset.find(kind, name)
    if config is None:
        return None
    attributes = config.attributes(dataset.defaults[kind])
    described = attributes.get("semantic_descriptor_filename")
    return Path(described) if described else None


def _classes(path: Path | None) -> dict[int, str]:
    """Return semantic id → name of ``{"classes": [{"id": 1, "name": "chair"}, …]}``; other files name no objects."""
    if path is None or path.suffix != ".json":
        return {}
    entries = read_json(path).get("classes", [])
    if not isinstance(entries, list) or not all(_is_class(entry) for entry in entries):
        raise UserError(f"{path}: 'classes' is no list of objects with an 'id' and a 'name'.")
    return {int(entry["id"]): str(entry["name"]) for entry in entries}


def _is_class(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), int) and isinstance(entry.get("name"), str)


def _objects(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"Cannot read the table of objects {path}: {error}.") from error
    found = {}
    for row in rows:
        category = next((row[key] for key in _TABLE_KEYS if row.get(key)), None)
        if row.get("id") and category:
            found[row["id"]] = category
    return found
