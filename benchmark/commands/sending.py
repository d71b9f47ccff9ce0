"""What ``tst-bench submit`` and ``leaderboard status`` do: send to a board, and say how it goes there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from benchmark.commands.console import note, out
from benchmark.commands.submissions import Packing, pack_checked
from benchmark.tasks import TASKS, Measure
from leaderboard.answers import ScoreView, SubmissionView
from leaderboard.sending import Receiver, wait_for
from sim_envs.errors import UserError
from sim_envs.storage import digest_file


@dataclass(frozen=True)
class Destination:
    """A board, and in whose name one comes.

    Attributes:
        board: its address, or its folder on this machine.
        token: for an address.
        team: for a folder.
        database: of a board in a folder, unless it lies in it.
    """

    board: str
    token: str | None = None
    team: str | None = None
    database: str | None = None

    @property
    def remote(self) -> bool:
        """Whether it is an address."""
        return "://" in self.board


def submit_run(packing: Packing, to: Destination | None, file: Path | None, dry_run: bool, wait: bool) -> None:
    """Pack one model of a run, check the file, and send it unless it is only to be checked.

    Raises:
        UserError: it cannot be packed, would be or was refused, or does not get there.
    """
    if dry_run and file is None:
        raise UserError("--dry-run sends nothing; name the file to write with --out FILE.")
    if not dry_run and to is None:
        raise UserError(
            "Say where to: --board with the address of a board, or with the folder of one on this machine. With "
            "--dry-run --out FILE it is only packed and checked."
        )
    if to is not None and not dry_run:
        _check(to)
    with tempfile.TemporaryDirectory(prefix="tst-bench-") as scratch:
        packed = file or Path(scratch) / "submission.zip"
        pack_checked(packing, packed)
        said = "it has predictions and what is said of them, no frames, labels or weights."
        note.print(f"Checked{' and not sent' if dry_run else ''}: {said}")
        if file is not None:
            size = f"{file.stat().st_size / 1e6:.1f} MB"
            out.print(f"{file}  {size}  sha256 {digest_file(file)}", highlight=False, markup=False)
        if to is not None and not dry_run:
            _send(packed, to, wait)


def show_status(submission: str, at: Destination, wait: bool) -> None:
    """Print how a submission stands.

    Raises:
        UserError: there is none, or it is not shown to whoever asks.
    """
    with _receiver(at) as board:
        view = wait_for(board, submission, _report) if wait else board.status(submission)
        if not wait:
            for line in view.log or ():
                note.print(f"{line.at:%Y-%m-%d %H:%M:%S} UTC  {line.text}", highlight=False, markup=False)
    _print(view)


def _check(to: Destination) -> None:
    """Refuse what is missing before a run is packed, which takes a while."""
    if to.remote and not to.token:
        raise UserError(
            f"{to.board} takes submissions from teams that have a token. Put yours into TST_BENCH_TOKEN; those who run "
            "the board give it to you."
        )
    if to.remote and to.team:
        raise UserError("--team is for a board on this machine; at an address the token says which team it is.")
    if not to.remote and not to.team:
        raise UserError(f"Say who submits to the board in {to.board}: --team NAME.")


def _send(file: Path, to: Destination, wait: bool) -> None:
    with _receiver(to) as board:
        with tqdm(unit="B", unit_scale=True, total=file.stat().st_size, desc="send", leave=False, disable=None) as bar:

            def progress(there: int, _: int) -> None:
                bar.update(there - bar.n)

            submission = board.submit(file, progress)
        view = board.status(submission)
        page = f"  {view.url}" if "://" in view.url else ""
        out.print(f"{submission}{page}", highlight=False, markup=False)
        if not wait:
            how = f"tst-bench leaderboard status {submission} --board {to.board}"
            note.print(f"{view.status}; {how} says how it goes.", highlight=False, markup=False)
            return
        view = wait_for(board, submission, _report)
    _print(view)


@contextmanager
def _receiver(to: Destination) -> Iterator[Receiver]:
    if to.remote:
        from leaderboard.client import Client

        if to.token and not _private(to.board):
            note.print("note: over http:// everybody on the way can read the token; use https://.", highlight=False)
        with Client(to.board, to.token) as client:
            yield client
        return
    from leaderboard.board import open_board
    from leaderboard.folder_board import FolderBoard
    from leaderboard.store.database import open_store
    from leaderboard.store.teams import team_named

    folder = Path(to.board).expanduser()
    if not folder.is_dir():
        raise UserError(f"No board in {folder}. tst-bench leaderboard admin suites add makes one.")
    store = open_store(open_board(folder, to.database))
    try:
        team = None
        if to.team:
            with store.transaction() as session:
                team = team_named(session, to.team)
        yield FolderBoard(store, team)
    finally:
        store.engine.dispose()


def _private(url: str) -> bool:
    """Tell whether what is sent to an address cannot be read on the way."""
    parts = urlsplit(url)
    try:
        local = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = False
    return parts.scheme == "https" or local


def _report(line: str) -> None:
    note.print(line, highlight=False, markup=False)


def _print(view: SubmissionView) -> None:
    """Print where a submission stands; one that will have no scores is an error."""
    title = view.name or view.model or view.id
    if view.status in ("rejected", "failed"):
        raise UserError(f"{view.id} ({title}) is {view.status}: {view.message or 'no reason is known'}")
    facts = [view.status, *([f"{view.suite} v{view.suite_version}, track {view.track}"] if view.suite else [])]
    if view.as_claimed is False:
        facts.append("the scores differ from those that the run found")
    if view.hidden is not None:
        facts.append(f"hidden: {view.hidden}")
    out.print(f"{view.id}  {title}  {'; '.join(facts)}", highlight=False, markup=False)
    rows: list[tuple[str, ...]] = [("task", "protocol", "measure", "rank", "in space", "held out", "gap")]
    for one in view.standings:
        if not one.space:
            measure = TASKS[one.task].measures[0]
            scores = [_in_words(score, measure, score is one.gap) for score in (one.test, one.held_out, one.gap)]
            rows.append((one.task, one.protocol, f"{measure.label}{measure.in_brackets}", _rank(one.test), *scores))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows if len(rows) > 1 else ():
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(line, highlight=False, markup=False)


def _in_words(score: ScoreView, measure: Measure, signed: bool) -> str:
    if score.value is None:
        return "–"
    ends = () if score.low is None or score.high is None else (score.low, score.high)
    interval = f" [{', '.join(measure.text(end, signed) for end in ends)}]" if ends else ""
    return f"{measure.text(score.value, signed)}{interval}"


def _rank(score: ScoreView) -> str:
    if score.best is None:
        return "–"
    return str(score.best) if score.best == score.worst else f"{score.best}–{score.worst}"
