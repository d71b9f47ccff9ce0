"""The file that travels: a zip archive of stored members that can be written in one way only.

Members are not compressed (predictions are already), so nothing in it can grow when it is read; names are plain
ASCII; there are no dates, attributes, comments or extra fields. For given names and contents exactly one string of
bytes is right, and the reader takes no other: an archive cannot be two things at once, hide bytes between its
members, or say one thing in its local headers and another in its directory. It is read from front to back, from any
stream, in memory that does not grow with it.

Format: PKWARE, .ZIP File Format Specification 6.3.10, method 0, without Zip64: at most 4 GiB and 65,535 members.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from leaderboard.refusal import Refusal
from sim_envs.errors import UserError
from sim_envs.storage import write_whole

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 20  # 2.0
_MADE_ON_UNIX = 3 << 8 | _VERSION
_PLAIN_FILE = 0o100644 << 16
_FIRST_DAY = 1 << 5 | 1  # 1 January 1980, the earliest date there is
_BLOCK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")

LONGEST_NAME = 400
FORMAT_BYTES = (1 << 32) - 1


@dataclass(frozen=True)
class Limits:
    """What is read at most.

    Attributes:
        archive_bytes: of the whole file.
        members: files in it.
    """

    archive_bytes: int = FORMAT_BYTES
    members: int = 20_000


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    crc: int
    offset: int

    def local(self) -> bytes:
        """Return what stands before the content."""
        return _LOCAL.pack(
            *(_LOCAL_MARK, _VERSION, 0, 0, 0, _FIRST_DAY, self.crc, self.size, self.size, len(self.name), 0),
        ) + self.name.encode("ascii")

    def central(self) -> bytes:
        """Return the row of the directory at the end."""
        return _CENTRAL.pack(
            *(_CENTRAL_MARK, _MADE_ON_UNIX, _VERSION, 0, 0, 0, _FIRST_DAY, self.crc, self.size, self.size),
            *(len(self.name), 0, 0, 0, 0, _PLAIN_FILE, self.offset),
        ) + self.name.encode("ascii")

    @property
    def end(self) -> int:
        """Return where the next one begins."""
        return self.offset + _LOCAL.size + len(self.name) + self.size


def _directory(entries: Sequence[_Entry]) -> Iterator[bytes]:
    """Yield everything after the last content, in pieces."""
    start = entries[-1].end if entries else 0
    size = 0
    for entry in entries:
        row = entry.central()
        size += len(row)
        yield row
    yield _END.pack(_END_MARK, 0, 0, len(entries), len(entries), size, start, 0)


def name_flaw(name: str) -> str:
    """Return what keeps a text from naming a member, "" when nothing does."""
    if len(name) > LONGEST_NAME:
        return f"is {len(name)} characters long, at most {LONGEST_NAME} are allowed"
    if not _NAME.fullmatch(name):
        return "is no relative path of letters, digits, dots, dashes and underscores whose parts begin with no dot"
    return ""


def write_archive(path: Path, members: Sequence[tuple[str, bytes | Path]]) -> None:
    """Write members in the order given, whole or not at all; equal names and contents give equal bytes.

    Args:
        members: (name, content or the file that holds it).

    Raises:
        UserError: a name that cannot be one, or twice; too much for the format; a file that cannot be read or that
            changes while it is read.
    """
    entries: list[_Entry] = []
    for name, content in members:
        if flaw := name_flaw(name):
            raise UserError(f"{name!r} cannot be packed: the name {flaw}.")
        crc, size = _measured(content)
        entries.append(_Entry(name, size, crc, entries[-1].end if entries else 0))
        if entries[-1].end > FORMAT_BYTES:
            raise UserError(f"{path} would be larger than {FORMAT_BYTES / 1e9:.1f} GB. Pack fewer tasks or protocols.")
    (most, times), *_ = Counter(entry.name.lower() for entry in entries).most_common(1) or [("", 0)]
    if times > 1:
        raise UserError(f"{path}: {times} files would have the name {most}.")
    write_whole(path, lambda beside: _write(beside, entries, [content for _, content in members]))


def _write(path: Path, entries: Sequence[_Entry], contents: Sequence[bytes | Path]) -> None:
    with path.open("wb") as file:
        for entry, content in zip(entries, contents, strict=True):
            file.write(entry.local())
            crc = 0
            for block in _blocks(content):
                crc = zlib.crc32(block, crc)
                file.write(block)
            if (crc, file.tell()) != (entry.crc, entry.end):
                raise UserError(f"{entry.name} changed while it was packed. Pack it again when nothing writes to it.")
        for piece in _directory(entries):
            file.write(piece)


def _measured(content: bytes | Path) -> tuple[int, int]:
    crc = size = 0
    for block in _blocks(content):
        crc, size = zlib.crc32(block, crc), size + len(block)
    return crc, size


def _blocks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    try:
        with content.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise UserError(f"{content} cannot be read: {error.strerror or error}.") from None


class Incoming:
    """A member that is being read: its name, its size as its header says, and its content, once."""

    def __init__(self, name: str, size: int, blocks: Iterator[bytes]) -> None:
        self.name = name
        self.size = size
        self.blocks = blocks

    def content(self) -> bytes:
        """Return all of it; for members whose size was found fit."""
        return b"".join(self.blocks)


def read_archive(stream: BinaryIO, limits: Limits) -> Iterator[Incoming]:
    """Yield the members of an archive while it comes in; the last step checks that nothing else is there.

    The content of a member can be read until the next one is asked for.

    Raises:
        Refusal: ``archive`` for anything but what :func:`write_archive` writes, ``name`` and ``size``.
    """
    entries: list[_Entry] = []
    names: set[str] = set()
    while (mark := _exactly(stream, 4)) == _LOCAL_MARK:
        entry = _next_entry(mark, stream, entries[-1].end if entries else 0)
        if len(entries) == limits.members:
            raise Refusal("size", f"there are more than {limits.members:,} files in it.")
        if entry.end > limits.archive_bytes:
            raise Refusal("size", f"it is larger than {limits.archive_bytes:,} bytes.")
        if entry.name.lower() in names:
            raise Refusal("name", f"{entry.name} is in it twice.")
        names.add(entry.name.lower())
        entries.append(entry)
        blocks = _checked(stream, entry)
        yield Incoming(entry.name, entry.size, blocks)
        for _ in blocks:  # whatever the reader left
            pass
    if mark != (_CENTRAL_MARK if entries else _END_MARK):
        raise Refusal("archive", "it is no archive of tst-bench submit, or it is damaged.")
    rest = b""
    for piece in _directory(entries):
        rest = mark + _exactly(stream, len(piece) - 4) if not rest else _exactly(stream, len(piece))
        if rest != piece:
            raise Refusal("archive", "its directory is not the one that belongs to its files.")
    if stream.read(1):
        raise Refusal("archive", "something follows its end.")


def _next_entry(mark: bytes, stream: BinaryIO, offset: int) -> _Entry:
    header = mark + _exactly(stream, _LOCAL.size - 4)
    *_, crc, _, size, length, _ = _LOCAL.unpack(header)
    if length > LONGEST_NAME:
        raise Refusal("name", f"a name in it is {length} characters long, at most {LONGEST_NAME} are allowed.")
    raw = _exactly(stream, length)
    name = raw.decode("ascii", "backslashreplace")
    if flaw := name_flaw(name):
        raise Refusal("name", f"the name {name[:80]!r} in it {flaw}.")
    entry = _Entry(name, size, crc, offset)
    if entry.local() != header + raw:
        raise Refusal("archive", f"{name} is compressed, dated, encrypted, a link, or is packed by something else.")
    return entry


def _checked(stream: BinaryIO, entry: _Entry) -> Iterator[bytes]:
    left, crc = entry.size, 0
    while left:
        block = _exactly(stream, min(left, _BLOCK))
        left, crc = left - len(block), zlib.crc32(block, crc)
        yield block
    if crc != entry.crc:
        raise Refusal("archive", f"{entry.name} is damaged (CRC).")


def _exactly(stream: BinaryIO, count: int) -> bytes:
    """Read so many bytes, however small the pieces in which they come."""
    found = b""
    while len(found) < count:
        piece = stream.read(count - len(found))
        if not piece:
            raise Refusal("archive", "it ends too early, or is no archive of tst-bench submit.")
        found += piece
    return found
