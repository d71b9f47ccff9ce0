"""``export.json``: what an export holds, how to read it, what it was made from; and whether a folder is one of ours."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sim_envs.errors import UserError
from sim_envs.exports import Selection, Written
from sim_envs.storage import digest_json

EXPORT_FILE = "export.json"
README_FILE = "README.md"
EXPORT_VERSION = 1
"""Raised when the same selection would give other files."""
LIBRARIES = ("tst-bench", "numpy", "opencv-python-headless")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FolderSize(_Model):
    """How many files lie directly in a folder, and their bytes together."""

    files: int
    bytes: int


class ExportRecord(_Model):
    """``export.json``.

    Attributes:
        export_version: of the way files are laid out.
        request: SHA-256 of format, recording, splits and modalities: equal for exports with equal files.
        recording: of its ``meta.json``: digest, space, engine, rig, recipe and seeds.
        frames: split → frames written.
        frames_left_out: of these splits, because they are not valid.
        conventions: how to read what is here.
        details: what else the format says of itself.
        folders: every folder with files, ``.`` being the top; without ``export.json``.
        digest: SHA-256 of all the other fields.
    """

    export_version: int
    format: str
    request: str
    recording: dict[str, Any]
    frames: dict[str, int]
    frames_left_out: int
    modalities: tuple[str, ...]
    conventions: dict[str, str]
    details: dict[str, Any]
    categories: tuple[str, ...]
    libraries: dict[str, str]
    folders: dict[str, FolderSize]
    digest: str = ""

    def sealed(self) -> ExportRecord:
        """Return a copy that carries the digest of its fields."""
        return self.model_copy(update={"digest": digest_json(self.model_dump(mode="json", exclude={"digest"}))})


def request_digest(format_name: str, selection: Selection) -> str:
    """Return what two exports with the same files have in common."""
    return digest_json(
        {
            "export_version": EXPORT_VERSION,
            "format": format_name,
            "recording": selection.recording.meta.digest,
            "splits": list(selection.splits),
            "modalities": list(selection.modalities),
        }
    )


def describe(format_name: str, selection: Selection, written: Written, folder: Path) -> ExportRecord:
    """Return the record of an export whose files lie in a folder."""
    meta = selection.recording.meta
    split = selection.recording.frames["split"]
    chosen = split.iloc[selection.frames]
    return ExportRecord(
        export_version=EXPORT_VERSION,
        format=format_name,
        request=request_digest(format_name, selection),
        recording=meta.model_dump(
            mode="json",
            include={"digest", "format_version", "space", "engine", "rig", "recipe", "recipe_hash", "seeds"},
        ),
        frames={name: int((chosen == name).sum()) for name in selection.splits},
        frames_left_out=int(split.isin(selection.splits).sum()) - len(selection.frames),
        modalities=selection.modalities,
        conventions=written.conventions,
        details=written.details,
        categories=meta.categories,
        libraries={name: version(name) for name in LIBRARIES},
        folders=folder_sizes(folder),
    ).sealed()


def folder_sizes(folder: Path) -> dict[str, FolderSize]:
    """Count the files of a folder and of all folders in it, ``export.json`` apart."""
    found = {}
    for path, _, names in os.walk(folder):
        name = Path(path).relative_to(folder).as_posix()
        sizes = [os.lstat(os.path.join(path, file)).st_size for file in names if (name, file) != (".", EXPORT_FILE)]
        if sizes:
            found[name] = FolderSize(files=len(sizes), bytes=sum(sizes))
    return dict(sorted(found.items()))


def existing_export(folder: Path) -> ExportRecord | None:
    """Return the record of the export that lies in a folder, or None where there is nothing.

    Raises:
        UserError: something else lies there, or an export that was changed since: it is not ours to delete.
    """
    advice = "Name another folder with --out, or delete this one."
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise UserError(f"{folder} is a file. Name a folder with --out.")
    if not any(folder.iterdir()):
        return None
    try:
        record = ExportRecord.model_validate_json((folder / EXPORT_FILE).read_bytes())
    except (OSError, ValidationError):
        raise UserError(
            f"{folder} is not empty, and what it holds is not an export of this program. {advice}"
        ) from None
    if record.sealed().digest != record.digest:
        raise UserError(f"{folder / EXPORT_FILE} was changed since it was written. {advice}")
    sizes = folder_sizes(folder)
    for name in sorted(sizes.keys() | record.folders.keys()):
        if sizes.get(name) != record.folders.get(name):
            raise UserError(f"{folder / name} was changed since the export was written. {advice}")
    return record
