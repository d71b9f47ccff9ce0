"""``read``: write a recording that is in memory to disk, and read it back in shuffled batches."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from benchmark.bench.contest import OURS, Contest, Disagreement, Goal, Job, Settings, Side, present
from benchmark.bench.render import views
from benchmark.bench.stores import NUMBER, STORES, Batch, Store, shuffled_rows
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.modalities import SENSED
from sim_envs.recordings.plan import Job as Trajectory
from sim_envs.recordings.sensed import SensedFrames
from sim_envs.recordings.writer import Draft
from sim_envs.rig import Rig
from sim_envs.sensors import DERIVED
from sim_envs.spaces import load_space

GOAL = Goal("ratio", 10)
BATCH = 32
SPACE = "builtin/flat-01"

Frames = Mapping[str, np.ndarray]


class Plain:
    """A recording: one ``.npy`` a modality, written frame by frame with digests, read through memory maps."""

    name = OURS
    how = "plain .npy with digests, memory-mapped, random rows"

    def write(self, frames: Frames, folder: Path) -> None:
        """Write the frames as a render worker writes a trajectory; judging them is left out, as nothing is rendered."""
        number, height, width = frames["rgb"].shape[:3]
        draft = Draft.of(folder, Rig(width, height), tuple(frames), number)
        draft.allocate()
        poses = np.zeros((number, 4, 4))
        rows = ({name: values[i] for name, values in frames.items()} | {"valid": True} for i in range(number))
        draft.write(Trajectory(0, 0, poses), rows)

    def batches(self, folder: Path, size: int, seed: int) -> Iterator[Batch]:
        """Read random rows, as pre-training does."""
        arrays = {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
        number = len(arrays["rgb"])
        sensed = SensedFrames(arrays, np.arange(number))
        for rows in shuffled_rows(number, size, seed):
            yield {name: sensed.get(name, rows) for name in sensed.modalities} | {NUMBER: rows}


@dataclass(frozen=True)
class Disk:
    """Folders that one store writes into, a new one each time.

    Attributes:
        store: what writes.
        frames: what is written.
        folder: of all of them.
        numbers: of the folders.
    """

    store: Store
    frames: Frames
    folder: Path
    numbers: Iterator[int]

    def write(self) -> Path:
        """Write the frames into a new folder, remove the one before, and return the new one."""
        number = next(self.numbers)
        shutil.rmtree(self.folder / str(number - 1), ignore_errors=True)
        target = self.folder / str(number)
        target.mkdir(parents=True)
        self.store.write(self.frames, target)
        return target


def recorded(number: int, pixels: int) -> dict[str, np.ndarray]:
    """Return the sensed modalities of so many frames of a flat, rendered in memory."""
    space, rig = load_space(SPACE), Rig(pixels, pixels)
    engine = RaycastEngine(space, rig)
    frames = []
    for pose in views(space, number, rig):
        frame = engine.render(pose)
        frame |= {name: derive(frame) for name, derive in DERIVED.items()}
        frames.append({name: frame[name] for name in SENSED})
    return {name: np.stack([frame[name] for frame in frames]) for name in SENSED}


def in_order(batches: Iterable[Batch]) -> dict[str, np.ndarray]:
    """Return the frames of all batches, by their numbers."""
    parts = list(batches)
    order = np.argsort(np.concatenate([part[NUMBER] for part in parts]))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def same_frames(ours: Iterable[Batch], theirs: Iterable[Batch]) -> str:
    """Return that both epochs hold the same frames in the same types, or raise :class:`Disagreement`."""
    first, second = in_order(ours), in_order(theirs)
    for name, values in first.items():
        other = second.get(name)
        if other is None or (name != NUMBER and other.dtype != values.dtype) or not np.array_equal(other, values):
            raise Disagreement(f"{name} was read back otherwise")
    return "every frame once, the same bytes"


def _contests(settings: Settings, stack: ExitStack) -> Iterator[Contest]:
    del stack
    sizes = settings.sizes
    frames = recorded(sizes.recorded, sizes.pixels)
    disks = {OURS: Disk(Plain(), frames, settings.work / "ours", count())}

    def opened(name: str) -> Side:
        store = STORES[name]()
        disks[store.name] = Disk(store, frames, settings.work / name.replace(" ", "-"), count())
        return _reading(disks[store.name])

    peers, missing = present({name: lambda name=name: opened(name) for name in STORES})  # type: ignore[misc]
    named = f"{sizes.recorded} frames of {sizes.pixels}², {len(frames)} modalities"
    yield Contest(
        f"write {named}",
        sizes.recorded,
        "frames",
        _writing(disks[OURS]),
        tuple(_writing(disks[peer.name]) for peer in peers),
        missing,
    )
    yield Contest(
        f"read {named}, batches of {BATCH}",
        sizes.recorded,
        "frames",
        _reading(disks[OURS]),
        peers,
        missing,
        GOAL,
        same_frames,
    )


def _writing(disk: Disk) -> Side:
    return Side(disk.store.name, f"writes {disk.store.how}", disk.write)


def _reading(disk: Disk) -> Side:
    """Return a side that reads what :func:`_writing` wrote last, an epoch a round."""
    written: list[Path] = []
    seeds = count()

    def read() -> list[Batch]:
        if not written:
            written.append(disk.write())
        return list(disk.store.batches(written[0], BATCH, next(seeds)))

    return Side(disk.store.name, f"reads {disk.store.how}", read)


JOB = Job(
    "writing a recording to disk, and reading it back in shuffled batches",
    "WebDataset of PNG, Zarr, HF datasets",
    f"{GOAL} in reading",
    _contests,
)
