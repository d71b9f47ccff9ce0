"""Where the frames of recordings were taken, and which of them show a place that another trajectory saw too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from baselines.places import same_place, separation, viewing_directions
from sim_envs.recordings.reader import Recording
from sim_envs.trajectories import SPLITS

UNUSABLE = -1


@dataclass(frozen=True, eq=False)
class Views:
    """All frames of one or several recordings, one after the other.

    Attributes:
        position: (M, 3) camera centres in metres, each in the world of its recording.
        direction: (M, 3) unit vectors, along the view.
        trajectory: (M,) id within the recording.
        split: (M,) a number for each split, ``UNUSABLE`` for frames that are not valid.
        recording: (M,) 0, 1, … in their order.
        start: (S,) the first frame of each recording.
        pictures: the RGB of each recording, (n, H, W, 3) uint8, mapped from disk.
    """

    position: np.ndarray
    direction: np.ndarray
    trajectory: np.ndarray
    split: np.ndarray
    recording: np.ndarray
    start: np.ndarray
    pictures: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, recording: Recording) -> Views:
        """Read the poses of a recording."""
        poses, frames = recording.poses, recording.frames
        split = frames["split"].map({name: i for i, name in enumerate(SPLITS)}).to_numpy(np.int64)
        return cls(
            position=poses[:, :3, 3],
            direction=viewing_directions(poses),
            trajectory=recording.trajectory_ids,
            split=np.where(frames["valid"].to_numpy(), split, UNUSABLE),
            recording=np.zeros(len(poses), np.int64),
            start=np.zeros(1, np.int64),
            pictures=(recording.array("rgb"),),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Views]) -> Views:
        """Put the recordings of several views one after the other."""
        frames = np.cumsum([0, *(len(part.split) for part in parts)])
        recordings = np.cumsum([0, *(len(part.start) for part in parts)])
        return cls(
            position=np.concatenate([part.position for part in parts]),
            direction=np.concatenate([part.direction for part in parts]),
            trajectory=np.concatenate([part.trajectory for part in parts]),
            split=np.concatenate([part.split for part in parts]),
            recording=np.concatenate([part.recording + r for part, r in zip(parts, recordings, strict=False)]),
            start=np.concatenate([part.start + f for part, f in zip(parts, frames, strict=False)]),
            pictures=tuple(picture for part in parts for picture in part.pictures),
        )


@dataclass(frozen=True, eq=False)
class Places:
    """The truth about N queries: their views, among all views that could be found.

    Attributes:
        index: (N,) int64, each query's number in ``views``.
    """

    views: Views
    index: np.ndarray

    @classmethod
    def of(cls, recording: Recording, rows: np.ndarray) -> Places:
        """Take frames ``rows`` of a recording as queries."""
        return cls(Views.of(recording), np.asarray(rows, np.int64))

    @classmethod
    def concatenate(cls, parts: Sequence[Places]) -> Places:
        """Put queries of several recordings one after the other."""
        first = np.cumsum([0, *(len(part.views.split) for part in parts)])
        index = np.concatenate([part.index + f for part, f in zip(parts, first, strict=False)])
        return cls(Views.concatenate([part.views for part in parts]), index)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: np.ndarray) -> Places:
        """Pick queries; what can be found stays."""
        return Places(self.views, self.index[rows])

    @property
    def position(self) -> np.ndarray:
        """(N, 3) camera centres of the queries, in metres."""
        return self.views.position[self.index]

    @property
    def direction(self) -> np.ndarray:
        """(N, 3) unit vectors along their views."""
        return self.views.direction[self.index]

    @property
    def space(self) -> np.ndarray:
        """(N,) which recording each query is of."""
        return self.views.recording[self.index]

    def searched(self, query: int) -> np.ndarray:
        """Return the valid views of the query's recording and split on other trajectories, as numbers in ``views``."""
        views, at = self.views, self.index[query]
        return np.flatnonzero(
            (views.recording == views.recording[at])
            & (views.split == views.split[at])
            & (views.split != UNUSABLE)
            & (views.trajectory != views.trajectory[at])
        )

    def matches(self, query: int) -> np.ndarray:
        """Return the searched views of the same place (:func:`~baselines.places.same_place`), nearest camera first."""
        views, at, others = self.views, self.index[query], self.searched(query)
        metres, degrees = separation(
            views.position[at], views.direction[at], views.position[others], views.direction[others]
        )
        right = np.flatnonzero(same_place(metres, degrees))
        return others[right[np.argsort(metres[right], kind="stable")]]

    def ranked(self, ranking: np.ndarray) -> np.ndarray:
        """Return the views that a ranking names, (N, K) rows of each query's recording; −1 stays."""
        return np.where(ranking < 0, -1, self.views.start[self.space][:, None] + ranking)
