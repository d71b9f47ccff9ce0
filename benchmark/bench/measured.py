"""What a bench found, as it is written to disk: every round's time, and where it was taken."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmark.bench.contest import OURS, Clock, Contest, Round, Sizes
from benchmark.environment import Environment, Hardware
from sim_envs.storage import write_json

FORMAT_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Part):
    """Lowest, middle and highest of some numbers."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise one number or more."""
        return cls(lowest=min(values), median=statistics.median(values), highest=max(values))


class MeasuredSide(_Part):
    """What one side took.

    Attributes:
        name, does: as :class:`~benchmark.bench.contest.Side` has them.
        times: by what its times below were multiplied, because it did a part of the work only.
        wall_s, processor_s: seconds of each round.
        agreement: how far its results agree with ours; "" for our own.
        ratio: times as long as ours, over the rounds, each beside ours of the same round; None for our own.
    """

    name: str
    does: str
    times: float
    wall_s: tuple[float, ...]
    processor_s: tuple[float, ...]
    agreement: str = ""
    ratio: Spread | None = None

    def seconds(self, clock: Clock) -> Spread:
        """Return the spread of its rounds."""
        return Spread.of(self.processor_s if clock == "processor" else self.wall_s)


class AbsentPeer(_Part):
    """A peer that took no part, and why."""

    name: str
    why: str


class MeasuredContest(_Part):
    """One contest.

    Attributes:
        amount, unit: what a round is.
        clock: which time ratios and goal are of.
        sides: ours first.
        goal: in words, "" for none.
        best: the middle ratio to the fastest peer, or for a goal in seconds our middle time; None without either.
        met: None without a goal, or where no peer was there to be compared with.
        failure: what ended it early, "" if nothing did.
    """

    name: str
    amount: float
    unit: str
    clock: Clock
    sides: tuple[MeasuredSide, ...]
    missing: tuple[AbsentPeer, ...] = ()
    goal: str = ""
    best: float | None = None
    met: bool | None = None
    failure: str = ""


class MeasuredJob(_Part):
    """One job."""

    name: str
    contests: tuple[MeasuredContest, ...]


class BenchReport(_Part):
    """The file.

    Attributes:
        sizes: the work of a round, see :class:`~benchmark.bench.contest.Sizes`.
        load: of the machine when the bench began, processes wanting a core in the mean of a minute; None where the
            system does not say.
    """

    format_version: int = FORMAT_VERSION
    environment: Environment
    sizes: Sizes
    load: float | None
    jobs: tuple[MeasuredJob, ...]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))


def summarised(contest: Contest, rounds: Sequence[Round], agreements: Sequence[str]) -> MeasuredContest:
    """Reduce rounds to ratios, and say whether the goal is met.

    Args:
        rounds: one or more.
        agreements: of the peers, in their order.
    """
    ours = [taken[OURS].by(contest.clock) for taken in rounds]
    sides = []
    for side, agreement in zip(contest.sides, ("", *agreements), strict=True):
        theirs = [taken[side.name].by(contest.clock) for taken in rounds]
        ratio = Spread.of([t / o for t, o in zip(theirs, ours, strict=True)]) if side is not contest.ours else None
        sides.append(
            MeasuredSide(
                name=side.name,
                does=side.does,
                times=side.times,
                wall_s=tuple(taken[side.name].wall_s for taken in rounds),
                processor_s=tuple(taken[side.name].processor_s for taken in rounds),
                agreement=agreement,
                ratio=ratio,
            )
        )
    ratios = [side.ratio.median for side in sides if side.ratio]
    best = min(ratios) if ratios else None
    goal = contest.goal
    if goal is not None and goal.of == "seconds":
        best = statistics.median(ours)
    met = None
    if goal is not None and best is not None:
        met = best >= goal.value if goal.of == "ratio" else best <= goal.value
    return MeasuredContest(
        name=contest.name,
        amount=contest.amount,
        unit=contest.unit,
        clock=contest.clock,
        sides=tuple(sides),
        missing=tuple(AbsentPeer(name=peer.name, why=peer.why) for peer in contest.missing),
        goal=str(goal or ""),
        best=best,
        met=met,
    )


def file_name(hardware: Hardware) -> str:
    """Return ``bench-<cpu>-<cores>cores[-<gpu>].json``, in letters that every file system takes."""
    parts = [hardware.cpu, f"{hardware.cores}cores", *hardware.gpus[:1]]
    return f"bench-{'-'.join(_plain(part) for part in parts)}.json"


def _plain(text: str) -> str:
    text = re.sub(r"\((r|tm)\)|\bprocessor\b|@.*", "", text.lower())
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-") or "unknown"
