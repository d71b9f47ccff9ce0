"""What a prediction file may be, before anything in it is read: an ``.npz`` of a task's own arrays and nothing else.

An ``.npz`` is a zip archive of ``.npy`` files, and both can lie about sizes. Here the names, types, shapes and sizes
are held against what the task's form asks for and the manifest announces, so that reading the arrays afterwards takes
no more memory than such predictions take, opens no pickle, and meets no image, text or program in a corner.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from benchmark.array_files import WHAT_CAN_BE_WRONG
from benchmark.tasks import Task
from leaderboard.refusal import Refusal

_END = struct.Struct("<4s4H2IH")
_ZIP64_LOCATOR_BYTES = 20
_LOCAL = struct.Struct("<4s5H3I2H")
_EXTRA_BYTES = 20
"""Of Zip64 sizes, which NumPy leaves room for before every array."""

MOST_ARRAYS = 8
_DIRECTORY_BYTES = 4096
_BLOCK = 1 << 20
_WIDEST = 8
"""So many times the bytes of good arrays are unpacked, to say that their type is the wrong one."""
_PLAIN_KINDS = "biufU"

SPARE_BYTES = 4096
"""A frame's answer may take so much more than usual: a text of the greatest length is within that."""


def bytes_allowed(task: Task, frames: int, height: int, width: int) -> int:
    """Return the most bytes that an array of predictions may take in memory."""
    return frames * (task.form.bytes_per_frame(height, width) + SPARE_BYTES) + SPARE_BYTES


def file_bytes_allowed(task: Task, frames: int, height: int, width: int) -> int:
    """Return the most bytes a file may take: every array as it is in memory."""
    return MOST_ARRAYS * SPARE_BYTES + (1 + len(task.form.schema())) * bytes_allowed(task, frames, height, width)


def check_file(path: Path, said: str, task: Task, frames: int, height: int, width: int) -> None:
    """Refuse a file that is not an ``.npz`` of the arrays of a task's form, of sizes that fit.

    Args:
        said: how the file is called in messages.

    Raises:
        Refusal: ``predictions``, naming the file and the array.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            _check_layout(archive, path)
            wanted = {"frames": "int64"} | {name: str(a.get("dtype", "")) for name, a in task.form.schema().items()}
            found = [info.filename for info in archive.infolist()]
            if sorted(found) != sorted(f"{name}.npy" for name in wanted):
                raise ValueError(f"holds {', '.join(found) or 'nothing'}; {task.name} has {', '.join(wanted)}")
            most = bytes_allowed(task, frames, height, width)
            for info in archive.infolist():
                if info.file_size > _WIDEST * most:
                    raise ValueError(f"has {info.file_size:,} bytes in {info.filename}, at most {most:,} are expected")
            _check_packing(archive, path)
            for name, dtype in wanted.items():
                with archive.open(f"{name}.npy") as file:
                    _check_array(file, name, dtype, archive.getinfo(f"{name}.npy").file_size, most)
    except WHAT_CAN_BE_WRONG as error:
        raise Refusal("predictions", f"{said} {str(error)[:300] or 'is damaged'}.") from None
    except (NotImplementedError, RuntimeError, struct.error, SyntaxError, MemoryError, tokenize.TokenError) as error:
        raise Refusal("predictions", f"{said} is no .npz of tst-bench run ({str(error)[:200]}).") from None


def _check_directory(path: Path) -> None:
    """Look at the last bytes before a library does: it would make an object of every entry that they announce."""
    size = path.stat().st_size
    tail = min(size, _END.size + _ZIP64_LOCATOR_BYTES)
    with path.open("rb") as file:
        file.seek(size - tail)
        last = file.read(tail)
    if len(last) < _END.size:
        raise ValueError("is too short for an .npz")
    mark, disk, start_disk, here, entries, directory, start, comment = _END.unpack(last[-_END.size :])
    if mark != b"PK\x05\x06" or comment or disk or start_disk or here != entries:
        raise ValueError("is no .npz, or something follows its end")
    if last[: -_END.size].startswith(b"PK\x06\x07") or entries > MOST_ARRAYS or directory > _DIRECTORY_BYTES:
        raise ValueError(f"has more than {MOST_ARRAYS} arrays, or a directory of another packer")
    if start + directory + _END.size != size:
        raise ValueError("has bytes that belong to nothing")


def _check_layout(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse bytes between the arrays, in front of them and behind them."""
    position = 0
    with path.open("rb") as file:
        for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
            if info.orig_filename != info.filename:  # a library ends names at the first NUL
                raise ValueError("has a name that holds more than it says")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & ~0x806:
                raise ValueError(f"has {info.filename} encrypted or packed in another way")
            if info.header_offset != position:
                raise ValueError("has bytes that belong to nothing")
            file.seek(position)
            *_, name_bytes, extra_bytes = _LOCAL.unpack(file.read(_LOCAL.size))
            if extra_bytes > _EXTRA_BYTES or info.comment or len(info.extra) > _EXTRA_BYTES:
                raise ValueError(f"has more than sizes beside {info.filename}")
            position += _LOCAL.size + name_bytes + extra_bytes + info.compress_size
    if position != archive.start_dir:
        raise ValueError("has bytes that belong to nothing")


def _check_packing(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse an array whose packed bytes are more than one stream of the size that the directory says.

    A library stops reading at the first end that it meets and does not look at what lies behind it.
    """
    starts = [*sorted(info.header_offset for info in archive.infolist()), archive.start_dir][1:]
    with path.open("rb") as file:
        for end, info in zip(starts, sorted(archive.infolist(), key=lambda info: info.header_offset), strict=True):
            file.seek(end - info.compress_size)
            if info.compress_type == zipfile.ZIP_STORED:
                fills = info.compress_size == info.file_size
            else:
                fills = _unpacks_to(info.file_size, file, info.compress_size)
            if not fills:
                raise ValueError(f"has {info.filename} in another size than it says, or with something behind it")


def _unpacks_to(size: int, file: IO[bytes], packed: int) -> bool:
    """Tell whether so many packed bytes of a file are one deflate stream of ``size`` bytes; holds a block of each."""
    unpacker, unpacked, block = zlib.decompressobj(-zlib.MAX_WBITS), 0, b""
    while not unpacker.eof and unpacked <= size:
        if not block:
            block = file.read(min(packed, _BLOCK))
            packed -= len(block)
        found = unpacker.decompress(block, _BLOCK)
        if not found and not block:
            return False
        unpacked, block = unpacked + len(found), unpacker.unconsumed_tail
    return unpacked == size and unpacker.eof and not (packed or block or unpacker.unused_data)


def _check_array(file: IO[bytes], name: str, dtype_name: str, size: int, most: int) -> None:
    """Hold an array's header against its type and against the bytes that follow it."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):  # headers of others may take 4 GB, and such arrays have short ones
        raise ValueError(f"has {name} as .npy of version {version}, 1.0 is expected")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in _PLAIN_KINDS or dtype.hasobject or in_columns:
        raise ValueError(f"has {name} of {dtype}, or stored by columns")
    if dtype_name and dtype_name not in (dtype.name, {"U": "str"}.get(dtype.kind)):
        raise ValueError(f"has {name} of {dtype}, {dtype_name} is expected")
    if any(length < 0 for length in shape) or max(math.prod(shape), *shape, 0) > most:
        raise ValueError(f"has {name} of shape {shape}, which no such predictions have")
    taken = math.prod(shape) * dtype.itemsize
    if taken > most or file.tell() + taken != size:
        raise ValueError(f"has {name} of shape {shape} and {dtype} in {size:,} bytes, at most {most:,} are expected")
