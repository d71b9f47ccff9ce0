"""How fast the parts are beside what else does the same: one job a row, ours and its peers in turns in one run.

Absolute times on shared machines drift; ratios of rounds that follow one another do so far less. A job is a file with a
``JOB`` in it; :mod:`benchmark.bench.contest` says what that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_envs.registry import Table

if TYPE_CHECKING:
    from benchmark.bench.contest import Job

JOBS: Table[Job] = Table(
    "job of the bench",
    {
        "render": "benchmark.bench.render:JOB",
        "read": "benchmark.bench.read:JOB",
        "score": "benchmark.bench.score:JOB",
        "encode": "benchmark.bench.encode:JOB",
        "step": "benchmark.bench.step:JOB",
        "help": "benchmark.bench.help:JOB",
    },
    group="tst_bench.bench",
)
