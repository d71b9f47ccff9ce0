"""What decides the weights of masked token modelling, besides frames and the loop's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from baselines.tst.config import MaskedConfig
from sim_envs.errors import UserError
from sim_envs.modalities import modality

LEVELS: Mapping[str, tuple[int, ...]] = {
    "patch_mse": (8, 8, 8, 6, 5),
    "depth_l1": (8, 5, 5, 5),
    "cosine": (8, 5, 5, 5),
    "bce": (8, 6, 5),
}
"""Name of a modality's loss → levels of each number of its code. They are those that Mentzer et al. recommend for
15,360, 1,000 and 240 codes: colours need the most, lines the fewest."""


@dataclass(frozen=True)
class TokenizerConfig:
    """Shape of a tokenizer: width of its layers, and how often its decoder lets neighbouring patches agree."""

    width: int = 64
    depth: int = 1

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 0:
            raise UserError("A tokenizer needs a width of at least 1 and a depth of at least 0.")


@dataclass(frozen=True)
class TokensConfig:
    """Settings of masked token modelling.

    Attributes:
        masked: encoder, modalities, masks, decoders, weights of the losses, augmentation: all as for pixels.
        tokenizer_share: of the steps, in which the tokenizers learn; after them codes mean what they mean.
    """

    masked: MaskedConfig = field(default_factory=MaskedConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    tokenizer_share: float = 0.25

    def __post_init__(self) -> None:
        if not 0 < self.tokenizer_share <= 1:
            raise UserError(f"tokenizer_share {self.tokenizer_share} must be above 0 and at most 1.")
        without = [name for name in self.masked.modalities if modality(name).loss not in LEVELS]
        if without:
            raise UserError(f"There is no tokenizer for {', '.join(without)}. Leave it out, or take the model tst.")

    def levels(self, name: str) -> tuple[int, ...]:
        """Return the levels of a modality's code."""
        return LEVELS[modality(name).loss]

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON-like values."""
        levels = {name: list(self.levels(name)) for name in self.masked.modalities}
        own = {"tokenizer": asdict(self.tokenizer), "tokenizer_share": self.tokenizer_share, "levels": levels}
        return self.masked.plain() | own
