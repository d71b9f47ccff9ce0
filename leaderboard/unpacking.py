"""Unpack a pack: every file in it is what its description says, and nothing else is in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from leaderboard.archive import Incoming, Limits, read_archive
from leaderboard.packs import PACK, Kind, Pack
from leaderboard.refusal import Refusal
from sim_envs.errors import UserError

_INSTEAD: dict[Kind, str] = {
    "private": "is a public pack: it holds no truth. Scoring takes the private one.",
    "public": "is a private pack: it holds every label. Predicting takes the public one.",
}


def read_description(content: bytes, path: Path, kind: Kind) -> Pack:
    """Read ``pack.json``.

    Args:
        path: of the pack, for messages.

    Raises:
        UserError: it is none, or of the other kind.
    """
    try:
        pack = Pack.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path} is no pack: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    if pack.kind != kind or (pack.rules is None) != (kind == "public"):
        raise UserError(f"{path} {_INSTEAD[kind]}")
    return pack


def unpack_once(home: Path, sha256: str, unpack: Callable[[Path], object]) -> Path:
    """Return the folder of what is unpacked of a file; of several processes one fills it, whole or not at all.

    Args:
        home: of such folders.
        sha256: of the file, by which its folder is named.
        unpack: fills an empty folder.
    """
    folder = home / sha256[:32]
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home / f"{folder.name}.lock"):
        if not folder.is_dir():
            beside = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            unpack(beside)
            os.sync()  # the name says that all of it is there, also after a power cut
            beside.rename(folder)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until nobody else is in here; the system lets go for whoever is killed."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def unpack_files(path: Path, folder: Path, kind: Kind) -> Pack:
    """Write out the description and every file of a pack.

    Raises:
        UserError: no pack, one of the other kind, or one that was changed or damaged; the folder is of no use then.
    """
    try:
        with path.open("rb") as stream:
            return _unpack(read_archive(stream, Limits()), path, folder, kind)
    except Refusal:
        raise UserError(
            f"{path} is no pack, or it was changed or damaged. Take it again from where it came from."
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read or unpacked: {error.strerror or error}.") from None


def _unpack(members: Iterator[Incoming], path: Path, folder: Path, kind: Kind) -> Pack:
    first = next(members, None)
    if first is None or first.name != PACK:
        raise UserError(f"{path} is no pack: {PACK} is not the first file in it.")
    content = first.content()
    pack = read_description(content, path, kind)
    (folder / PACK).write_bytes(content)
    wanted = {name: sha256 for space in pack.spaces for name, sha256 in space.files.items()}
    for member in members:
        if member.name not in wanted:
            raise UserError(f"{path}: {member.name} is not what {PACK} describes. Make the pack again.")
        (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
        sha = hashlib.sha256()
        with (folder / member.name).open("wb") as out:
            for block in member.blocks:
                sha.update(block)
                out.write(block)
        if wanted.pop(member.name) != sha.hexdigest():
            raise UserError(f"{path}: {member.name} is not what {PACK} describes. Make the pack again.")
    if wanted:
        raise UserError(f"{path} lacks {', '.join(sorted(wanted)[:3])}. Make the pack again.")
    return pack
