"""A private pack, unpacked: recordings that hold the truth about test frames, and what is scored in each row."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from benchmark.results import Role
from benchmark.suites import Suite
from benchmark.tasks import Task
from leaderboard.archive import Incoming, Limits, read_archive
from leaderboard.packs import PACK, Pack, PackedSpace
from leaderboard.rules import spaces_of
from sim_envs.errors import UserError
from sim_envs.recordings.arrays import header, total_bytes
from sim_envs.recordings.format import modality_file
from sim_envs.recordings.reader import Recording, read_meta
from sim_envs.storage import digest_file


@dataclass(frozen=True)
class Truth:
    """The truth of one suite.

    Attributes:
        pack: ``pack.json``.
        suite: the whole of it.
        recordings: space → recording, in which only the test frames are valid.
    """

    pack: Pack
    suite: Suite
    recordings: dict[str, Recording]

    def scored(self, test_space: str, task: Task) -> list[tuple[Recording, Role]]:
        """Return what is scored in a row, in the order of a run."""
        held = {space: recording.modalities for space, recording in self.recordings.items()}
        roles = spaces_of(test_space, task, self.suite, held)
        return [(self.recordings[space], role) for space, role in roles.items()]


def open_truth(path: Path, home: Path) -> Truth:
    """Unpack a private pack once, and open it.

    Args:
        home: where unpacked packs are kept, each in a folder named by the digest of its file.

    Raises:
        UserError: no such file, no private pack, or a damaged one.
    """
    if not path.is_file():
        raise UserError(f"No private pack at {path}. tst-bench pack --private RUN_DIR makes one.")
    return open_unpacked(unpack_truth(path, digest_file(path), home))


def unpack_truth(path: Path, sha256: str, home: Path) -> Path:
    """Unpack a private pack unless that was done, and return its folder; of several processes one does it.

    Args:
        sha256: of the file, by which its folder is named.

    Raises:
        UserError: no private pack, or a damaged one.
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
            _unpack(path, beside)
            os.sync()  # the name says that all of it is there, also after a power cut
            beside.rename(folder)
    return folder


def open_unpacked(folder: Path) -> Truth:
    """Open what :func:`unpack_truth` made.

    Raises:
        UserError: it is not that.
    """
    try:
        content = (folder / PACK).read_bytes()
    except OSError as error:
        raise UserError(f"{folder} holds no unpacked private pack: {error.strerror or error}.") from None
    pack = _read_description(content, folder)
    assert pack.rules is not None
    recordings = {space.space: Recording.open(_restored(folder, space)) for space in pack.spaces}
    return Truth(pack, pack.rules, recordings)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until nobody else is in here; the system lets go for whoever is killed."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read_description(content: bytes, path: Path) -> Pack:
    try:
        pack = Pack.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path} is no pack: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    if pack.kind != "private" or pack.rules is None:
        raise UserError(f"{path} is a public pack: it holds no truth. Scoring takes the private one.")
    return pack


def _unpack(path: Path, folder: Path) -> None:
    """Write out every file of the pack that is what its description says, then restore the recordings."""
    with path.open("rb") as stream:
        members = read_archive(stream, Limits())
        content = _first(members, path).content()
        pack = _read_description(content, path)
        (folder / PACK).write_bytes(content)
        wanted = {name: sha256 for space in pack.spaces for name, sha256 in space.files.items()}
        for member in members:
            (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
            sha = hashlib.sha256()
            with (folder / member.name).open("wb") as out:
                for block in member.blocks:
                    sha.update(block)
                    out.write(block)
            if wanted.pop(member.name, None) != sha.hexdigest():
                raise UserError(f"{path}: {member.name} is not what {PACK} describes. Make the pack again.")
    if wanted:
        raise UserError(f"{path} lacks {', '.join(sorted(wanted)[:3])}. Make the pack again.")
    for space in pack.spaces:
        _restore(_restored(folder, space))


def _first(members: Iterator[Incoming], path: Path) -> Incoming:
    first = next(members, None)
    if first is None or first.name != PACK:
        raise UserError(f"{path} is no pack: {PACK} is not the first file in it.")
    return first


def _restored(folder: Path, space: PackedSpace) -> Path:
    return folder / "spaces" / space.space.replace("/", "__")


def _restore(folder: Path) -> None:
    """Lay the test frames of each modality out as in the recording they come from; the others take no disk."""
    for name, stored in read_meta(folder).modalities.items():
        packed = folder / f"{name}.npz"
        target = folder / modality_file(name)
        with target.open("wb") as file:
            file.write(header(stored))
            file.truncate(total_bytes(stored))
        with np.load(packed, allow_pickle=False) as arrays:
            values = np.load(target, mmap_mode="r+")
            values[arrays["rows"]] = arrays["values"]
            values.flush()
        packed.unlink()
