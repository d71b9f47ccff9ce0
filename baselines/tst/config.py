"""What masked modelling is told: encoder, modalities, masks, decoders, weights of the losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from baselines.augmentation import Augmentation
from baselines.encoder import EncoderConfig
from baselines.tst.masking import MaskPlan
from baselines.tst.model import DecoderConfig
from baselines.values import require_sensed
from sim_envs.errors import UserError


@dataclass(frozen=True)
class MaskedConfig:
    """Settings of masked modelling.

    Attributes:
        modalities: sensed ones, ``rgb`` first. ``("rgb",)`` is a masked autoencoder.
        visible_tokens: tokens the encoder sees of a frame, over all modalities. None: a quarter of the tokens of
            RGB alone (as MAE), an eighth of those of several modalities (as MultiMAE's sixth, but cheaper).
        dirichlet_alpha: how unevenly the visible tokens fall on the modalities; 1 is uniform.
        rgb_only_share: of the frames, whose visible tokens are all RGB, as they are after pre-training.
        decode_share: of the masked tokens, decoded in a step.
        loss_weights: modality → weight; 1 where absent.
        augmentation: of the frames.
    """

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    modalities: tuple[str, ...] = ("rgb", "depth", "normals", "edges")
    visible_tokens: int | None = None
    dirichlet_alpha: float = 1.0
    rgb_only_share: float = 0.5
    decode_share: float = 0.5
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        require_sensed(self.modalities)
        if self.modalities[:1] != ("rgb",) or len(set(self.modalities)) != len(self.modalities):
            raise UserError(f"Modalities {', '.join(self.modalities)}: rgb comes first, and each comes once.")
        if not 0 < self.decode_share <= 1:
            raise UserError("decode_share must be above 0 and at most 1.")
        if unknown := set(self.loss_weights) - set(self.modalities):
            raise UserError(f"Loss weights for {', '.join(sorted(unknown))}, which are not pre-trained on.")
        if min(self.loss_weights.values(), default=1.0) < 0:
            raise UserError("Loss weights must not be below 0.")
        if self.visible_tokens == 0 or not any(self.loss_weights.get(name, 1.0) for name in self.modalities):
            raise UserError("Nothing to learn: at least one token must be visible and one loss weigh something.")
        self.mask_plan()

    def mask_plan(self) -> MaskPlan:
        """Return the plan that the masks of every step are drawn from."""
        tokens, modalities = self.encoder.tokens, len(self.modalities)
        divisor = 4 if modalities == 1 else 8
        visible = self.visible_tokens or max(1, tokens * modalities // divisor)
        masked = tokens - visible / modalities  # of one modality, on average
        return MaskPlan(
            modalities,
            tokens,
            visible,
            decoded=max(1, round(self.decode_share * masked)),
            alpha=self.dirichlet_alpha,
            rgb_only_share=self.rgb_only_share if modalities > 1 else 0.0,
        )

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON-like values."""
        return asdict(self) | {"modalities": list(self.modalities), "loss_weights": dict(self.loss_weights)}
