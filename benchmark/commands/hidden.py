"""What ``tst-bench leaderboard hidden-packs`` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from benchmark.commands.console import note
from benchmark.commands.submissions import say_pack
from benchmark.hidden import (
    hidden_home,
    hidden_jobs,
    hidden_recordings,
    record_hidden,
    recording_plan,
    taught_categories,
)
from benchmark.jobs import Job
from benchmark.progress import run_with_progress
from benchmark.runner import Machine, open_recordings, recording_jobs
from benchmark.secret import Secret, secret_in
from benchmark.suites import Suite, load_suite
from leaderboard.packs import Pack, write_hidden_packs
from sim_envs.errors import UserError


def make_hidden_packs(suite_name: str, secret_file: Path, folder: Path, workers: int, home: Path) -> None:
    """Record hidden test trajectories of a suite, and write the packs of them.

    Raises:
        UserError: a suite whose test frames cannot be hidden, a file that is no secret, or a recording that failed.
    """
    suite = load_suite(suite_name)
    plan = recording_plan(suite)
    secret = secret_in(secret_file)
    machine = Machine.of(workers, "cpu", os.cpu_count() or 1)
    _run_all(recording_jobs(plan, home), machine)
    hidden = hidden_recordings(suite, secret, open_recordings(plan, home), home)
    _run_all(hidden_jobs(hidden), machine)
    for file, pack in write_packs(suite, secret, home, folder).items():
        say_pack(pack, file)
    note.print(
        f"The frames are for everybody. The truth, {secret_file} and {hidden_home(home)} are for nobody else: they"
        " tell where the frames were taken, and every label.",
        highlight=False,
        markup=False,
    )


def write_packs(suite: Suite, secret: Secret, home: Path, folder: Path) -> dict[Path, Pack]:
    """Write the two packs of a suite, recording what is missing; return file → pack, the public one first."""
    recordings = open_recordings(recording_plan(suite), home)
    found = {h.recipe.space: record_hidden(h) for h in hidden_recordings(suite, secret, recordings, home)}
    public, private = (folder / f"{suite.name}-v{suite.version}-{what}.zip" for what in ("frames", "truth"))
    packs = write_hidden_packs(
        public,
        private,
        suite,
        {space: recording for space, (recording, _) in found.items()},
        taught_categories(suite, recordings),
        {space: audit for space, (_, audit) in found.items()},
    )
    return dict(zip((public, private), packs, strict=True))


def _run_all(jobs: Sequence[Job], machine: Machine) -> None:
    if failures := run_with_progress(jobs, machine):
        raise UserError("\n".join(f"{failure.job}: {failure.message}" for failure in failures))
