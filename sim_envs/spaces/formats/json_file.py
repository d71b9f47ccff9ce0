"""JSON files of data sets, with one message for all that may be wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sim_envs.errors import UserError


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        UserError: it cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not JSON ({error}); it may be cut short. Download it again.") from error
