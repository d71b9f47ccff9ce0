"""A private pack, unpacked: recordings that hold the truth about test frames, and what is scored in each row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.results import Role
from benchmark.suites import Suite
from benchmark.tasks import Task
from leaderboard.packs import PACK, Pack, PackedSpace
from leaderboard.rules import spaces_of
from leaderboard.unpacking import read_description, unpack_files, unpack_once
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
    return unpack_once(home, sha256, lambda folder: _unpack(path, folder))


def open_unpacked(folder: Path) -> Truth:
    """Open what :func:`unpack_truth` made.

    Raises:
        UserError: it is not that.
    """
    try:
        content = (folder / PACK).read_bytes()
    except OSError as error:
        raise UserError(f"{folder} holds no unpacked private pack: {error.strerror or error}.") from None
    pack = read_description(content, folder, "private")
    assert pack.rules is not None
    recordings = {space.space: Recording.open(_restored(folder, space)) for space in pack.spaces}
    return Truth(pack, pack.rules, recordings)


def _unpack(path: Path, folder: Path) -> None:
    """Write out the pack, then restore the recordings in it."""
    for space in unpack_files(path, folder, "private").spaces:
        _restore(_restored(folder, space))


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
