"""Heads: the small network that a task adds on an encoder. One class a kind of output, in a table.

What a task asks of its head is said here without torch, so that tasks need none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sim_envs.registry import Table

if TYPE_CHECKING:
    from baselines.heads.head import Head

Strength = Literal["linear", "strong"]


@dataclass(frozen=True)
class HeadSpec:
    """What the head of a task must give, and how it is trained.

    Attributes:
        output: a name in :data:`HEADS`; what the channels are and which losses there are is said by that class.
        channels: numbers of an output: a pixel, a box's categories, a descriptor.
        loss: name of the loss among those of the head; "" where it has one only.
        words: what a head that speaks may say.
        strength: ``linear``: a normalisation and one linear map of the tokens, which asks what the encoder knows;
            ``strong``: a small network, which asks what can be made of it.
    """

    output: str
    channels: int = 0
    loss: str = ""
    words: tuple[str, ...] = ()
    strength: Strength = "strong"


HEADS: Table[type[Head]] = Table(
    "head",
    {
        "dense": "baselines.heads.dense:DenseHead",
        "descriptor": "baselines.heads.descriptor:DescriptorHead",
    },
    group="tst_bench.heads",
)
