"""A space on disk: ``space.json`` and one plain ``.npy`` per array, written whole or not at all.

::

    <folder>/space.json         format version, id, digest, categories, provenance, SHA-256 of each file
    <folder>/vertices.npy  faces.npy  vertex_rgb.npy  face_instance.npy  instance_category.npy  uv.npy
    <folder>/face_texture.npy  texture-00000.npy  texture-00001.npy  …

Uncompressed, because a million faces then open in a fraction of a second.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from sim_envs.errors import UserError
from sim_envs.headers import read_header
from sim_envs.space import Space
from sim_envs.storage import digest_file, disk_error, write_json

FORMAT_VERSION = 1
SPACE_FILE = "space.json"
ARRAYS = ("vertices", "faces", "vertex_rgb", "face_instance", "instance_category", "uv", "face_texture")
_ADVICE = "Import or build the space again."


class SpaceFile(BaseModel):
    """What ``space.json`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int
    id: str
    digest: str
    categories: list[str]
    provenance: dict[str, Any]
    files: dict[str, str]


def save_space(space: Space, folder: Path) -> None:
    """Write a space beside ``folder`` and rename it into place.

    Several processes may save the same space at once: the first to finish wins, the others see that the same
    space is there and leave it. A different or damaged space under that name is replaced.

    Raises:
        UserError: the disk is full or not writable; nothing is left behind.
    """
    beside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        _write(space, beside)
        beside.chmod(0o755)
        _put_in_place(space, beside, folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def load_space_folder(folder: Path) -> Space:
    """Read a space and check it against the digest stored with it.

    Raises:
        UserError: a file is missing or damaged; it is named.
    """
    head = read_header(folder / SPACE_FILE, SpaceFile, FORMAT_VERSION, "space", _ADVICE)
    arrays = {name: _read_array(folder / f"{name}.npy") for name in ARRAYS}
    texture_files = sorted(name for name in head.files if name.startswith("texture-"))
    textures = tuple(_read_array(folder / name) for name in texture_files)
    try:
        space = Space(
            id=head.id,
            categories=tuple(head.categories),
            textures=textures,
            provenance=head.provenance,
            **arrays,
        )
        intact = space.digest == head.digest
    except ValueError:
        intact = False
    if not intact:
        raise UserError(f"{_culprit(folder, head)} is damaged: it is not what was saved. {_ADVICE}")
    return space


def _write(space: Space, folder: Path) -> None:
    """Fill an empty folder; ``space.json`` comes last."""
    arrays = {f"{name}.npy": getattr(space, name) for name in ARRAYS}
    arrays |= {f"texture-{i:05d}.npy": texture for i, texture in enumerate(space.textures)}
    for name, array in arrays.items():
        with (folder / name).open("wb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
    head = SpaceFile(
        format_version=FORMAT_VERSION,
        id=space.id,
        digest=space.digest,
        categories=list(space.categories),
        provenance=dict(space.provenance),
        files={name: digest_file(folder / name) for name in arrays},
    )
    write_json(folder / SPACE_FILE, head.model_dump(mode="json"))


def _put_in_place(space: Space, beside: Path, folder: Path) -> None:
    """Rename ``beside`` to ``folder``, giving way to an intact copy of the same space."""
    while True:
        try:
            beside.rename(folder)
            return
        except OSError:
            if not folder.exists():
                raise
        if _holds(space, folder):
            return
        # A folder cannot be renamed over a full one: move the old one out of the way first.
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
        try:
            folder.rename(old)
        except FileNotFoundError:  # another writer was faster; look again
            continue
        finally:
            shutil.rmtree(old, ignore_errors=True)


def _holds(space: Space, folder: Path) -> bool:
    try:
        there = load_space_folder(folder)
    except UserError:
        return False
    return (there.id, there.digest, there.provenance) == (space.id, space.digest, dict(space.provenance))


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing. {_ADVICE}") from error
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise UserError(f"{path} is damaged ({str(error)[:120]}). {_ADVICE}") from error


def _culprit(folder: Path, head: SpaceFile) -> Path:
    """Return the first file whose bytes have changed; ``space.json`` itself if all arrays are intact."""
    for name, digest in head.files.items():
        if not (folder / name).is_file() or digest_file(folder / name) != digest:
            return folder / name
    return folder / SPACE_FILE
