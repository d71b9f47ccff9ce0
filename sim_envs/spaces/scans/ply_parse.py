"""Parse PLY (Turk 1994) into columns: ASCII or binary of either byte order, with lists of any length."""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sim_envs.spaces.scans.mesh_files import MeshFileError, numbers

_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "float64": "f8",
}
_BYTE_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "="}


@dataclass(frozen=True)
class Property:
    """One property of an element; ``count_type`` is set for lists."""

    name: str
    type: str
    count_type: str | None = None


@dataclass(frozen=True)
class Element:
    """One element of the header: ``count`` rows of ``properties``."""

    name: str
    count: int
    properties: tuple[Property, ...]


@dataclass(frozen=True, eq=False)
class Ragged:
    """A list property: all values one after the other, and how many each row has."""

    values: np.ndarray
    counts: np.ndarray


Columns = dict[str, "np.ndarray | Ragged"]


def read_elements(path: Path, wanted: Container[str]) -> tuple[dict[str, Columns], list[str]]:
    """Read a PLY's elements, and the names of its texture files (``comment TextureFile …``).

    Args:
        path: the file.
        wanted: names of the properties to keep, in lower case; normals and the like are left out, since large scans
            have hundreds of megabytes of them.
    """
    with path.open("rb") as file:
        form, elements, textures = _read_header(file)
        body = file.read()
    if form == "ascii":
        body = _ascii_to_doubles(body)
    columns, offset = {}, 0
    for element in elements:
        rows, offset = _read_element(body, offset, element, _BYTE_ORDER[form], form == "ascii")
        kept = tuple(prop for prop in element.properties if prop.name.lower() in wanted)
        columns[element.name] = _columns(replace(element, properties=kept), rows)
    return columns, textures


def _read_header(file: BinaryIO) -> tuple[str, list[Element], list[str]]:
    if file.readline(16).strip() != b"ply":
        raise MeshFileError("it does not begin like a PLY file.")
    form, textures = "", []
    elements: list[Element] = []
    while True:
        line = file.readline(4096)
        if not line:
            raise MeshFileError("its header has no end; the file is damaged.")
        words = line.decode("latin-1").split()
        if words[:1] == ["end_header"]:
            break
        try:
            if words[:1] == ["format"]:
                form = words[1]
            elif words[:2] == ["comment", "TextureFile"]:
                textures.append(line.decode("utf-8", "replace").split(None, 2)[2].strip())
            elif words[:1] == ["element"]:
                elements.append(Element(words[1], int(words[2]), ()))
            elif words[:1] == ["property"]:
                prop = (
                    Property(words[4], _TYPES[words[3]], _TYPES[words[2]])
                    if words[1] == "list"
                    else Property(words[2], _TYPES[words[1]])
                )
                last = elements[-1]
                elements[-1] = Element(last.name, last.count, (*last.properties, prop))
        except (IndexError, KeyError, ValueError) as error:
            raise MeshFileError(f"its header has a line that is not PLY: '{' '.join(words)[:80]}'.") from error
    if form not in _BYTE_ORDER:
        raise MeshFileError(f"its format '{form}' is none of {', '.join(_BYTE_ORDER)}.")
    return form, elements, textures


def _ascii_to_doubles(body: bytes) -> bytes:
    """Return all numbers of an ASCII body as float64 bytes, so that one reader serves both kinds."""
    try:
        return numbers(body, np.float64).tobytes()
    except ValueError as error:
        raise MeshFileError("its body holds something that is not a number; the file is damaged.") from error


def _row_type(element: Element, counts: tuple[int, ...], order: str, ascii_body: bool) -> np.dtype:
    """Return the layout of one row whose lists have these lengths."""
    fields: list[tuple[str, str, tuple[int, ...]]] = []
    lengths = iter(counts)
    for prop in element.properties:
        kind = "=f8" if ascii_body else order + prop.type
        if prop.count_type is None:
            fields.append((prop.name, kind, ()))
        else:
            fields.append((f"{prop.name}#", "=f8" if ascii_body else order + prop.count_type, ()))
            fields.append((prop.name, kind, (next(lengths),)))
    return np.dtype(fields)


