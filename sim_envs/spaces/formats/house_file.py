"""The ``.house`` files of Matterport3D: which segments make up an object, and what the object is.

Format: https://github.com/niessner/Matterport, data_organization.md, "house_segmentations".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim_envs.errors import UserError

_NO_CATEGORY = -1


@dataclass(frozen=True)
class House:
    """What a ``.house`` file says of objects.

    Attributes:
        names: object index → its category in the annotators' words (``raw_category``); "" where it has none.
        object_of_segment: segment id → object index.
    """

    names: dict[int, str]
    object_of_segment: dict[int, int]


def read_house(path: Path) -> House:
    """Read the objects, categories and segments of a ``.house`` file.

    Raises:
        UserError: it is not such a file, or holds fewer objects or categories than its first line says.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}.") from error
    if not lines or not lines[0].startswith("ASCII"):
        raise UserError(f"{path} is not an ASCII .house file of Matterport3D.")
    categories: dict[int, str] = {_NO_CATEGORY: ""}
    category_of: dict[int, int] = {}
    segments: dict[int, int] = {}
    counts: tuple[int, int] | None = None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            if words[:1] == ["H"]:
                counts = int(words[8]), int(words[9])
            elif words[:1] == ["C"]:
                categories[int(words[1])] = words[3].replace("#", " ")
            elif words[:1] == ["O"]:
                category_of[int(words[1])] = int(words[3])
            elif words[:1] == ["E"]:
                segments[int(words[3])] = int(words[2])
        except (IndexError, ValueError) as error:
            raise UserError(f"{path}, line {number} is not a line of a .house file: {line[:80]}") from error
    found = len(category_of), len(categories) - 1
    if counts != found:
        raise UserError(
            f"{path} is damaged: it holds {found[0]} objects and {found[1]} categories, "
            + (f"its first line says {counts[0]} and {counts[1]}." if counts else "and no line of the house (H).")
        )
    unknown = sorted(set(category_of.values()) - set(categories))
    if unknown:
        raise UserError(f"{path} is damaged: an object is of category {unknown[0]}, which it does not hold.")
    return House({index: categories[category] for index, category in category_of.items()}, segments)
