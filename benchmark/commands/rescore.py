"""What ``tst-bench rescore`` does."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmark.commands.console import note, out
from benchmark.commands.finding import recording_opener, runs_of
from benchmark.rescoring import Change, OpenRecording, rescore_file
from benchmark.results import SUFFIX
from benchmark.tasks import TASKS
from sim_envs.errors import UserError


def rescore_run(suite: str | None, scene: str | None, home: Path) -> None:
    """Score every result of one or more runs again; exit code 1 when one could not be scored."""
    open_recording = recording_opener(home)
    failed = sum(_rescore_folder(run / "results", open_recording) for run in runs_of(suite, scene, home))
    if failed:
        sys.exit(1)


def _rescore_folder(folder: Path, open_recording: OpenRecording) -> int:
    """Score the results of a folder again, say what changed, and return how many could not be scored."""
    paths, changed, failed = sorted(folder.glob(f"*{SUFFIX}")), 0, 0
    if not paths:
        raise UserError(f"No results in {folder}. Run the models first: tst-bench run.")
    for path in paths:
        name = path.name.removesuffix(SUFFIX)
        try:
            result, differences = rescore_file(path, open_recording)
        except UserError as error:
            failed += 1
            note.print(f"[red]not rescored[/] {name}: {error}", highlight=False)
            continue
        if differences:
            changed += 1
            out.print(f"{name}: {len(differences)} scores changed", highlight=False)
            for change in differences:
                out.print(f"  {change.measure}, {change.where}: {_said(change, result.task)}", highlight=False)
    same = len(paths) - changed - failed
    out.print(f"{len(paths)} results in {folder}: {same} as before, {changed} changed, {failed} not rescored.")
    return failed


def _said(change: Change, task: str) -> str:
    measure = next((m for m in TASKS[task].measures if m.key == change.measure), None)
    before, after = (
        "none" if value is None else measure.text(value) if measure else f"{value:.6g}"
        for value in (change.before, change.after)
    )
    if change.before == change.after:
        return f"{after}, its interval changed"
    if before == after:  # a change below the digits that are shown
        before, after = f"{change.before!r}", f"{change.after!r}"
    return f"{before} → {after}"
