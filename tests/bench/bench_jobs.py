"""The jobs of ``tst-bench bench``, ours beside each peer in turns: ``times ours`` is the ratio that matters.

Run by ``make bench``. A group a job; the clock of pytest-benchmark counts all sides of all rounds together, so figures
are in ``extra_info``: how many times as long as ours each peer takes, median [lowest–highest] over the rounds.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmark.bench import JOBS
from benchmark.bench.contest import FULL, QUICK, Settings
from benchmark.bench.measured import MeasuredContest
from benchmark.bench.run import one_thread, run_contest
from sim_envs.storage import data_home


@pytest.mark.parametrize("job", JOBS)
def test_beside_peers(benchmark: Any, job: str, tmp_path: Path) -> None:
    """Run every contest of a job; results must agree, goals may be missed."""
    benchmark.group = job
    settings = Settings(QUICK, data_home(), tmp_path)
    found: list[MeasuredContest] = []

    def all_contests() -> None:
        with ExitStack() as stack, one_thread():
            found.extend(run_contest(contest, FULL.rounds) for contest in JOBS[job].contests(settings, stack))

    benchmark.pedantic(all_contests, rounds=1)
    for contest in found:
        benchmark.extra_info |= {contest.name: _in_words(contest)}


def _in_words(contest: MeasuredContest) -> str:
    ours = contest.sides[0].seconds(contest.clock).median
    said = [f"{contest.amount / ours:.4g} {contest.unit}/s"]
    for side in contest.sides[1:]:
        assert side.ratio is not None
        said.append(
            f"{side.name} {side.ratio.median:.3g} [{side.ratio.lowest:.3g}–{side.ratio.highest:.3g}] times ours"
        )
    said += [f"without {peer.name}" for peer in contest.missing]
    if contest.goal:
        said.append(f"goal {contest.goal} " + {True: "met", False: "missed", None: "open"}[contest.met])
    return "; ".join(said)
