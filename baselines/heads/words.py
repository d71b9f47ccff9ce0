"""Words as numbers: the vocabulary of a head that speaks. Nothing here imports torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

PAD, START, END = 0, 1, 2
FIRST_WORD = 3
"""Ids below it are no words."""

MIRRORED = {"left": "right", "right": "left"}
"""Words that change places when a picture is mirrored left to right."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|,")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case; a comma is a word, other punctuation is none."""
    return _WORD.findall(text.lower())


def mirrored(text: str) -> str:
    """Return what a text becomes when its picture is mirrored: left and right change places."""
    return re.sub(r"\b(left|right)\b", lambda found: MIRRORED[found.group()], text)


class Vocabulary:
    """The words a head may say, each with an id.

    Args:
        words: in lower case, without repetition.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._ids = {word: i for i, word in enumerate(self.words, start=FIRST_WORD)}
        self.mirrored_ids = np.arange(len(self))
        for word, other in MIRRORED.items():
            if word in self._ids and other in self._ids:
                self.mirrored_ids[self._ids[word]] = self._ids[other]

    def __len__(self) -> int:
        return FIRST_WORD + len(self.words)

    def ids(self, text: str) -> list[int]:
        """Return START, the ids of the words of a text, and END; words that are not in here are passed over."""
        return [START, *(self._ids[word] for word in words_of(text) if word in self._ids), END]

    def text(self, ids: Iterable[int]) -> str:
        """Return the words up to the first END."""
        said = []
        for i in ids:
            if i == END:
                break
            if i >= FIRST_WORD:
                said.append(self.words[i - FIRST_WORD])
        return " ".join(said).replace(" ,", ",")
