"""A board whose folder is on this machine: submissions go into it without a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leaderboard import uploads
from leaderboard.answers import SubmissionView
from leaderboard.client import Progress
from leaderboard.describing import PageLinks, whole_view
from leaderboard.store.database import Store
from leaderboard.store.tables import Submitted, Team
from sim_envs.errors import UserError
from sim_envs.storage import digest_file

_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class FolderBoard:
    """A board on this machine, whose folder may be written to: no server and no token are needed.

    Attributes:
        team: in whose name is submitted; who only looks needs none.
    """

    store: Store
    team: Team | None

    def submit(self, file: Path, progress: Progress) -> str:
        """Take a file, and return the id of the submission.

        Raises:
            UserError: it is not taken, and why.
        """
        team, size = self.team, file.stat().st_size
        if team is None:
            raise UserError("Say who submits: --team NAME.")
        upload = uploads.begin(self.store, team, size, digest_file(file))
        if upload.submission_id is not None:
            return upload.submission_id
        _, offset = uploads.find(self.store, upload.id, team.id)
        uploads.append(self.store, upload.id, team.id, offset, _blocks(file, offset, size, progress))
        return uploads.finish(self.store, upload.id, team.id).id

    def status(self, submission: str) -> SubmissionView:
        """Return how a submission stands.

        Raises:
            UserError: there is none.
        """
        with self.store.reading() as session:
            found = session.get(Submitted, submission)
            if found is None:
                raise UserError(
                    f"There is no submission {submission[:40]!r} on the board in {self.store.board.folder}."
                )
            return whole_view(session, found, PageLinks(self.store.board.settings.url), with_log=True)


def _blocks(file: Path, offset: int, size: int, progress: Progress) -> Iterator[bytes]:
    progress(offset, size)
    with file.open("rb") as content:
        content.seek(offset)
        while block := content.read(_BLOCK):
            yield block
            offset += len(block)
            progress(offset, size)
