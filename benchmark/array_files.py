"""Read arrays out of an ``.npz`` file in parts, so that memory does not grow with the number of frames."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

WHAT_CAN_BE_WRONG = (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error)
"""What reading a file may raise that is damaged or is no such file."""


class ArrayFile:
    """An open ``.npz`` file. Pickles are never opened.

    Args:
        archive: of ``.npy`` files.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = tuple(name.removesuffix(".npy") for name in archive.namelist())

    def whole(self, name: str) -> np.ndarray:
        """Return an array.

        Raises:
            KeyError, ValueError: there is none of this name, or it is damaged.
        """
        with self._archive.open(f"{name}.npy") as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
            return array

    def parts(self, name: str, lengths: Sequence[int]) -> Iterator[np.ndarray]:
        """Yield an array in consecutive parts along its first axis, which has as many rows as all parts together.

        Raises:
            KeyError, ValueError: there is none of this name, it has another length, or it is damaged.
        """
        with self._archive.open(f"{name}.npy") as file:
            shape, dtype = _header(file, name)
            if not shape or shape[0] != sum(lengths):
                raise ValueError(f"{sum(lengths)} frame numbers for {name} of shape {shape}")
            for length in lengths:
                part = np.empty((length, *shape[1:]), dtype)
                if _fill(file, part.reshape(-1).view(np.uint8).data) < part.nbytes:
                    raise ValueError(f"{name} ends too early")
                yield part


@contextmanager
def open_arrays(path: Path) -> Iterator[ArrayFile]:
    """Open an ``.npz`` file.

    Raises:
        OSError, zipfile.BadZipFile: it cannot be read, or is none.
    """
    with zipfile.ZipFile(path) as archive:
        yield ArrayFile(archive)


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{name} is a .npy of version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, in_columns, dtype = read(file)
    if in_columns or dtype.hasobject:
        raise ValueError(f"{name} holds objects, or is stored by columns")
    return shape, dtype


def _fill(file: IO[bytes], space: memoryview) -> int:
    """Read until a space is full or the file ends; return how many bytes were read."""
    done = 0
    while done < len(space):
        data = file.read(min(len(space) - done, 1 << 20))
        if not data:
            break
        space[done : done + len(data)] = data
        done += len(data)
    return done
