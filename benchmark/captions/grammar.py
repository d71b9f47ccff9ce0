"""The grammar: several captions of a scene, as different as those of several people.

A caption is one sentence about one, two or three of the things in view. What it mentions and how is drawn at random,
prominent things more often. Sentences are data: every word that can come out is in a table, see :func:`vocabulary`.
"""

from __future__ import annotations

import re

import numpy as np

from benchmark.captions.colours import COLOURS, SHADES
from benchmark.captions.lexicon import NOUNS, SURFACES
from benchmark.captions.phrases import LARGE, MANY, NUMBERS, SMALL, SOME, VERBS, pick, with_article
from benchmark.captions.scene import Scene
from benchmark.captions.sentences import STATEMENTS, THERE, WAYS, WHERE
from benchmark.captions.view import ROOM, SIDES, View

_TRIES = 200
_NAMED_ROOM = 0.3  # how often a room is called by what it is for, where the things in view say it


def captions(scene: Scene, rng: np.random.Generator, count: int) -> list[str]:
    """Return up to ``count`` different captions of a scene; none where there is nothing to say.

    They are fewer only where so little is in view that the grammar has no other sentence for it.
    """
    if not scene:
        return []
    view = View.of(scene)
    said = [statement for statement in STATEMENTS.values() if statement.sayable(view)]
    liking = [statement.liking for statement in said]
    found: dict[str, None] = {}
    for _ in range(_TRIES):
        statement = pick(said, rng, liking)
        room = view.room if rng.random() < _NAMED_ROOM else ROOM
        slots = {"room": f"the {room}", "a_room": with_article(room), **statement.slots(view, rng)}
        sentence = pick(statement.sentences, rng).format_map(slots)
        found[sentence[0].upper() + sentence[1:] + "."] = None
        if len(found) == count:
            break
    return list(found)


def vocabulary() -> tuple[str, ...]:
    """Return every word that a caption can have, in lower case, sorted."""
    texts = [re.sub(r"\{\w+\}", " ", text) for statement in STATEMENTS.values() for text in statement.sentences]
    texts += [form for noun in NOUNS.values() for form in (*noun.singular, *noun.plural)]
    texts += [noun.room for noun in NOUNS.values()]
    texts += [way for ways in (*WAYS.values(), *WHERE.values()) for way in ways]
    texts += [*COLOURS, *SHADES, *NUMBERS.values(), MANY, SOME, *LARGE, *SMALL]
    texts += [*VERBS, *VERBS.values(), *THERE.values()]
    texts += ["a an the and it them walls", ROOM, *SIDES, *SURFACES]
    return tuple(sorted({word for text in texts for word in text.replace(",", " ").split()}))
