"""How each track is shown: a shape and a colour, so that neither is needed to tell them apart, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baselines.ledger import Track


@dataclass(frozen=True)
class Look:
    """How a track is shown.

    Attributes:
        shape: path in a square of side 2 around the origin.
        colour: class of the style sheet.
        meaning: what reached the weights of such a model, in a line.
    """

    shape: str
    colour: str
    meaning: str


_CIRCLE = "M-.9 0a.9.9 0 1 0 1.8 0a.9.9 0 1 0-1.8 0z"
_SQUARE = "M-.8-.8h1.6v1.6h-1.6z"
_TRIANGLE = "M0-1L1 .8H-1z"
_DIAMOND = "M0-1L1 0L0 1L-1 0z"
_TRIANGLE_DOWN = "M0 1L1-.8H-1z"
_PLUS = "M-.35-1h.7v.65h.65v.7h-.65v.65h-.7v-.65h-.65v-.7h.65z"
_CROSS = "M-.95-.5L-.5-.95L0-.45L.5-.95L.95-.5L.45 0L.95 .5L.5 .95L0 .45L-.5 .95L-.95 .5L-.45 0z"
_HOUSE = "M0-1L.95-.3L.6 .85H-.6L-.95-.3z"

LOOKS: Mapping[Track, Look] = MappingProxyType(
    {
        Track.SCRATCH: Look(_PLUS, "track-scratch", "Nothing was learned before the task."),
        Track.SENSORS_ONLY: Look(_CIRCLE, "track-sensors", "Unlabelled frames of the test space, and nothing else."),
        Track.DISTILLED: Look(
            _SQUARE, "track-distilled", "Frames of the test space, and what other networks say of them."
        ),
        Track.EXTERNAL: Look(_TRIANGLE, "track-external", "Unlabelled frames of other spaces."),
        Track.GENERALIST: Look(_DIAMOND, "track-generalist", "Images collected elsewhere, none of the test space."),
        Track.ADAPTED: Look(
            _TRIANGLE_DOWN, "track-adapted", "Images collected elsewhere, then frames of the test space."
        ),
        Track.TASK_EXPERT: Look(_HOUSE, "track-expert", "Labels of this or another task, from other places."),
        Track.ORACLE: Look(_CROSS, "track-oracle", "Labels of the test space; never ranked."),
    }
)
"""Track → look, in the order of tables."""

_OTHER = Look(_CROSS, "track-oracle", "A track that this version does not know.")


_BY_NAME = {track.value: look for track, look in LOOKS.items()}
_PLACE = {name: place for place, name in enumerate(_BY_NAME)}


def looks(track: str) -> Look:
    """Return how a track is shown, whatever a board's database says."""
    return _BY_NAME.get(track, _OTHER)


def order(track: str) -> int:
    """Return a track's place in tables."""
    return _PLACE.get(track, len(_PLACE))
