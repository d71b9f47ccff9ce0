"""Files that are either whole or absent: digests, atomic writes, and where data lives."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError


def data_home() -> Path:
    """Return the folder that holds ``spaces/``, ``recordings/`` and ``runs/``.

    ``TST_BENCH_HOME`` names it; the default is ``~/tst-bench``.
    """
    return Path(os.environ.get("TST_BENCH_HOME") or Path.home() / "tst-bench").expanduser()


def canonical_json(value: Any) -> str:
    """Return JSON that is equal for equal values: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a JSON-like value, as 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_arrays(arrays: Mapping[str, np.ndarray], extra: Any = None) -> str:
    """Return one SHA-256 over named arrays (name, dtype, shape, bytes) and a JSON-like value."""
    sha = hashlib.sha256(canonical_json(extra).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        sha.update(array.data)
    return sha.hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _read(file)


def _read(file: Any) -> str:
    sha = hashlib.sha256()
    while block := file.read(1 << 20):
        sha.update(block)
    return sha.hexdigest()


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a file beside ``path``, then rename it: a reader sees all of it or nothing.

    Raises:
        UserError: the disk is full or not writable; the file beside is removed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(path, error) from error
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON through :func:`write_whole`."""
    text = json.dumps(value, indent=1, sort_keys=False, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda beside: _write_text(beside, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def disk_error(path: Path, error: OSError) -> UserError:
    """Say what the disk refused, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        try:
            free = f"{shutil.disk_usage(path.parent).free / 1e6:.0f} MB free"
        except OSError:
            free = "nothing known of its free space"
        return UserError(f"The disk is full ({free}) while writing {path}. Free some space or set TST_BENCH_HOME.")
    return UserError(f"Cannot write {path}: {error.strerror or error}. Set TST_BENCH_HOME to a writable folder.")
