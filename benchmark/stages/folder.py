"""The folder of a stage: done or not, and what the stage left word of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DONE = "done.json"  # the last file of a stage


def is_done(folder: Path) -> bool:
    """Tell whether a stage has ended well."""
    return (folder / DONE).is_file()


def read_done(folder: Path) -> dict[str, Any]:
    """Return what a stage that has ended well left word of."""
    return dict(json.loads((folder / DONE).read_text(encoding="utf-8")))
