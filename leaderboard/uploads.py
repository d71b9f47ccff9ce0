"""Take submissions in: resumable, checked while they come, and whole or not there at all. For servers and folders.

How much of an upload is there is what its part on disk says (``uploads/<id>.part``), whatever was killed in between.
Once it is complete, its bytes are linked into the board's files, then one transaction queues the submission, then
the part is removed: a kill before the transaction leaves an upload that can be finished again, one after it leaves a
part that nobody needs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leaderboard.archive import Incoming, Limits, read_archive
from leaderboard.manifest import Submission
from leaderboard.refusal import Refusal
from leaderboard.rules import check_rules
from leaderboard.store.database import Store
from leaderboard.store.queue import enqueue, new_id, now
from leaderboard.store.quotas import check_quota
from leaderboard.store.suites import rules_of, taken_suites
from leaderboard.store.tables import Submitted, Team, Upload
from leaderboard.validation import read_first
from sim_envs.errors import UserError
from sim_envs.storage import digest_file

SPARE_BYTES = 256 << 20
"""What an upload leaves free on the disk."""

_ID = re.compile(r"[0-9a-z]{1,32}")


class NoSuchUpload(UserError):
    """There is no such upload, or it was given up."""


class NotYours(UserError):
    """It belongs to another team."""


class TooLarge(UserError):
    """More bytes than are taken, or than were announced."""


class WrongOffset(UserError):
    """The upload stands elsewhere; ``offset`` says where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class UploadRefused(UserError):
    """The upload was refused before; nothing more of it is taken."""


class AlreadySubmitted(UserError):
    """Another team submitted the very same file."""


class TooManyUploads(UserError):
    """A team has as many unfinished uploads as it may have."""


class NoRoom(UserError):
    """The disk of the board is full."""


def begin(store: Store, team: Team, size: int, sha256: str) -> Upload:
    """Announce a file; the answer may be an upload of it that is under way, or one that is complete already.

    Args:
        size: of the file, in bytes.
        sha256: of the file, as 64 hex digits.

    Raises:
        TooLarge, AlreadySubmitted, QuotaSpent, TooManyUploads, NoRoom: it is not taken, and why.
    """
    give_up(store)
    settings = store.board.settings
    if not 1 <= size <= settings.archive_bytes:
        raise TooLarge(f"The file has {size:,} bytes; 1 to {settings.archive_bytes:,} are taken.")
    with store.transaction() as session:
        session.execute(select(Team.id).where(Team.id == team.id).with_for_update())  # one announcement at a time
        mine = (Upload.team_id == team.id, Upload.refusal.is_(None))
        same = (Upload.sha256 == sha256, Upload.size == size)
        upload = session.scalar(select(Upload).where(*mine, *same).order_by(Upload.created.desc()).limit(1))
        if upload is not None:
            return upload
        submitted = _submitted_before(session, team.id, sha256)
        if submitted is None:
            check_quota(session, team, settings)
            _check_room(session, store, team, size)
        upload = Upload(
            id=new_id(),
            team_id=team.id,
            size=size,
            sha256=sha256,
            created=now(),
            expires=now() + timedelta(hours=settings.upload_hours),
            refusal=None,
            submission_id=submitted.id if submitted else None,
        )
        session.add(upload)
    return upload


def find(store: Store, upload_id: str, team_id: int) -> tuple[Upload, int]:
    """Return an upload and how many bytes of it are there.

    Raises:
        NoSuchUpload, NotYours: it cannot be had.
    """
    with store.reading() as session:
        upload = _owned(session, upload_id, team_id)
    if upload.submission_id is not None:
        return upload, upload.size
    part = _part(store, upload.id)
    return upload, part.stat().st_size if part.exists() else 0


