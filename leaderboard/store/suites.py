"""Suites of a board: which are taken, and the packs that score them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmark.suites import Suite
from leaderboard.archive import Limits, read_archive
from leaderboard.entries import Custody
from leaderboard.packs import PACK, Pack
from leaderboard.refusal import Refusal
from leaderboard.store.database import Store
from leaderboard.store.queue import now
from leaderboard.store.tables import BoardSuite
from leaderboard.suites import identity
from leaderboard.truth import Truth, open_truth, open_unpacked, unpack_truth
from sim_envs.errors import UserError, unknown

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ALL = select(BoardSuite).order_by(BoardSuite.name, BoardSuite.version)


def add_suite(
    store: Store, private: Path, public: Path | None, custody: Custody, code: Sequence[str] = ()
) -> BoardSuite:
    """Take submissions to a suite from now on; its packs are copied into the board.

    Args:
        private: the pack that scores them (``tst-bench pack --private``).
        public: the frames for whoever predicts on them; None gives none out.
        custody: whether everybody can have the labels of the private pack.
        code: digests of the code that submissions may have been made with; empty takes any.

    Raises:
        UserError: no such file, no pack or a damaged one, packs that do not belong together, something that is no
            digest, or a suite that is on the board in that version.
    """
    for digest in code:
        check_code(digest)
    truth = open_truth(private, store.board.truth)
    pack, suite = truth.pack, truth.suite
    if identity(suite) != pack.suite:
        raise UserError(f"{private} says it is of {pack.suite.name} v{pack.suite.version}, and holds other rules.")
    if pack.custody == "hidden" and custody == "open":
        raise UserError(f"{private} holds hidden trajectories: add it with hidden custody, or they come out.")
    if public is not None:
        _check_public(public, private, pack)
    with store.reading() as session:
        _refuse_known(session, suite)
    private_sha256 = store.files.copy(private)
    public_sha256 = None if public is None else store.files.copy(public)
    with store.transaction() as session:
        _refuse_known(session, suite)
        added = BoardSuite(
            name=suite.name,
            version=suite.version,
            digest=pack.suite.digest,
            rules=suite.model_dump(mode="json"),
            custody=custody,
            private_pack=private_sha256,
            public_pack=public_sha256,
            code=sorted(set(code)),
            added=now(),
            closed=None,
        )
        session.add(added)
    return added


def board_suite(session: Session, name: str, version: int) -> BoardSuite | None:
    """Return a suite of the board, closed or not, or None."""
    return session.scalar(select(BoardSuite).where(BoardSuite.name == name, BoardSuite.version == version))


def suite_named(session: Session, name: str, version: int) -> BoardSuite:
    """Return a suite of the board, closed or not.

    Raises:
        UserError: it is not there.
    """
    found = board_suite(session, name, version)
    if found is None:
        raise unknown("suite", f"{name} v{version}", [f"{s.name} v{s.version}" for s in session.scalars(_ALL)])
    return found


def taken_suites(session: Session) -> list[BoardSuite]:
    """Return the newest version of each suite that is not closed, in the order of their names."""
    newest: dict[str, BoardSuite] = {}
    for suite in session.scalars(_ALL.where(BoardSuite.closed.is_(None))):
        newest[suite.name] = suite
    return list(newest.values())


def taken(session: Session) -> dict[str, Suite]:
    """Return name → suite of :func:`taken_suites`, for the rules that a submission is held against."""
    return {suite.name: rules_of(suite) for suite in taken_suites(session)}


def rules_of(suite: BoardSuite) -> Suite:
    """Return the whole of a suite."""
    return Suite.model_validate(suite.rules)


def truth_of(store: Store, suite: BoardSuite) -> Truth:
    """Open the truth of a suite. Its pack is unpacked when it is not yet.

    Raises:
        UserError: the pack is not in the board's files, or is damaged.
    """
    if suite.private_pack not in store.files:
        raise UserError(f"The private pack of {suite.name} v{suite.version} is missing. Restore the board's files.")
    pack = store.files.path(suite.private_pack)
    return open_unpacked(unpack_truth(pack, suite.private_pack, store.board.truth))


def close_suite(session: Session, name: str, version: int) -> BoardSuite:
    """Take no more submissions to a version of a suite; its table stays.

    Raises:
        UserError: it is not there, or closed.
    """
    suite = suite_named(session, name, version)
    if suite.closed is not None:
        raise UserError(f"{name} v{version} has been closed since {suite.closed:%Y-%m-%d %H:%M} UTC.")
    suite.closed = now()
    return suite


def accept_code(session: Session, name: str, version: int, digest: str) -> BoardSuite:
    """Take submissions to a suite that were made with this code, too.

    Raises:
        UserError: the suite is not there, any code is taken, or that is no digest.
    """
    check_code(digest)
    suite = suite_named(session, name, version)
    if not suite.code:
        raise UserError(f"{name} v{version} takes submissions made with any code already.")
    suite.code = sorted({*suite.code, digest})
    return suite


def check_code(digest: str) -> None:
    """Refuse what cannot be the digest of code.

    Raises:
        UserError: that is none.
    """
    if not _DIGEST.fullmatch(digest):
        raise UserError(
            f"{digest[:80]!r} is no digest of code: 64 hex digits are, as `source` says in each result's environment."
        )


def _refuse_known(session: Session, suite: Suite) -> None:
    if board_suite(session, suite.name, suite.version) is not None:
        raise UserError(
            f"{suite.name} v{suite.version} is on the board already. What it is must not change under those who were "
            "ranked: raise its version, and close the old one when its time is over."
        )


def _check_public(path: Path, private: Path, truth: Pack) -> None:
    """Hold every file of a public pack against its description, and that against the private one."""
    try:
        with path.open("rb") as stream:
            pack = _whole_pack(stream, path)
    except FileNotFoundError:
        raise UserError(f"No public pack at {path}. tst-bench pack --public RUN_DIR makes one.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Refusal as refusal:
        raise UserError(f"{path} is no pack, or it is damaged: {refusal}") from None
    if pack.kind != "public":
        raise UserError(f"{path} is a private pack: it holds every label. Give the public one to --public.")
    if pack.suite != truth.suite or _frames(pack) != _frames(truth):
        raise UserError(f"{path} and {private} are not of the same frames. Make both packs of the same run.")


def _whole_pack(stream: BinaryIO, path: Path) -> Pack:
    members = read_archive(stream, Limits())
    first = next(members, None)
    if first is None or first.name != PACK:
        raise UserError(f"{path} is no pack: {PACK} is not the first file in it.")
    try:
        pack = Pack.model_validate_json(first.content())
    except ValidationError as error:
        flaw = error.errors()[0]
        raise UserError(f"{path} is no pack: {'.'.join(map(str, flaw['loc']))}: {flaw['msg']}.") from None
    wanted = {name: sha256 for space in pack.spaces for name, sha256 in space.files.items()}
    for member in members:
        sha = hashlib.sha256()
        for block in member.blocks:
            sha.update(block)
        if wanted.pop(member.name, None) != sha.hexdigest():
            raise UserError(f"{path}: {member.name} is not what {PACK} describes. Make the pack again.")
    if wanted:
        raise UserError(f"{path} lacks {', '.join(sorted(wanted)[:3])}. Make the pack again.")
    return pack


def _frames(pack: Pack) -> list[tuple[str, str, int]]:
    return sorted((space.space, space.recording, space.frames) for space in pack.spaces)
