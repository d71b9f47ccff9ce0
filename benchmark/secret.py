"""The secret that hidden test trajectories are planned from: 256 random bits in a file that its owner alone can read.

It is never printed, logged or written anywhere else. What is made from it are keys (HMAC-SHA256), one for each purpose:
a key tells nothing of the secret or of another key.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from sim_envs.errors import UserError
from sim_envs.storage import canonical_json, disk_error

BYTES = 32
_TEXT = re.compile(rf"[0-9a-f]{{{2 * BYTES}}}\n?")


@dataclass(frozen=True)
class Secret:
    """256 bits; what is printed of it says nothing of them."""

    value: bytes = field(repr=False)

    def key(self, *purpose: str | int) -> Secret:
        """Return a secret of its own for a purpose."""
        return Secret(hmac.digest(self.value, canonical_json(purpose).encode(), "sha256"))

    def seed(self, purpose: str) -> int:
        """Return 256 bits as a seed."""
        return int.from_bytes(self.key(purpose).value, "big")

    def name(self, purpose: str) -> str:
        """Return 32 hex digits that tell secrets apart and give nothing of them away."""
        return self.key(purpose).value.hex()[:32]


def secret_in(path: Path) -> Secret:
    """Return the secret in a file, which is made when it is not there.

    Raises:
        UserError: the file holds something else, others can read it, or it cannot be read or made.
    """
    if not path.exists():
        _make(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise UserError(f"{path} holds a secret and can be read by others. chmod 600 {path}")
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not _TEXT.fullmatch(text):
        raise UserError(f"{path} holds no secret ({2 * BYTES} hex digits). Name another file, and one is made there.")
    return Secret(bytes.fromhex(text.strip()))


def _make(path: Path) -> None:
    """Write a new secret whole or not at all; one that somebody else made meanwhile stays."""
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # which nobody else can read
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        if beside is not None:
            os.unlink(beside)
