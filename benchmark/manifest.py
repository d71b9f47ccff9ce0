"""The manifest of a folder of predictions: which file holds which space, and what it must be."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim_envs.errors import UserError

SCHEMA = 1
MANIFEST = "predictions.json"


class PredictionFile(BaseModel):
    """One row of the manifest: a file and what it must contain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    space: str
    file: str = Field(pattern=r"^[^/\\]+\.npz$")
    recording: str
    frames: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """``predictions.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    task: str
    model: str
    protocol: str
    seed: int
    spaces: tuple[PredictionFile, ...]


def load_manifest(folder: Path) -> Manifest:
    """Read ``predictions.json``.

    Raises:
        UserError: it is missing, or is not what this version writes.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"No predictions in {folder}: {MANIFEST} is missing. Run the model again.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{path} is not a prediction manifest: {where}: {first['msg']}.") from None
    spaces = [row.space for row in manifest.spaces]
    if len(set(spaces)) != len(spaces):
        raise UserError(f"{path} names a space twice: {', '.join(sorted(spaces))}.")
    return manifest


def file_name(space: str) -> str:
    """Return the file of a space: ``builtin/flat-01`` → ``builtin__flat-01.npz``."""
    return space.replace("/", "__") + ".npz"
