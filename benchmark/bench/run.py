"""Run contests: warm every side up, compare what came out, then take the rounds."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2

from benchmark.bench import JOBS
from benchmark.bench.contest import Contest, Disagreement, Job, Settings, Sizes
from benchmark.bench.measured import BenchReport, MeasuredContest, MeasuredJob, summarised
from benchmark.environment import environment
from sim_envs.errors import UserError

Progress = Callable[[str], object]


def run_bench(
    jobs: Sequence[str],
    sizes: Sizes,
    *,
    home: Path,
    scenes: tuple[str, ...],
    device: str = "auto",
    progress: Progress = lambda words: None,
) -> BenchReport:
    """Run jobs one after the other; one that fails is noted and keeps no other from being run.

    Args:
        jobs: names of :data:`~benchmark.bench.JOBS`.
        home, scenes, device: see :class:`~benchmark.bench.contest.Settings`.
        progress: called with what is about to be done.

    Raises:
        UserError: no such job.
    """
    rows: dict[str, Job] = {name: JOBS[name] for name in jobs}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    measured = []
    for name, job in rows.items():
        with tempfile.TemporaryDirectory(prefix="tst-bench-") as work, one_thread():
            settings = Settings(sizes, home, Path(work), scenes, device)
            contests = tuple(_contests(name, job, settings, progress))
        measured.append(MeasuredJob(name=name, contests=contests))
    gpus = gpus_in_use() if device != "cpu" else ()
    return BenchReport(environment=environment(gpus), sizes=sizes, load=load, jobs=tuple(measured))


def run_contest(contest: Contest, rounds: int) -> MeasuredContest:
    """Return what each side took, ratios, and whether the goal is met.

    The first time of every side counts for nothing: files get into the page cache, kernels are compiled. What came
    out of it is compared.

    Raises:
        Disagreement: a peer gave something else; the message names it.
    """
    ours = contest.ours.run()
    agreements = []
    for peer in contest.peers:
        try:
            agreements.append(contest.agree(ours, peer.run()))
        except Disagreement as error:
            raise Disagreement(f"{peer.name} gave something else than we did: {error}") from None
    del ours
    return summarised(contest, list(contest.race(contest.sides, rounds)), agreements)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread, as every side is."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _contests(name: str, job: Job, settings: Settings, progress: Progress) -> Iterator[MeasuredContest]:
    progress(name)
    with ExitStack() as stack:
        try:
            for contest in job.contests(settings, stack):
                progress(f"{name}: {contest.name}")
                try:
                    yield run_contest(contest, settings.sizes.rounds)
                except (Disagreement, UserError) as error:
                    yield _failed(contest.name, error)
        except UserError as error:
            yield _failed(name, error)


def _failed(name: str, error: Exception) -> MeasuredContest:
    return MeasuredContest(name=name, amount=0, unit="", clock="processor", sides=(), failure=str(error))


def gpus_in_use() -> tuple[str, ...]:
    """Return the names of the GPUs, if some job has loaded torch and it sees any."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ()
    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