def append(store: Store, upload_id: str, team_id: int, offset: int, blocks: Iterable[bytes]) -> int:
    """Add bytes to an upload, and return how many are there now; all of these are on the disk.

    Its start is checked as soon as it is there. When the source of the blocks breaks off, what came until then is
    kept.

    Args:
        offset: where the first block belongs.

    Raises:
        NoSuchUpload, NotYours, UploadRefused: nothing can be added to it.
        WrongOffset: its end is elsewhere; nothing was added.
        TooLarge: more than was announced; nothing was added.
        Refusal: what came is nothing that would be taken. The upload is over.
        NoRoom: the disk is full.
    """
    with _held(store, upload_id, team_id) as (upload, part):
        there = upload.size if upload.submission_id is not None else part.seek(0, 2)
        if offset != there:
            raise WrongOffset(f"The upload has {there:,} bytes; go on from there.", there)
        try:
            for block in blocks:
                if part.tell() + len(block) > upload.size:
                    part.truncate(offset)
                    raise TooLarge(f"That is more than the {upload.size:,} bytes that were announced.")
                _write(part, block)
        finally:
            os.fsync(part.fileno())
        there = part.seek(0, 2)
        if upload.submission_id is None:
            try:
                _check_start(store, part, offset, upload)
            except Refusal as refusal:
                _refuse(store, upload, str(refusal))
                raise
        return there


def finish(store: Store, upload_id: str, team_id: int) -> Submitted:
    """Turn a complete upload into a submission that waits to be scored; once more gives the same submission.

    Raises:
        NoSuchUpload, NotYours, UploadRefused: there is nothing to finish.
        WrongOffset: it is not complete.
        Refusal: its SHA-256 is not the one that was announced. The upload is over.
        AlreadySubmitted: another team was faster. The upload is over.
        QuotaSpent: the team submitted too much meanwhile; the upload stays until it expires.
    """
    with _held(store, upload_id, team_id) as (upload, part):
        if upload.submission_id is None:
            there = part.seek(0, 2)
            if there != upload.size:
                raise WrongOffset(f"{there:,} of {upload.size:,} bytes are there; send the others first.", there)
            try:
                _check_digest(_part(store, upload.id), upload.sha256)
                store.files.share(_part(store, upload.id), upload.sha256)
                submitted = _enqueue(store, upload)
            except (Refusal, AlreadySubmitted) as error:
                _refuse(store, upload, str(error))
                raise
            _part(store, upload.id).unlink(missing_ok=True)
            return submitted
    with store.reading() as session:
        return session.get_one(Submitted, upload.submission_id)


def discard(store: Store, upload_id: str, team_id: int) -> None:
    """Forget an upload and what came of it; a submission that it has become stays.

    Raises:
        NoSuchUpload, NotYours: it cannot be had.
    """
    with store.transaction() as session:
        session.delete(_owned(session, upload_id, team_id))
        session.flush()
        _part(store, upload_id).unlink(missing_ok=True)


def give_up(store: Store) -> None:
    """Forget uploads that have expired, and parts that belong to none."""
    parts = list(store.board.uploads.glob("*.part"))
    with store.reading() as session:
        expired = session.scalar(select(func.count()).select_from(Upload).where(Upload.expires <= now()))
    if expired:
        with store.transaction() as session:
            session.execute(delete(Upload).where(Upload.expires <= now()))
    if parts:
        going_on = select(Upload.id).where(Upload.submission_id.is_(None), Upload.refusal.is_(None))
        with store.reading() as session:
            ids = set(session.scalars(going_on))
        for part in parts:
            if part.stem not in ids:
                part.unlink(missing_ok=True)


def _owned(session: Session, upload_id: str, team_id: int) -> Upload:
    upload = session.get(Upload, upload_id) if _ID.fullmatch(upload_id) else None
    if upload is None or upload.expires <= now():
        raise NoSuchUpload(f"There is no upload {upload_id[:40]!r}, or it has expired. Begin it again.")
    if upload.team_id != team_id:
        raise NotYours(f"The upload {upload_id} belongs to another team.")
    return upload


def _part(store: Store, upload_id: str) -> Path:
    return store.board.uploads / f"{upload_id}.part"


