"""A board: the folder it lives in, the database it writes to, and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leaderboard.archive import FORMAT_BYTES
from sim_envs.errors import UserError

SETTINGS = "board.yaml"


class Settings(BaseModel):
    """What the people who run a board may decide; each has a sensible default.

    Attributes:
        title: on every page.
        url: under which people reach it, for feeds and links; "" takes that of the request.
        contact: how to reach those who run it, shown in the guide.
        submissions_per_day: of a team, in 24 hours.
        requests_per_minute: of an address that only reads.
        writes_per_minute: of a token.
        archive_bytes: of a submission at most.
        chunk_bytes: of one request of an upload at most.
        upload_hours: until an unfinished upload is given up.
        scoring_seconds, scoring_memory_bytes, scoring_disk_bytes: of the process that validates and scores one.
        attempts: how often scoring is tried when the worker dies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("TST-Bench leaderboard", max_length=100)
    url: str = Field("", pattern=r"^(https?://\S+[^/\s])?$")
    contact: str = Field("", max_length=200)
    submissions_per_day: int = Field(10, ge=1)
    requests_per_minute: int = Field(600, ge=1)
    writes_per_minute: int = Field(600, ge=1)
    archive_bytes: int = Field(2 << 30, ge=1, le=FORMAT_BYTES)
    chunk_bytes: int = Field(8 << 20, ge=1 << 10)
    upload_hours: float = Field(24.0, gt=0)
    scoring_seconds: int = Field(3600, ge=1)
    scoring_memory_bytes: int = Field(6 << 30, ge=1 << 28)
    scoring_disk_bytes: int = Field(8 << 30, ge=1 << 20)
    attempts: int = Field(3, ge=1)


@dataclass(frozen=True)
class Board:
    """Where everything of one board lies.

    Attributes:
        folder: holds ``files`` (by content), ``uploads`` (parts that are coming in), ``truth`` (private packs,
            unpacked), ``scratch``, and ``board.sqlite`` unless the database is elsewhere.
        database: URL of SQLAlchemy.
    """

    folder: Path
    database: str
    settings: Settings = field(default_factory=Settings)

    @property
    def files(self) -> Path:
        """Holds every file by its SHA-256: ``files/ab/abcd…``."""
        return self.folder / "files"

    @property
    def uploads(self) -> Path:
        """Holds what is coming in: ``uploads/<id>.part``."""
        return self.folder / "uploads"

    @property
    def truth(self) -> Path:
        """Holds unpacked private packs."""
        return self.folder / "truth"

    @property
    def scratch(self) -> Path:
        """Holds what a worker unpacks, only while it does."""
        return self.folder / "scratch"


def open_board(folder: Path, database: str | None = None) -> Board:
    """Find a board in a folder, which may be empty or missing; ``board.yaml`` in it holds the settings.

    Args:
        database: URL of SQLAlchemy; ``board.sqlite`` in the folder when None.

    Raises:
        UserError: settings that cannot be read, or a path that is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; a board lives in a folder.")
    folder = folder.resolve()
    return Board(folder, database or f"sqlite:///{folder / 'board.sqlite'}", _settings(folder / SETTINGS))


def _settings(path: Path) -> Settings:
    if not path.is_file():
        return Settings()
    try:
        return Settings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, ValueError, yaml.YAMLError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            what = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
        else:
            what = str(error)
        raise UserError(f"{path} holds no settings of a board: {what}.") from None
