"""A public pack at hand: the frames that are to be predicted, and whether predictions are about exactly these."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.packed import PackedFrames
from benchmark.predictions import predicted_frames
from benchmark.suites import Suite
from leaderboard.manifest import Row, SpaceFile, Submission, SuiteId
from leaderboard.packs import PACK, Pack, PackedSpace
from leaderboard.refusal import Refusal
from leaderboard.rules import NO_RULE
from leaderboard.unpacking import read_description, unpack_files, unpack_once
from leaderboard.validation import receive_file
from sim_envs.errors import UserError
from sim_envs.storage import digest_file


@dataclass(frozen=True)
class FramePack:
    """A public pack, unpacked.

    Attributes:
        path: of the pack.
        pack: ``pack.json``.
        spaces: its frames, in the order of a run.
    """

    path: Path
    pack: Pack
    spaces: tuple[PackedFrames, ...]

    def check_suite(self, suite: SuiteId, said: str) -> None:
        """Refuse what is not about the suite of the pack, as it is there.

        Args:
            said: what that is, for the message.

        Raises:
            UserError: it is about another suite, version, or other sizes and budgets.
        """
        its = self.pack.suite
        if suite != its:
            other = f"{suite.name} v{suite.version}"
            if other == f"{its.name} v{its.version}":
                other += " with other spaces, sizes or budgets"
            raise UserError(f"{self.path} has the frames of {its.name} v{its.version}, and {said} is of {other}.")

    def check_submission(self, submission: Submission, folder: Path) -> None:
        """Refuse a submission that was received into a folder unless it predicts the frames of this pack.

        Raises:
            Refusal: ``suite`` or ``frames``, naming the row.
        """
        try:
            self.check_suite(submission.suite, "the submission")
        except UserError as error:
            raise Refusal("suite", str(error)) from None
        spaces = {space.space: space for space in self.spaces}
        for row in submission.rows:
            for file in row.spaces:
                if file.space not in spaces:
                    raise Refusal("frames", f"{row.said}: {self.path.name} has no frames of {file.space}.")
                _check_frames(row, file, spaces[file.space], folder, self.path.name)


def _check_frames(row: Row, file: SpaceFile, space: PackedFrames, folder: Path, pack: str) -> None:
    if file.recording != space.recording:
        raise Refusal(
            "frames",
            f"{row.said} was made on another recording of {file.space} ({file.recording[:12]}…) than the one in {pack} "
            f"({space.recording[:12]}…).",
        )
    have, want = predicted_frames(folder / row.folder, file.space, recording=file.recording), space.numbers("frames")
    if len(missing := np.setdiff1d(want, have)) or len(have) != len(want):
        extra = np.setdiff1d(have, want)
        which = f"frame {missing[0]} is missing" if len(missing) else f"frame {extra[0]} is none of them"
        raise Refusal(
            "frames", f"{row.said}: {len(have)} frames of {file.space} are predicted, {pack} has {len(want)}: {which}."
        )


def validate_with(
    pack: FramePack, path: Path, suites: Mapping[str, Suite], code: Mapping[str, Collection[str]] = NO_RULE
) -> Submission:
    """Check a submission as :func:`~leaderboard.validation.validate` does, and that it predicts a pack's frames.

    Raises:
        UserError: no such file.
        Refusal: it would not be taken, and why.
    """
    with tempfile.TemporaryDirectory(prefix="tst-bench-") as folder:
        submission = receive_file(path, Path(folder), suites, code=code)
        pack.check_submission(submission, Path(folder))
        return submission


def open_frames(path: Path, home: Path) -> FramePack:
    """Unpack a public pack once, and open it.

    Args:
        home: where unpacked packs are kept, each in a folder named by the digest of its file.

    Raises:
        UserError: no such file, no public pack, or one that was changed or damaged.
    """
    if not path.is_file():
        raise UserError(f"No public pack at {path}. The guide of a board links those of its suites.")
    folder = unpack_once(home, digest_file(path), lambda beside: unpack_files(path, beside, "public"))
    pack = read_description((folder / PACK).read_bytes(), path, "public")
    return FramePack(path, pack, tuple(_frames(space, folder, path) for space in pack.spaces))


def _frames(space: PackedSpace, folder: Path, path: Path) -> PackedFrames:
    if len(space.files) != 1:
        raise UserError(f"{path}: {space.space} has {len(space.files)} files, one is expected. Take the pack again.")
    ((name, sha256),) = space.files.items()
    return PackedFrames(
        space=space.space,
        recording=space.recording,
        file=folder / name,
        sha256=sha256,
        frames=space.frames,
        height=space.height,
        width=space.width,
    )
