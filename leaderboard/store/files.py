"""Files by their content: whatever has the same bytes is there once, and nothing is ever changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sim_envs.errors import UserError
from sim_envs.storage import digest_file, disk_error, write_whole

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Files:
    """A folder of files named by their SHA-256: ``ab/abcd…``. What is in it is complete and on the disk."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Return where a file is or would be.

        Raises:
            ValueError: that is no SHA-256.
        """
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256")
        return self.folder / sha256[:2] / sha256

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def read(self, sha256: str) -> bytes:
        """Return a file.

        Raises:
            UserError: it is not there.
        """
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise UserError(f"{self.folder} lacks the file {sha256}. Restore the board from a backup.") from None

    def put(self, content: bytes) -> str:
        """Keep a content, and return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, lambda beside: _write_through(beside, content))
            _settle(target.parent)
        return sha256

    def copy(self, source: Path) -> str:
        """Keep a copy of a file, and return its SHA-256.

        Raises:
            UserError: the disk refuses.
        """
        sha256 = digest_file(source)
        target = self.path(sha256)
        if not target.is_file():
            with tempfile.TemporaryDirectory(prefix=".coming-", dir=self._made()) as beside:
                copied = Path(beside) / "copy"
                try:
                    shutil.copyfile(source, copied)
                except OSError as error:
                    raise disk_error(target, error) from error
                sha256 = self.take(copied)  # of what was copied, in case the source is changing
        return sha256

    def take(self, source: Path) -> str:
        """Move a file of the same file system in, and return its SHA-256."""
        sha256 = digest_file(source)
        self.share(source, sha256)
        source.unlink()
        return sha256

    def share(self, source: Path, sha256: str) -> None:
        """Keep a file of the same file system under its SHA-256; it also stays where it is."""
        target = self.path(sha256)
        with source.open("rb+") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # then it is the same
            target.hardlink_to(source)
        _settle(target.parent)

    def _made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
