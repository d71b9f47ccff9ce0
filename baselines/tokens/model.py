"""The token model: masked modelling whose decoders say codes, and whose inputs, RGB apart, are codes.

RGB comes in as pixels, through the encoder's own patch embedding: after pre-training it sees nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from baselines.tokens.tokenizer import Tokenizer
from baselines.tst.adapters import Patches
from baselines.tst.config import MaskedConfig
from baselines.tst.model import Decoder, MaskedModel
from baselines.tst.start import Start


class TokenModel(MaskedModel):
    """A masked model over one-hot codes in the place of pixels: what it embeds, and what it predicts.

    Args:
        codes: modality → length of its one-hot codes, the sum of all levels.
        seed: of the initial weights.
        start: a trained ViT to go on from; None begins at random.
    """

    def __init__(
        self, config: MaskedConfig, codes: Mapping[str, int], *, seed: int = 0, start: Start | None = None
    ) -> None:
        super().__init__(config.encoder, config.modalities, config.decoder, seed=seed, start=start)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 2)
            for name, length in codes.items():
                decoder = Decoder(config.decoder, self.places, channels=length, pixels=1)
                _initialise(decoder)
                nn.init.trunc_normal_(decoder.head.weight, std=0.02)
                self.decoders[name] = decoder
                if name != "rgb":
                    self.adapters.project[name] = nn.Linear(length, config.encoder.width)
                    _initialise(self.adapters.project[name])

    def logits(self, name: str, predictions: Mapping[str, Tensor]) -> Tensor:
        """Return the (B, Q, sum of all levels) float32 logits of one modality in what the model returned."""
        return predictions[name].squeeze(-1).float()


def _initialise(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)


def as_codes(patches: Patches, levels: Mapping[str, Tensor], tokenizers: Mapping[str, Tokenizer]) -> Patches:
    """Return patches with one-hot codes, (B, T, sum of all levels, 1), in the place of all but RGB's pixels."""
    codes = {
        name: tokenizers[name].quantiser.one_hot(of_modality).unsqueeze(-1)
        for name, of_modality in levels.items()
        if name != "rgb"
    }
    return replace(patches, values=patches.values | codes)
