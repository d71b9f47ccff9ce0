"""Captures by id: what was imported into ``<home>/spaces/capture/<name>``."""

from __future__ import annotations

import re
from pathlib import Path

from sim_envs.captures.capture import Capture
from sim_envs.captures.store import CAPTURE_FILE, load_capture_folder, read_head
from sim_envs.errors import UserError
from sim_envs.spaces import load_space, unknown_space

SOURCE = "capture"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class CaptureSource:
    """The row ``capture`` of the table of space sources."""

    def names(self, home: Path) -> list[str]:
        """Return the names of the imported captures, sorted."""
        return sorted(path.parent.name for path in (home / "spaces" / SOURCE).glob(f"[!.]*/{CAPTURE_FILE}"))

    def load(self, name: str, home: Path) -> Capture:
        """Return an imported capture, or raise :class:`UserError` with the near names."""
        return load_capture(f"{SOURCE}/{name}", home)


def capture_folder(home: Path, capture_id: str) -> Path:
    """Return where a capture lies, or would lie."""
    return home / "spaces" / capture_id


def load_capture(capture_id: str, home: Path) -> Capture:
    """Return an imported capture, with the scan that labels it, if one does.

    Raises:
        UserError: there is none of this id, its files are damaged, or its scan is gone or another one.
    """
    name = capture_id.partition("/")[2]
    folder = capture_folder(home, capture_id)
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise unknown_space(capture_id, home)
    labels = read_head(folder).labels
    if labels is None:
        return load_capture_folder(folder)
    try:
        space = load_space(labels.space, home)
    except UserError as error:
        raise UserError(f"{capture_id} takes its labels from {labels.space}: {error}") from None
    return load_capture_folder(folder, {labels.space: space})
