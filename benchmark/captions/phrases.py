"""Noun phrases: what one or several things of a kind are called in a sentence, and what their verb is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from benchmark.captions.lexicon import NOUNS, SEE_THROUGH, Noun
from benchmark.captions.scene import Scene, Thing

NUMBERS = {2: "two", 3: "three", 4: "four"}
MANY = "several"
SOME = "some"
LARGE, SMALL = ("large", "big"), ("small", "little")
LARGE_SHARE, SMALL_SHARE = 0.18, 0.012
"""Shares of the picture from which and up to which a thing is called large or small."""
SMALL_WITHIN_M = 2.0
"""What is farther away is not called small, however little of the picture it takes."""

VERBS = {"stands": "stand", "hangs": "hang", "lies": "lie", "is": "are"}
"""Singular → plural."""

_USUAL = 0.65  # how often a thing is called by its usual name, where it has several
_WITH_COLOUR = 0.8
_WITH_SIZE = 0.4

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The visible things of one kind.

    Attributes:
        things: largest first.
    """

    concept: str
    things: tuple[Thing, ...]

    @property
    def noun(self) -> Noun:
        """The row of the lexicon."""
        return NOUNS[self.concept]

    @property
    def share(self) -> float:
        """Share of the picture."""
        return sum(thing.share for thing in self.things)

    @property
    def plural(self) -> bool:
        """Whether its verb is in the plural."""
        return len(self.things) > 1 or self.noun.always_plural

    @property
    def verb(self) -> str:
        """The verb that says where it is."""
        return VERBS[self.noun.verb] if self.plural else self.noun.verb


def groups(scene: Scene) -> list[Group]:
    """Return the things of each kind, in the order of the largest of each."""
    names = dict.fromkeys(thing.concept for thing in scene.things)
    return [Group(name, tuple(t for t in scene.things if t.concept == name)) for name in names]


def noun_phrase(group: Group, rng: np.random.Generator) -> str:
    """Return ``a large brown sofa``, ``two chairs``, ``some clothes``: article or number, size, colour, name."""
    noun, count = group.noun, len(group.things)
    usual, other, coloured, sized, word = rng.random(5)
    forms = noun.plural if count > 1 else noun.singular
    name = forms[0] if usual < _USUAL or len(forms) == 1 else forms[1 + int(other * (len(forms) - 1))]
    colours = {thing.colour for thing in group.things}
    nameable = len(colours) == 1 and group.concept not in SEE_THROUGH
    words = [colours.pop()] if nameable and coloured < _WITH_COLOUR else []
    sizes = _sizes(group)
    if count == 1 and sizes and sized < _WITH_SIZE:
        words.insert(0, sizes[int(word * len(sizes))])
    words.append(name)
    if noun.always_plural:
        return " ".join([SOME, *words])
    if count > 1:
        return " ".join([NUMBERS.get(count, MANY), *words])
    return with_article(" ".join(words))


def _sizes(group: Group) -> tuple[str, ...]:
    """Return the words for how large a thing is, () where it is neither."""
    if group.share >= LARGE_SHARE:
        return LARGE
    return SMALL if group.share <= SMALL_SHARE and group.things[0].distance_m <= SMALL_WITHIN_M else ()


def with_article(words: str) -> str:
    """Return the words after ``a`` or ``an``."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def pick(options: Sequence[T], rng: np.random.Generator, weights: Sequence[float] = ()) -> T:
    """Return one of several options, in proportion to weights, or each as often as any other.

    One draw a pick, whatever the options are: so the same scene seen in a mirror is put into the same words.
    """
    drawn = rng.random()
    if not weights:
        return options[int(drawn * len(options))]
    reached = np.cumsum(weights)
    return options[min(int(np.searchsorted(reached, drawn * reached[-1], side="right")), len(options) - 1)]
