"""The JSON file that says what a folder holds: checked field by field, and by its format version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sim_envs.errors import UserError

Header = TypeVar("Header", bound=BaseModel)


def read_header(path: Path, header: type[Header], version: int, what: str, advice: str) -> Header:
    """Read the header of a folder.

    Args:
        path: the JSON file.
        header: what it must hold.
        version: the latest ``format_version`` that this program reads.
        what: what such a folder holds, for messages: ``space``.
        advice: what to do when it is missing or damaged.

    Raises:
        UserError: it is missing, damaged, or of a later version.
    """
    if not path.is_file():
        raise UserError(f"{path.parent} holds no {what}: {path.name} is missing. {advice}")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        found = raw.get("format_version") if isinstance(raw, dict) else None
        if isinstance(found, int) and found > version:
            raise UserError(f"{path} has format version {found}; this program reads up to {version}. Update it.")
        return header.model_validate(raw)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{path} is damaged ({reason}). {advice}") from error
