"""Captioning: one sentence that says what a frame shows, from RGB alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.captions.grammar import vocabulary
from benchmark.captions.references import References, references
from benchmark.captions.tile import text_tile
from benchmark.forms.text import Text
from benchmark.metrics.captions import CAPTION_SUMS, caption_metrics, caption_sums, cider_d
from benchmark.metrics.captions_tokens import tokens
from benchmark.tasks import HeadSpec, Measure, Scope, Statistics
from benchmark.tasks.uncategorised import Uncategorised

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording


@dataclass(frozen=True)
class Captioning(Uncategorised):
    """Scored against the captions that a grammar writes of what is visible, by CIDEr-D.

    Document frequencies are those of the references of all valid frames of a recording's split, so the CIDEr-D of a
    frame does not depend on which others are scored or resampled.
    """

    name: str = "captioning"
    version: int = 1
    truth_version: int = 1
    needs: tuple[str, ...] = ("rgb", "depth", "semantic", "instance")
    measures: tuple[Measure, ...] = (
        Measure("cider_d", "CIDEr-D", True, 100, 1, "", "agreement with the references in telling words, times 100"),
        Measure("bleu_4", "BLEU-4", True, 100, 1, "", "share of runs of up to 4 words that a reference has, times 100"),
        Measure("rouge_l", "ROUGE-L", True, 100, 1, "", "longest common run of words with gaps, times 100"),
    )
    display_note: str = "Truth: the references, written by a grammar from what is visible."

    @property
    def form(self) -> Text:
        """Return one text a frame."""
        return Text("a sentence in English that says what the frame shows")

    @property
    def sum_shape(self) -> tuple[int, ...]:
        """One sum for each name in ``CAPTION_SUMS``."""
        return (len(CAPTION_SUMS),)

    def head(self) -> HeadSpec:
        """Ask for text in the words of the grammar, with commas."""
        words = (*vocabulary(), ",")
        return HeadSpec("text", len(words), words=words)

    def targets(self, recording: Recording, rows: np.ndarray) -> References:
        """Return the references."""
        return references(recording, rows)

    def has_truth(self, target: References) -> np.ndarray:
        """Return which frames show anything that has a name, (N,) bool."""
        return np.array([bool(captions) for captions in target.captions], bool)

    def encode_prediction(self, output: np.ndarray) -> np.ndarray:
        """Turn words into sentences."""
        return np.array([text[:1].upper() + text[1:] + "." for text in output.tolist()])

    def conclude(self, encoded: np.ndarray, rows: np.ndarray, trajectory: np.ndarray) -> np.ndarray:
        """Return what is given: frames are answered one by one."""
        return encoded

    def statistics(self, prediction: np.ndarray, target: References, trajectory: np.ndarray) -> Statistics:
        """Reduce captions to sums per trajectory."""
        ids, group = np.unique(trajectory, return_inverse=True)
        said = [tokens(text) for text in prediction.tolist()]
        true = [[tokens(caption) for caption in captions] for captions in target.captions]
        sums = np.zeros((len(ids), *self.sum_shape))
        for index, frequency in enumerate(target.corpora):
            rows = np.flatnonzero(target.corpus == index)
            sums += caption_sums([said[i] for i in rows], [true[i] for i in rows], group[rows], len(ids), frequency)
        return Statistics(
            trajectory=ids.astype(np.int64),
            frames=np.bincount(group[self.has_truth(target)], minlength=len(ids)).astype(np.int64),
            sums=sums,
        )

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure, (..., 12) → (...,)."""
        return caption_metrics(reduced)

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, (..., 12) → (...,)."""
        return caption_metrics(sums)

    def display(
        self, values: np.ndarray | References, target: References, rgb: np.ndarray, colours: np.ndarray
    ) -> np.ndarray:
        """Show text as a picture of it: the prediction, or all references one below the other."""
        return text_tile(list(values.captions[0]) if isinstance(values, References) else values.tolist())

    def sketch(self, values: np.ndarray, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Show text as a picture of it."""
        return text_tile(values.tolist())

    def in_words(self, prediction: np.ndarray, target: References) -> str:
        """Name the frame's own CIDEr-D."""
        true = [tokens(caption) for caption in target.captions[0]]
        score = cider_d(tokens(str(prediction[0])), true, target.corpora[int(target.corpus[0])])
        return f"CIDEr-D {100 * score:.0f}"


CAPTIONING = Captioning()
