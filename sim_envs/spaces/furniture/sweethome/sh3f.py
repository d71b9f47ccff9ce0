"""Read Sweet Home 3D furniture libraries: a zip of OBJ models and ``PluginFurnitureCatalog.properties``."""

from __future__ import annotations

import hashlib
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError

CATALOGUE = "PluginFurnitureCatalog.properties"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(frozen=True, eq=False)
class Entry:
    """One model of a library as its catalogue describes it.

    Attributes:
        library: file name of the library.
        id: the catalogue's id, or ``library#number``.
        name, group: in the words of the catalogue ("Bed", "Bedroom").
        creator: author, or "".
        member: path of the OBJ inside the zip.
        member_bytes: its unpacked size; 0 when it is not in the zip.
        size: width, height, depth in metres.
        elevation: of the underside above the floor, metres.
        rotation: (3, 3), applied to the model before it is scaled.
        door_or_window: whether it belongs into a wall opening.
    """

    library: str
    id: str
    name: str
    group: str
    creator: str
    member: str
    member_bytes: int
    size: tuple[float, float, float]
    elevation: float
    rotation: np.ndarray
    door_or_window: bool


@dataclass(frozen=True, eq=False)
class Library:
    """A furniture library.

    Attributes:
        path: the ``.sh3f`` file.
        sha256: of the file.
        name, version, licence: in the words of its catalogue.
        licence_files: licence texts in the zip that concern the whole library.
        entries: its models.
    """

    path: Path
    sha256: str
    name: str
    version: str
    licence: str
    licence_files: tuple[str, ...]
    entries: tuple[Entry, ...]


def parse_properties(text: str) -> dict[str, str]:
    """Parse Java properties: comments, continued lines, ``=``/``:``/blank separators, escapes."""
    properties: dict[str, str] = {}
    logical = ""
    for line in re.split(r"\r\n|\n|\r", text):
        stripped = line.lstrip(" \t\f")
        if not logical and (not stripped or stripped[0] in "#!"):
            continue
        logical += stripped
        backslashes = len(logical) - len(logical.rstrip("\\"))
        if backslashes % 2:
            logical = logical[:-1]
            continue
        key, value = _split(logical)
        properties[_unescape(key)] = _unescape(value)
        logical = ""
    if logical:
        key, value = _split(logical)
        properties[_unescape(key)] = _unescape(value)
    return properties


def _split(line: str) -> tuple[str, str]:
    """Split a logical line at its first separator that is not escaped."""
    place = 0
    while place < len(line) and line[place] not in "=: \t\f":
        place += 2 if line[place] == "\\" else 1
    key = line[:place]
    rest = line[place:].lstrip(" \t\f")
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(" \t\f")
    return key, rest


def _unescape(text: str) -> str:
    """Resolve backslash escapes; a broken ``\\u`` stays as it is."""

    def resolve(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", resolve, text, flags=re.DOTALL)


def read_library(path: Path) -> Library:
    """Read a library's catalogue (models stay in the zip); the same file is read once a process.

    Raises:
        UserError: not a zip, or without a catalogue.
    """
    status = path.stat()
    return _read_library(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _read_library(path: Path, modified: int, size: int) -> Library:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info.file_size for info in archive.infolist()}
            properties = parse_properties(archive.read(CATALOGUE).decode("latin-1"))
            licences = tuple(
                archive.read(name).decode("latin-1").strip()
                for name in sorted(members)
                if "/" not in name and name.upper().startswith(("LICENSE", "LICENCE"))
            )
    except (zipfile.BadZipFile, KeyError) as error:
        raise UserError(
            f"{path} is not a Sweet Home 3D furniture library ({error}). "
            f"Expected a zip with {CATALOGUE}; download it again or leave it out of TST_BENCH_SH3F."
        ) from error
    numbers = sorted(int(match.group(1)) for key in properties if (match := re.fullmatch(r"name#(\d+)", key)))
    entries = (_entry(path, number, properties, members) for number in numbers)
    return Library(
        path=path,
        sha256=_sha256(path),
        name=properties.get("name", path.stem),
        version=properties.get("version", ""),
        licence=properties.get("license", ""),
        licence_files=licences,
        entries=tuple(entry for entry in entries if entry is not None),
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _entry(path: Path, number: int, properties: Mapping[str, str], members: Mapping[str, int]) -> Entry | None:
    """Return a model's entry; None, with a warning, where the catalogue gives no model or no size."""

    def read(key: str) -> str:
        return properties.get(f"{key}#{number}", "").strip()

    member = read("model").lstrip("/")
    try:
        width, height, depth = (float(read(key)) / 100 for key in ("width", "height", "depth"))
        elevation = float(read("elevation") or 0.0) / 100
        rotation = np.array([float(word) for word in read("modelRotation").split()] or np.eye(3)).reshape(3, 3)
        usable = bool(member) and min(width, height, depth) > 0
    except ValueError:
        usable = False
    if not usable:
        warnings.warn(f"{path.name}: model {number} ({read('name')}) skipped: no usable size or file", stacklevel=2)
        return None
    return Entry(
        library=path.name,
        id=read("id") or f"{path.name}#{number}",
        name=read("name"),
        group=read("category"),
        creator=read("creator"),
        member=member,
        member_bytes=members.get(member, 0),
        size=(width, height, depth),
        elevation=elevation,
        rotation=rotation,
        door_or_window=read("doorOrWindow").lower() == "true",
    )
