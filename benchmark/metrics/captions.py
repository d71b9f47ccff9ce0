"""Scores of captions against several references: CIDEr-D, BLEU-4 and ROUGE-L, from sums that add up over frames.

- CIDEr-D: Vedantam, Zitnick and Parikh, CVPR 2015, in the form of the COCO captioning server: n-grams up to 4, counts
  of a caption clipped to those of the reference, a Gaussian of the difference in length (σ = 6), times 10.
- BLEU-4: Papineni et al., ACL 2002, over a corpus, with the reference length closest to a caption's.
- ROUGE-L: Lin, ACL 2004 workshop, F with β = 1.2 of the best precision and the best recall over the references.

Each equals the code of the COCO captioning server (``pycocoevalcap``), down to its guards against division by zero.
A caption is a tuple of words here, see :func:`benchmark.metrics.captions_tokens.tokens`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.metrics.ratios import ratio

Words = tuple[str, ...]

LONGEST = 4
"""Words of the longest n-gram."""
CAPTION_SUMS = (
    "frames",
    "cider_d",
    "rouge_l",
    "reference_words",
    *(f"{kind}_{n}" for kind in ("proposed", "matched") for n in (1, 2, 3, 4)),
)
"""What is summed over frames. ``proposed_n`` are the n-grams of the captions, ``matched_n`` those of them that a
reference has (at most as often as it); ``reference_words`` are of the references closest in length."""

_SIGMA = 6.0
_BETA = 1.2
_TINY, _SMALL = 1e-15, 1e-9  # as the authors' BLEU keeps 0 / 0 from happening


@dataclass(frozen=True)
class DocumentFrequency:
    """How many frames of a corpus have an n-gram in their references: what CIDEr weighs n-grams by.

    It belongs to a corpus and is fixed before anything is resampled, as the server's is: so a frame's CIDEr-D is one
    number, whatever other frames it is averaged with.
    """

    frames: int
    counts: dict[Words, int]

    @classmethod
    def of(cls, references: Iterable[Sequence[Words]]) -> DocumentFrequency:
        """Count over the references of each frame; a frame with none is not of the corpus."""
        counts: Counter[Words] = Counter()
        documents = [frame for frame in references if frame]
        for frame in documents:
            counts.update({gram for reference in frame for gram in ngrams(reference)})
        return cls(len(documents), dict(counts))

    def weight(self, gram: Words) -> float:
        """Return the inverse document frequency; what no reference has counts as if one frame had it."""
        return math.log(self.frames) - math.log(max(1, self.counts.get(gram, 0)))


def ngrams(words: Words) -> Counter[Words]:
    """Return how often each run of 1 to ``LONGEST`` words occurs."""
    return Counter(words[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(words) - n + 1))


def cider_d(caption: Words, references: Sequence[Words], frequency: DocumentFrequency) -> float:
    """Return the CIDEr-D of one caption, 0…10; 0 in a corpus of one frame, where no n-gram weighs anything."""
    proposed = _weighted(caption, frequency)
    total = 0.0
    for reference in references:
        true = _weighted(reference, frequency)
        # As in the authors' code, lengths are counted in pairs of words.
        difference = max(0, len(caption) - 1) - max(0, len(reference) - 1)
        similarity = 0.0
        for (weights, norm), (true_weights, true_norm) in zip(proposed, true, strict=True):
            if norm and true_norm:
                shared = (min(w, true_weights[g]) * true_weights[g] for g, w in weights.items() if g in true_weights)
                similarity += sum(shared) / (norm * true_norm)
        total += similarity * math.exp(-(difference**2) / (2 * _SIGMA**2))
    return 10 * total / LONGEST / len(references)


def rouge_l(caption: Words, references: Sequence[Words]) -> float:
    """Return the ROUGE-L of one caption, 0…1."""
    if not caption:
        return 0.0
    common = [_longest_common_subsequence(caption, reference) for reference in references]
    precision = max(common) / len(caption)
    recall = max(n / max(1, len(reference)) for n, reference in zip(common, references, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def bleu_counts(caption: Words, references: Sequence[Words]) -> np.ndarray:
    """Return what a caption adds to the corpus' BLEU: reference words, proposed and matched n-grams, (9,) int64."""
    most: Counter[Words] = Counter()
    for reference in references:
        most |= ngrams(reference)
    counts = np.zeros((2, LONGEST), np.int64)
    for gram, times in ngrams(caption).items():
        counts[:, len(gram) - 1] += (times, min(times, most[gram]))
    closest = min((abs(len(reference) - len(caption)), len(reference)) for reference in references)[1]
    return np.concatenate([[closest], counts.ravel()])


def caption_sums(
    captions: Sequence[Words],
    references: Sequence[Sequence[Words]],
    group: np.ndarray,
    groups: int,
    frequency: DocumentFrequency,
) -> np.ndarray:
    """Sum what the measures follow from, per group of frames.

    Args:
        captions: one of each of N frames.
        references: several of each frame; a frame with none is not scored.
        group: (N,) index 0…groups − 1 of each frame.
        frequency: of the corpus.

    Returns:
        (groups, len(CAPTION_SUMS)) float64.
    """
    sums = np.zeros((groups, len(CAPTION_SUMS)))
    for caption, true, index in zip(captions, references, group, strict=True):
        if true:
            sums[index, :3] += (1, cider_d(caption, true, frequency), rouge_l(caption, true))
            sums[index, 3:] += bleu_counts(caption, true)
    return sums


def caption_metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``cider_d``, ``bleu_4`` and ``rouge_l`` from (..., 12) sums, (...,); NaN where no frame was scored."""
    sums = np.asarray(sums, np.float64)
    frames, reference_words = sums[..., 0], sums[..., 3]
    proposed, matched = sums[..., 4 : 4 + LONGEST], sums[..., 4 + LONGEST :]
    precision = (matched + _TINY) / (proposed + _SMALL)
    length = (proposed[..., 0] + _TINY) / (reference_words + _SMALL)
    brevity = np.where(length < 1, np.exp(1 - 1 / np.where(length < 1, length, 1)), 1)
    return {
        "cider_d": ratio(sums[..., 1], frames),
        "bleu_4": np.where(frames > 0, precision.prod(axis=-1) ** (1 / LONGEST) * brevity, np.nan),
        "rouge_l": ratio(sums[..., 2], frames),
    }


def _weighted(words: Words, frequency: DocumentFrequency) -> list[tuple[dict[Words, float], float]]:
    """Return the tf-idf vector of the n-grams of each length, with its norm."""
    vectors: list[dict[Words, float]] = [{} for _ in range(LONGEST)]
    for gram, times in ngrams(words).items():
        vectors[len(gram) - 1][gram] = times * frequency.weight(gram)
    return [(vector, math.sqrt(sum(w * w for w in vector.values()))) for vector in vectors]


def _longest_common_subsequence(one: Words, two: Words) -> int:
    lengths = [0] * (len(two) + 1)
    for word in one:
        before = 0
        for i, other in enumerate(two, start=1):
            before, lengths[i] = lengths[i], before + 1 if word == other else max(lengths[i], lengths[i - 1])
    return lengths[-1]
