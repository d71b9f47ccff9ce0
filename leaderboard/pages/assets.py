"""Style sheets, scripts and icons. A name holds the digest of the content: browsers may keep a file for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file that pages refer to.

    Attributes:
        name: as it is served, ``board.0123456789.css``.
    """

    name: str
    media_type: str
    content: bytes


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """Return every asset by the name it has in the folder, ``board.css``."""
    found = {}
    for file in sorted(resources.files("leaderboard.pages").joinpath("static").iterdir(), key=lambda file: file.name):
        stem, dot, ending = file.name.rpartition(".")
        if dot + ending in MEDIA_TYPES:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:10]
            found[file.name] = Asset(f"{stem}.{digest}.{ending}", MEDIA_TYPES[dot + ending], content)
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def served() -> Mapping[str, Asset]:
    """Return every asset by the name it is served under."""
    return MappingProxyType({asset.name: asset for asset in assets().values()})
