"""What things are called in captions: nouns with their synonyms, how a thing is placed, and what room it makes.

A space names categories in words of its own. What is in this table is called as the table says; any other category is
called by its NYU40 name; what NYU40 has no name for either (``otherprop``, unmapped) is not mentioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim_envs.taxonomy import NYU40, key

SURFACES = ("wall", "floor", "ceiling")
"""What bounds a room: context of a caption, not one of its things."""


@dataclass(frozen=True)
class Noun:
    """One row.

    Attributes:
        name: as in :data:`NOUNS`.
        singular: ways to name one, the usual first; those of a plural word (``clothes``) are as the word is.
        plural: ways to name several, in the same order.
        verb: what it does where it is: ``stands``, ``hangs``, ``lies`` or ``is``.
        room: what room it makes, or "".
        always_plural: there is no single one of it: ``some clothes are``.
    """

    name: str
    singular: tuple[str, ...]
    plural: tuple[str, ...]
    verb: str
    room: str
    always_plural: bool = False


def _noun(name: str, verb: str, room: str = "", also: str = "", plurals: str = "") -> Noun:
    singular = (name, *(word for word in also.split("|") if word))
    given = tuple(word for word in plurals.split("|") if word)
    return Noun(name, singular, given or tuple(word + "s" for word in singular), verb, room)


def _plural(name: str, verb: str, also: str = "", room: str = "") -> Noun:
    forms = (name, *(word for word in also.split("|") if word))
    return Noun(name, forms, forms, verb, room, always_plural=True)


NOUNS: dict[str, Noun] = {
    noun.name: noun
    for noun in (
        # sleeping and storing
        _noun("bed", "stands", "bedroom"),
        _noun("wardrobe", "stands", "bedroom", "closet"),
        _noun("nightstand", "stands", "bedroom", "bedside table"),
        _noun("dresser", "stands", "", "chest of drawers", "dressers|chests of drawers"),
        _noun("cabinet", "stands", "", "cupboard"),
        _noun("pillow", "lies", "", "cushion"),
        _plural("clothes", "is"),
        # sitting and working
        _noun("chair", "stands"),
        _noun("armchair", "stands", "living room", "easy chair"),
        _noun("office chair", "stands", "study", "desk chair"),
        _noun("sofa", "stands", "living room", "couch", "sofas|couches"),
        _noun("table", "stands"),
        _noun("dining table", "stands", "dining room"),
        _noun("coffee table", "stands", "living room", "side table"),
        _noun("desk", "stands", "study", "writing desk"),
        _noun("tv", "is", "living room", "television"),
        _noun("tv stand", "stands", "living room", "tv cabinet"),
        _noun("bookshelf", "stands", "", "bookcase", "bookshelves|bookcases"),
        _noun("shelf", "is", "", "", "shelves"),
        _noun("computer", "stands", "study"),
        _noun("whiteboard", "hangs", "study"),
        # kitchen
        _noun("kitchen cabinet", "stands", "kitchen", "kitchen cupboard"),
        _noun("wall cabinet", "hangs", "", "wall cupboard"),
        _noun("counter", "is", "kitchen", "worktop"),
        _noun("stove", "stands", "kitchen", "cooker"),
        _noun("refrigerator", "stands", "kitchen", "fridge"),
        _noun("sink", "is"),
        # bathroom
        _noun("washbasin", "is", "bathroom", "basin"),
        _noun("toilet", "stands", "bathroom"),
        _noun("bathtub", "stands", "bathroom", "tub"),
        _noun("shower", "is", "bathroom"),
        _noun("shower curtain", "hangs", "bathroom"),
        _noun("washing machine", "stands", "", "washer"),
        _noun("towel", "hangs", "bathroom"),
        # on walls, ceilings and floors
        _noun("door", "is", "", "doorway"),
        _noun("window", "is"),
        _noun("mirror", "hangs"),
        _noun("picture", "hangs", "", "painting"),
        _noun("curtain", "hangs", "", "drape"),
        _plural("blinds", "hangs", "window blinds"),
        _noun("clock", "hangs", "", "wall clock"),
        _noun("radiator", "is", "", "heater"),
        _noun("lamp", "stands"),
        _noun("table lamp", "stands", "", "reading lamp"),
        _noun("ceiling lamp", "hangs", "", "hanging lamp"),
        _noun("plant", "stands", "", "potted plant"),
        _noun("rug", "lies", "", "carpet"),
        # small things
        _noun("book", "lies"),
        _noun("paper", "lies", "", "sheet of paper", "papers|sheets of paper"),
        _noun("vase", "stands"),
        _noun("box", "stands", "", "", "boxes"),
        _noun("bag", "lies"),
        _noun("toy", "lies"),
        _noun("bottle", "stands"),
        _noun("bowl", "stands", "", "dish", "bowls|dishes"),
        _plural("shoes", "is"),
        _noun("trash bin", "stands", "", "waste bin"),
        _noun("person", "stands", "", "", "people"),
    )
}

_SPELT_OTHERWISE = {
    "shelves": "shelf",
    "television": "tv",
    "floor mat": "rug",
    "night stand": "nightstand",
    "monitor": "computer",
    "basket": "box",
    "indoor plant": "plant",
    "potted plant": "plant",
    "trash can": "trash bin",
    "bin": "trash bin",
    "shoe": "shoes",
    "oven": "stove",
    "picture frame": "picture",
}
"""Other names, those of NYU40 among them, for what the table has."""

SEE_THROUGH = ("window", "mirror")
"""Things whose pixels have the colours of something else."""

_BY_KEY = {key(name): name for name in (*NOUNS, *SURFACES)} | {key(a): b for a, b in _SPELT_OTHERWISE.items()}


def concept(category: str) -> str:
    """Return what a category of a space is called: a row of ``NOUNS``, one of ``SURFACES``, or "" for no name."""
    if (known := _BY_KEY.get(key(category))) is not None:
        return known
    evaluation_id = NYU40.evaluation_id(category)
    return _BY_KEY.get(key(NYU40.categories[evaluation_id - 1]), "") if evaluation_id else ""


def concepts(categories: Sequence[str]) -> tuple[str, ...]:
    """Return the concept of each category id of a space, 0 (unlabelled) first."""
    return ("", *(concept(category) for category in categories))
