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


def _check_array(file: IO[bytes], name: str, dtype_name: str, size: int, most: int) -> None:
    """Hold an array's header against its type and against the bytes that follow it."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"has {name} as .npy of version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, in_columns, dtype = read(file)
    if dtype.kind not in _PLAIN_KINDS or dtype.hasobject or in_columns:
        raise ValueError(f"has {name} of {dtype}, or stored by columns")
    if dtype_name and dtype_name not in (dtype.name, {"U": "str"}.get(dtype.kind)):
        raise ValueError(f"has {name} of {dtype}, {dtype_name} is expected")
    if any(length < 0 for length in shape) or max(math.prod(shape), *shape, 0) > most:
        raise ValueError(f"has {name} of shape {shape}, which no such predictions have")
    taken = math.prod(shape) * dtype.itemsize
    if taken > most or file.tell() + taken != size:
        raise ValueError(f"has {name} of shape {shape} and {dtype} in {size:,} bytes, at most {most:,} are expected")
