"""What a job of the bench is made of: contests, and in each the same work done by us and by peers, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

OURS = "TST-Bench"
HOW_TO_GET_PEERS = "pip install -c constraints.txt -e '.[bench]'"

Clock = Literal["processor", "wall"]


class PeerMissing(Exception):
    """A peer cannot take part here; the message says why and what to do."""


class Disagreement(Exception):
    """Two sides gave different results, so that their times say nothing; the message says how far apart."""


@dataclass(frozen=True)
class Sizes:
    """How much work a round is.

    Attributes:
        rounds: of each side, after one that warms up.
        pixels: of a side of every frame.
        rendered, recorded, scored: frames of a round of ``render``, ``read`` and ``score``.
        models, trajectories: of the table whose intervals ``score`` computes.
        resamples: of each model.
        looped_models, looped_resamples: as many of these does the plain loop, whose time is multiplied accordingly.
        encoder: of ``encode`` and ``step``, a name of :data:`baselines.encoder.ENCODERS`.
        encoder_pixels: of a side of its frames.
        batch: of ``encode`` and ``step``.
        steps: of a round of ``step``.
    """

    rounds: int = 5
    pixels: int = 256
    rendered: int = 20
    recorded: int = 200
    scored: int = 200
    models: int = 30
    trajectories: int = 40
    resamples: int = 2000
    looped_models: int = 1
    looped_resamples: int = 40
    encoder: str = "vit-s"
    encoder_pixels: int = 224
    batch: int = 8
    steps: int = 2


FULL = Sizes()
QUICK = Sizes(rounds=3, rendered=5, recorded=40, scored=40, looped_resamples=10, batch=4, steps=1)
SIZES = {"full": FULL, "quick": QUICK}


@dataclass(frozen=True)
class Settings:
    """What a bench is run with.

    Attributes:
        sizes: how much.
        home: the data home, for spaces.
        work: an empty folder on the disk that is measured.
        scenes: spaces that are rendered.
        device: ``auto``, ``cpu`` or ``cuda``, for what runs on GPUs.
    """

    sizes: Sizes
    home: Path
    work: Path
    scenes: tuple[str, ...] = ("builtin/flat-01",)
    device: str = "auto"


@dataclass(frozen=True)
class Took:
    """Seconds of one round of one side, of the wall and of the processor."""

    wall_s: float
    processor_s: float

    def by(self, clock: Clock) -> float:
        """Return those that count."""
        return self.processor_s if clock == "processor" else self.wall_s


Round = Mapping[str, Took]
"""Name of a side → what it took."""


@dataclass(frozen=True, eq=False)
class Side:
    """One who does the work of a contest.

    Attributes:
        name: with the version, where it is a package.
        does: what it does in a round, in a sentence.
        run: do it once; returns what came out, so that results can be compared.
        times: by how much its time is multiplied, where it does a part of the work only because all takes too long.
        processor: seconds of processor time that it has had so far, in whatever processes.
    """

    name: str
    does: str
    run: Callable[[], Any]
    times: float = 1.0
    processor: Callable[[], float] = time.process_time


@dataclass(frozen=True)
class Missing:
    """A peer that takes no part, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Goal:
    """What we want of ourselves.

    Attributes:
        of: ``ratio``: be so many times as fast as the fastest peer, or faster. ``seconds``: take so many or less.
        value: the ratio, or the seconds.
    """

    of: Literal["ratio", "seconds"]
    value: float

    def __str__(self) -> str:
        return f"≥ {self.value:g}×" if self.of == "ratio" else f"≤ {self.value:g} s"


def in_turns(sides: Sequence[Side], rounds: int) -> Iterator[Round]:
    """Yield what each round took: every side once, each round beginning with the next one."""
    for number in range(rounds):
        first = number % len(sides)
        yield {side.name: timed(side) for side in (*sides[first:], *sides[:first])}


def timed(side: Side) -> Took:
    """Let a side do its work once, and say what that took."""
    processor, wall = side.processor(), time.perf_counter()
    side.run()
    wall, processor = time.perf_counter() - wall, side.processor() - processor
    return Took(wall * side.times, processor * side.times)


@dataclass(frozen=True, eq=False)
class Contest:
    """The same work done by us and by peers.

    Attributes:
        name: of the work.
        amount, unit: how much a round is: 20 frames.
        ours: our side; its name is ``OURS``.
        peers: the others.
        missing: others who cannot take part here.
        goal: None where none was set.
        agree: results of ours and of a peer → how far they agree, in words; raises :class:`Disagreement`.
        clock: which time counts: of the processor, which others on the machine disturb less, or of the wall where a
            GPU does the work.
        race: the way rounds are taken.
    """

    name: str
    amount: float
    unit: str
    ours: Side
    peers: tuple[Side, ...] = ()
    missing: tuple[Missing, ...] = ()
    goal: Goal | None = None
    agree: Callable[[Any, Any], str] = lambda ours, theirs: ""
    clock: Clock = "processor"
    race: Callable[[Sequence[Side], int], Iterator[Round]] = in_turns

    @property
    def sides(self) -> tuple[Side, ...]:
        """Ours, then the peers."""
        return (self.ours, *self.peers)


@dataclass(frozen=True)
class Job:
    """A row of :data:`benchmark.bench.JOBS`.

    Attributes:
        measures: what, in a few words.
        peers: who with.
        goal: in words.
        contests: yields them one by one; what they hold open goes onto the stack.
    """

    measures: str
    peers: str
    goal: str
    contests: Callable[[Settings, ExitStack], Iterator[Contest]]


def package(distribution: str) -> str:
    """Return ``name version`` of a peer that is a package.

    Raises:
        PeerMissing: it is not installed.
    """
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        raise PeerMissing(f"not installed; {HOW_TO_GET_PEERS}") from None


def present(peers: Mapping[str, Callable[[], Side]]) -> tuple[tuple[Side, ...], tuple[Missing, ...]]:
    """Open every peer that can be had here, and say why of the others.

    Args:
        peers: name → function that returns its side or raises :class:`PeerMissing`.
    """
    sides, missing = [], []
    for name, opened in peers.items():
        try:
            sides.append(opened())
        except PeerMissing as reason:
            missing.append(Missing(name, str(reason)))
        except (ImportError, OSError) as error:  # installed, but a library of the system that it needs is not
            missing.append(Missing(name, f"cannot be imported: {error}"))
    return tuple(sides), tuple(missing)
