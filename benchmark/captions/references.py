"""The truth of captioning: several captions of every frame, and the corpus that weighs their words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmark.captions.grammar import captions
from benchmark.captions.lexicon import concepts
from benchmark.captions.scene import scene_of
from benchmark.metrics.captions import DocumentFrequency
from benchmark.metrics.captions_tokens import tokens
from sim_envs.recordings.reader import Recording

COUNT = 5
"""Captions of a frame."""


@dataclass(frozen=True, eq=False)
class References:
    """Captions of N frames.

    Attributes:
        captions: those of each frame; () where there is nothing to say.
        corpus: (N,) int64, index into ``corpora`` of each frame.
        corpora: document frequencies; each is of all valid frames of one split of one recording, whatever frames of
            them are here.
    """

    captions: tuple[tuple[str, ...], ...]
    corpus: np.ndarray
    corpora: tuple[DocumentFrequency, ...]

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, rows: np.ndarray) -> References:
        picked = np.arange(len(self))[rows]
        return References(tuple(self.captions[i] for i in picked), self.corpus[rows], self.corpora)

    @classmethod
    def concatenate(cls, parts: Sequence[References]) -> References:
        """Return all frames of several parts."""
        before = np.cumsum([0, *(len(part.corpora) for part in parts[:-1])])
        return cls(
            tuple(frame for part in parts for frame in part.captions),
            np.concatenate([part.corpus + offset for part, offset in zip(parts, before, strict=True)]),
            tuple(corpus for part in parts for corpus in part.corpora),
        )


def references(recording: Recording, rows: np.ndarray) -> References:
    """Return the captions of frames ``rows`` of a recording; always the same of a frame."""
    splits = recording.frames["split"].to_numpy()[rows]
    names = sorted(set(splits.tolist()))
    known = [_of_split(recording.folder, recording.meta.digest, name) for name in names]
    corpus = np.array([names.index(split) for split in splits], np.int64)
    found = tuple(known[c][0].get(int(row), ()) for c, row in zip(corpus, rows, strict=True))
    return References(found, corpus, tuple(frequency for _, frequency in known))


@lru_cache(maxsize=64)
def _of_split(folder: Path, digest: str, split: str) -> tuple[dict[int, tuple[str, ...]], DocumentFrequency]:
    """Return the captions of each valid frame of a split, and their corpus.

    Args:
        digest: of the recording in ``folder``; another one there is another key.
    """
    recording = Recording.open(folder)
    names, directions = concepts(recording.meta.categories), recording.rig.directions()
    arrays = [recording.array(name) for name in ("rgb", "depth", "semantic", "instance")]
    poses = recording.poses
    found = {}
    for row in recording.indices(split).tolist():
        key = hashlib.sha256(f"{recording.meta.space.id}|{digest}|{row}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(key[:8], "little"))
        rgb, depth_mm, semantic, instance = (np.asarray(array[row]) for array in arrays)
        scene = scene_of(rgb, depth_mm, semantic, instance, directions, poses[row], names)
        found[row] = tuple(captions(scene, rng, COUNT))
    return found, DocumentFrequency.of([tokens(caption) for caption in frame] for frame in found.values())