@contextmanager
def _held(store: Store, upload_id: str, team_id: int) -> Iterator[tuple[Upload, FileIO]]:
    """Yield an upload that was not refused and its part, which nobody else changes meanwhile."""
    with store.reading() as session:
        upload = _usable(session, upload_id, team_id)
    store.board.uploads.mkdir(parents=True, exist_ok=True)
    with FileIO(_part(store, upload.id), "a+") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        with store.reading() as session:  # it may be over by now
            upload = _usable(session, upload_id, team_id)
        yield upload, part


def _usable(session: Session, upload_id: str, team_id: int) -> Upload:
    upload = _owned(session, upload_id, team_id)
    if upload.refusal is not None:
        raise UploadRefused(upload.refusal)
    return upload


def _submitted_before(session: Session, team_id: int, sha256: str) -> Submitted | None:
    """Return the submission of the same file.

    Raises:
        AlreadySubmitted: it is another team's.
    """
    submitted = session.scalar(select(Submitted).where(Submitted.sha256 == sha256))
    if submitted is not None and submitted.team_id != team_id:
        raise AlreadySubmitted("This very file was submitted already, by another team. Submit predictions of your own.")
    return submitted


def _check_room(session: Session, store: Store, team: Team, size: int) -> None:
    most = store.board.settings.submissions_per_day
    unfinished = (Upload.team_id == team.id, Upload.submission_id.is_(None), Upload.refusal.is_(None))
    if (session.scalar(select(func.count()).select_from(Upload).where(*unfinished)) or 0) >= most:
        raise TooManyUploads(f"{team.name} has {most} unfinished uploads. Finish or delete one of them first.")
    if shutil.disk_usage(store.board.folder).free < size + SPARE_BYTES:
        raise NoRoom("The board has no room for a file of that size at the moment. Try again later.")


def _write(part: FileIO, block: bytes) -> None:
    view = memoryview(block)
    try:
        while view:
            view = view[part.write(view) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom("The disk of the board is full. Go on later; what was sent is kept.") from None
        raise


class _NotThereYet(Exception):
    """More of the file is needed to go on."""


class _SoFar:
    """The beginning of a file that is still coming in: where it ends for now is no end."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, count: int) -> bytes:
        if not (found := self.file.read(count)):
            raise _NotThereYet
        return found


def _check_start(store: Store, part: FileIO, before: int, upload: Upload) -> None:
    """Judge the manifest in the append with which it is complete, and what stands before it as early as possible.

    Args:
        before: bytes that were there earlier.
    """
    limits = Limits(archive_bytes=upload.size)
    with _part(store, upload.id).open("rb") as file:
        stream = _SoFar(file)
        try:
            first: Incoming | None = next(read_archive(stream, limits), None)  # type: ignore[arg-type]
            if first is not None and before >= file.tell() + first.size:
                return
            submission: Submission = read_first(first)
        except _NotThereYet:
            return
    with store.reading() as session:
        suites = taken_suites(session)
    check_rules(
        submission, {suite.name: rules_of(suite) for suite in suites}, {suite.name: suite.code for suite in suites}
    )


def _check_digest(path: Path, sha256: str) -> None:
    if digest_file(path) != sha256:
        raise Refusal("digest", "what came has another SHA-256 than the one that was announced.")


def _enqueue(store: Store, upload: Upload) -> Submitted:
    while True:
        try:
            with store.transaction() as session:
                team = session.get_one(Team, upload.team_id)
                submitted = _submitted_before(session, team.id, upload.sha256)
                if submitted is None:
                    check_quota(session, team, store.board.settings)
                    submitted = enqueue(session, team.id, upload.sha256, upload.size)
                    session.refresh(submitted)
                session.get_one(Upload, upload.id).submission_id = submitted.id
            return submitted
        except IntegrityError:  # another team queued the same file between our look and our write; look again
            continue


def _refuse(store: Store, upload: Upload, why: str) -> None:
    with store.transaction() as session:
        session.get_one(Upload, upload.id).refusal = why
    _part(store, upload.id).unlink(missing_ok=True)
