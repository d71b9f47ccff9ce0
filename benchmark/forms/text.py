"""One text for every frame."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.forms import Frames

LONGEST_WORDS = 60
LONGEST_CHARACTERS = 500


@dataclass(frozen=True)
class Text:
    """Answers are arrays (N,) of strings, ``<U…``: at most ``LONGEST_WORDS`` words and ``LONGEST_CHARACTERS`` long.

    Attributes:
        meaning: of a text, in a few words.
    """

    meaning: str

    def pack(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the array as ``texts``."""
        return {"texts": answers}

    def unpack(self, arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """Return ``texts``."""
        texts = arrays["texts"]
        if texts.ndim and len(texts) != count:
            raise ValueError(f"{count} frame numbers for {len(texts)} texts")
        if texts.dtype.kind == "U":  # NumPy keeps any number for a character, and Python breaks on those that are none
            numbers = np.frombuffer(texts.tobytes(), np.dtype(np.uint32).newbyteorder(texts.dtype.byteorder))
            if (numbers > sys.maxunicode).any():
                raise ValueError("texts hold numbers that are no characters")
        return texts

    def check(self, answers: np.ndarray, frames: Frames) -> str:
        """Name a wrong type or shape, then the first frame whose text is unfit."""
        if answers.dtype.kind != "U" or answers.ndim != 1:
            return f"texts must be strings, one a frame, these are {answers.dtype}{answers.shape}"
        for row, text in zip(frames.rows.tolist(), answers.tolist(), strict=True):
            if flaw := text_flaw(text):
                return f"the text of frame {row} {flaw}"
        return ""

    def schema(self) -> dict[str, Any]:
        """Return the schema of ``texts``."""
        text = {"type": "string", "minLength": 1, "maxLength": LONGEST_CHARACTERS, "description": self.meaning}
        array = {"type": "array", "items": text, "description": "one a frame", "dtype": "str", "shape": ["frames"]}
        return {"texts": array}

    def bytes_per_frame(self, height: int, width: int) -> int:
        """Return the bytes of a text of usual length; NumPy keeps four a character."""
        return 4 * 80


def text_flaw(text: str) -> str:
    """Return what is wrong with one text, "" when nothing is."""
    if not any(character.isalnum() for character in text):
        return "is empty" if not text.strip() else f"has no word in it: '{text[:40]}'"
    if len(text) > LONGEST_CHARACTERS or len(text.split()) > LONGEST_WORDS:
        return (
            f"has {len(text.split())} words and {len(text)} characters, more than the {LONGEST_WORDS} and "
            f"{LONGEST_CHARACTERS} that are read"
        )
    if not text.isprintable():
        strange = next(character for character in text if not character.isprintable())
        return f"holds U+{ord(strange):04X}, which cannot be printed"
    if not unicodedata.is_normalized("NFC", text):
        return f"is not in Unicode's normal form C: '{text[:40]}'"
    return ""