def _read_element(
    body: bytes, offset: int, element: Element, order: str, ascii_body: bool
) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
    """Find ``element.count`` rows from ``offset`` on; return them in groups of one layout, and where they end."""
    lists = [prop for prop in element.properties if prop.count_type is not None]
    rows_by_counts: list[tuple[np.ndarray, np.ndarray]] = []  # row numbers, structured rows
    if element.count > len(body):
        raise MeshFileError(f"it ends within its {element.count} {element.name} rows; it is cut short.")
    counts = tuple(0 for _ in lists)
    if element.count and lists:
        counts = _first_counts(body, offset, element, order, ascii_body)
    layout = _row_type(element, counts, order, ascii_body)
    end = offset + element.count * layout.itemsize
    uniform = end <= len(body)
    if uniform:
        rows = np.frombuffer(body, layout, element.count, offset)
        uniform = all((rows[f"{p.name}#"] == n).all() for p, n in zip(lists, counts, strict=True))
        rows_by_counts = [(np.arange(element.count), rows)]
    if not uniform:
        if not lists:
            raise MeshFileError(f"it ends within its {element.count} {element.name} rows; the file is cut short.")
        rows_by_counts, end = _ragged_rows(body, offset, element, order, ascii_body)
    return rows_by_counts, end


def _first_counts(body: bytes, offset: int, element: Element, order: str, ascii_body: bool) -> tuple[int, ...]:
    only = Element(element.name, 1, element.properties)
    _, _, counts = _walk(body, offset, only, order, ascii_body)
    return tuple(int(n) for n in counts[0])


def _walk(
    body: bytes, offset: int, element: Element, order: str, ascii_body: bool
) -> tuple[np.ndarray, int, np.ndarray]:
    """Step from row to row by their list lengths: row starts, the end, and (rows, lists) lengths."""
    steps: list[tuple[int, struct.Struct | None, int]] = []  # bytes before a count, the count, bytes per value
    fixed = 0
    for prop in element.properties:
        size = 8 if ascii_body else np.dtype(prop.type).itemsize
        if prop.count_type is None:
            fixed += size
        else:
            code = "=d" if ascii_body else order + np.dtype(prop.count_type).char
            steps.append((fixed, struct.Struct(code), size))
            fixed = 0
    starts = np.empty(element.count, np.int64)
    counts = np.empty((element.count, len(steps)), np.int64)
    position = offset
    try:
        for row in range(element.count):
            starts[row] = position
            for i, (before, counter, size) in enumerate(steps):
                assert counter is not None
                position += before
                n = int(counter.unpack_from(body, position)[0])
                if n < 0:
                    raise MeshFileError(f"a list of its {element.name} rows has a negative length.")
                counts[row, i] = n
                position += counter.size + n * size
            position += fixed
    except (struct.error, ValueError, OverflowError) as error:
        raise MeshFileError(f"it ends within its {element.count} {element.name} rows; it is cut short.") from error
    if position > len(body):
        raise MeshFileError(f"it ends within its {element.count} {element.name} rows; it is cut short.")
    return starts, position, counts


def _ragged_rows(
    body: bytes, offset: int, element: Element, order: str, ascii_body: bool
) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
    """Group rows of equal list lengths, so that each group is read at once."""
    starts, end, counts = _walk(body, offset, element, order, ascii_body)
    raw = np.frombuffer(body, np.uint8)
    groups = []
    for lengths in np.unique(counts, axis=0):
        rows = np.flatnonzero((counts == lengths).all(axis=1))
        layout = _row_type(element, tuple(int(n) for n in lengths), order, ascii_body)
        packed = raw[starts[rows, None] + np.arange(layout.itemsize)]
        groups.append((rows, np.ascontiguousarray(packed).view(layout)[:, 0]))
    return groups, end


def _columns(element: Element, groups: list[tuple[np.ndarray, np.ndarray]]) -> Columns:
    columns: Columns = {}
    for prop in element.properties:
        if prop.count_type is None:
            column = np.empty(element.count, prop.type)
            for rows, packed in groups:
                column[rows] = packed[prop.name]
            columns[prop.name] = column
            continue
        counts = np.zeros(element.count, np.int64)
        for rows, packed in groups:
            counts[rows] = packed[prop.name].shape[1]
        starts = np.cumsum(counts) - counts
        values = np.empty(int(counts.sum()), prop.type)
        for rows, packed in groups:
            width = packed[prop.name].shape[1]
            values[starts[rows, None] + np.arange(width)] = packed[prop.name]
        columns[prop.name] = Ragged(values, counts)
    return columns
