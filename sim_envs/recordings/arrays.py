"""Plain ``.npy`` files by header and slice: room kept before rendering, frames written in any order."""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from sim_envs.recordings.format import StoredArray

_BLOCK = 1 << 22  # bytes read at a time when a slice is digested


@dataclass(frozen=True)
class ArrayFile:
    """An ``.npy`` file of N frames whose header and size are as they should be.

    Attributes:
        path: where it lies.
        shape: (N, H, W[, C]).
        dtype: as NumPy writes it, e.g. ``<u2``.
        offset: bytes before the first frame.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: str
    offset: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def span(self, start: int, count: int) -> tuple[int, int]:
        """Return (first byte, number of bytes) of ``count`` frames from frame ``start`` on."""
        return self.offset + start * self.frame_bytes, count * self.frame_bytes

    def slice_digest(self, start: int, count: int) -> str:
        """Return the SHA-256 of the bytes of some neighbouring frames."""
        first, left = self.span(start, count)
        sha = hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(first)
            while left and (block := file.read(min(left, _BLOCK))):
                sha.update(block)
                left -= len(block)
        return sha.hexdigest()

    def map_without_path(self) -> np.ndarray:
        """Map the file read-only, as an array from which its path cannot be read.

        ``np.memmap`` would carry ``filename``; from there the labels are one folder listing away.
        """
        # Since 3.13 a mapping can also drop its duplicate of the file descriptor.
        options: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}
        with self.path.open("rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ, **options)
        return np.frombuffer(mapping, self.dtype, offset=self.offset).reshape(self.shape)


def header(stored: StoredArray) -> bytes:
    """Return the ``.npy`` header of an array."""
    out = io.BytesIO()
    fields = {"descr": stored.dtype, "fortran_order": False, "shape": tuple(stored.shape)}
    npy.write_array_header_1_0(out, fields)
    return out.getvalue()


def total_bytes(stored: StoredArray) -> int:
    """Return the size of the whole file."""
    return len(header(stored)) + int(np.prod(stored.shape, dtype=np.int64)) * np.dtype(stored.dtype).itemsize


def allocate(path: Path, stored: StoredArray) -> ArrayFile:
    """Make sure that a file of the right header and size is there and that the disk has set its room aside.

    A file that fits is left as it is. With its room set aside, later writes cannot meet a full disk.

    Raises:
        OSError: the disk is full or not writable.
    """
    if array_problem(path, stored):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, total_bytes(stored))
            os.pwrite(descriptor, header(stored), 0)
        except OSError:
            path.unlink()  # what it got of the disk serves nothing
            raise
        finally:
            os.close(descriptor)
    return array_file(path, stored)


def array_file(path: Path, stored: StoredArray) -> ArrayFile:
    """Return the file as it is described, without looking at it."""
    return ArrayFile(path, tuple(stored.shape), stored.dtype, len(header(stored)))


def array_problem(path: Path, stored: StoredArray) -> str:
    """Return what is wrong with a file judging by its header and size, or ``""``."""
    expected = header(stored)
    try:
        with path.open("rb") as file:
            found = file.read(len(expected))
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return f"{path} is missing."
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    if found != expected:
        return f"{path} is corrupt: it has not the header of {stored.dtype} {tuple(stored.shape)}."
    whole = total_bytes(stored)
    if size != whole:
        return f"{path} is {'cut short' if size < whole else 'too long'}: {size} bytes, not {whole}."
    return ""
