"""Who has the labels, and what a model may have seen: the rules of a board, in the words that submitters read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Custody = Literal["open", "hidden"]
"""Whether the labels a suite is scored against can be had by everybody, or are on the board alone."""


@dataclass(frozen=True)
class Rule:
    """A heading, and paragraphs of plain text."""

    title: str
    paragraphs: tuple[str, ...]


CUSTODY: tuple[Rule, ...] = (
    Rule(
        "Open labels",
        (
            "The test trajectories of such a suite follow from numbers that come with the software, so that everybody"
            " can render their labels. Its tables are for checking and comparing one's own runs: read a small lead in"
            " them with care.",
        ),
    ),
    Rule(
        "Hidden labels",
        (
            "The test trajectories of such a suite are planned from a secret of 256 random bits, which lies in one file"
            " on a machine of those who run the board and is part of no pack, result, page or log. They are as many"
            " and as long as those that come with the software, in the same spaces and with the same camera, and none"
            " of their views is within 5 cm and 5° of one of these.",
            "The board hands out the RGB frames of these trajectories with their numbers, trajectories and steps."
            " Poses, depth and labels stay with the board. Predictions for these frames are what is submitted; a"
            " submission cannot say what it scores, because whoever makes it has nothing to score it with.",
            "This keeps labels from being read by accident or tuned against in silence; it does not make cheating"
            " impossible. The geometry of the spaces is public, and somebody determined could look for the place that a"
            " frame was taken from. That is against the rule below, and a reason to hide a submission.",
            "When a secret may have come out, its suite version is closed, and another version with a new secret takes"
            " its place.",
        ),
    ),
)
"""What the two kinds of custody mean."""

CONTAMINATION = Rule(
    "Contamination",
    (
        "The ledger of a submission names all data and all networks that reached the weights, by way of teachers, too."
        " The software writes it during a run; whoever changes the software has to keep it true. The track is computed"
        " from it.",
        "Labels of a test space teach nothing: no training, no choice of a model, a threshold or a checkpoint. Frames"
        " of a test space without labels may be learned from in that space's own row, as far as its training"
        " trajectories go (in a transductive suite its test trajectories too), and in no other row. Held-out spaces"
        " teach nothing at all.",
        "Frames of a public pack are there to be predicted. They are not learned from, not labelled by hand, and not"
        " searched for in the geometry of a space.",
        "Networks that were trained elsewhere are welcome in the tracks that say so. If their training data may hold"
        " frames of a test or held-out space, the description has to say it.",
        "A submission whose ledger is not true is hidden, and the reason is shown to everybody.",
    ),
)
"""What may have reached the weights of a submission, and what happens otherwise."""
