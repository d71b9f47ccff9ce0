"""Zip archives as no packer writes them: every field of every header may say what it likes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


@dataclass(frozen=True)
class Header:
    """One member. As it stands it is exactly what an archive of ``tst-bench submit`` has.

    Attributes:
        central: what its row in the directory says otherwise; ``offset`` may stand there, too.
    """

    name: bytes
    content: bytes
    version: int = 20
    flags: int = 0
    method: int = 0
    time: int = 0
    date: int = 1 << 5 | 1
    crc: int | None = None
    packed: int | None = None
    size: int | None = None
    extra: bytes = b""
    attributes: int = 0o100644 << 16
    after: bytes = b""
    central: tuple[tuple[str, int | bytes], ...] = ()


def member(name: str | bytes, content: bytes, **fields: int | bytes | None) -> Header:
    """Return a member with some fields of its own."""
    made = Header(name if isinstance(name, bytes) else name.encode(), content)
    return replace(made, **fields)  # type: ignore[arg-type]


def _sizes(header: Header) -> tuple[int, int, int]:
    crc = zlib.crc32(header.content) if header.crc is None else header.crc
    packed = len(header.content) if header.packed is None else header.packed
    return crc, packed, packed if header.size is None else header.size


def forged(
    members: Sequence[Header],
    count: int | None = None,
    start: int | None = None,
    comment: bytes = b"",
    between: bytes = b"",
) -> bytes:
    """Return an archive.

    Args:
        count: of members, as its end says.
        start: of the directory, as its end says.
        between: stands in front of the directory.
    """
    out, rows = io.BytesIO(), []
    for each in members:
        offset = out.tell()
        lead = (each.version, each.flags, each.method, each.time, each.date)
        out.write(_LOCAL.pack(b"PK\x03\x04", *lead, *_sizes(each), len(each.name), len(each.extra)))
        out.write(each.name + each.extra + each.content + each.after)
        said = dict(each.central)
        offset = int(said.pop("offset", offset))
        rows.append((replace(each, **said), offset))  # type: ignore[arg-type]
    out.write(between)
    begins = out.tell()
    for each, offset in rows:
        lead = (3 << 8 | each.version, each.version, each.flags, each.method, each.time, each.date)
        lengths = (len(each.name), len(each.extra), 0, 0, 0)
        out.write(_CENTRAL.pack(b"PK\x01\x02", *lead, *_sizes(each), *lengths, each.attributes, offset))
        out.write(each.name + each.extra)
    length = out.tell() - begins
    number = len(rows) if count is None else count
    out.write(_END.pack(b"PK\x05\x06", 0, 0, number, number, length, begins if start is None else start, len(comment)))
    return out.getvalue() + comment


def changed(members: Sequence[Header], at: int, **fields: object) -> list[Header]:
    """Return members of which one says something else."""
    at %= len(members)
    return [replace(each, **fields) if number == at else each for number, each in enumerate(members)]  # type: ignore[arg-type]


def deflated(content: bytes, megabytes: int = 0) -> bytes:
    """Return a deflate stream of a content and so many megabytes of zeros behind it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)  # may follow itself
    return head + zeros * megabytes + packer.flush()


def npy(array: np.ndarray) -> bytes:
    """Return an ``.npy`` file."""
    out = io.BytesIO()
    np.lib.format.write_array(out, array, allow_pickle=False)
    return out.getvalue()


def npy_header(fields: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """Return the beginning of an ``.npy`` file that says this of itself."""
    text = fields.encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text


def array_header(shape: str, kind: str = "'|u1'", columns: bool = False) -> bytes:
    """Return the beginning of an ``.npy`` file of this shape and type, both as they are written there."""
    return npy_header(f"{{'descr': {kind}, 'fortran_order': {columns}, 'shape': {shape}, }}")


def arrays_zip(files: dict[str, bytes], change: Callable[[list[Header]], list[Header]] = list, **end: object) -> bytes:
    """Return an ``.npz`` of such files, with headers that say something else."""
    return forged(change([member(f"{name}.npy", content) for name, content in files.items()]), **end)  # type: ignore[arg-type]


def plain_zip(files: dict[str, bytes], compression: int) -> bytes:
    """Return a zip archive as Python makes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()
