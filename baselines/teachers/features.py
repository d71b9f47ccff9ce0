"""Feature maps: the tokens of any encoder of the zoo, kept by their principal components in the space.

Tokens are normalised to mean 0 and deviation 1 over their channels first, so that the few of very large norm that
transformers have do not decide everything (Wei et al. 2022, *Contrastive Learning Rivals Masked Image Modeling in
Fine-tuning via Feature Distillation*). All components are divided by one number, so distances between features keep
their proportions: what is kept is the share of their variance that the JSON beside states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.encoder import load_encoder, normalise_rgb
from baselines.frame_encoder import FrameEncoder, plain_encoder
from baselines.ledger import Entry
from baselines.teachers.teacher import Answers, Teacher
from baselines.weights import WeightsFile
from baselines.zoo.model import Model
from sim_envs.errors import UserError
from sim_envs.modalities import COMPONENTS, feature_map

SAMPLE_FRAMES = 512


@dataclass(frozen=True)
class FeatureTeacher(Teacher):
    """An encoder of the zoo.

    Attributes:
        model: its row. One that is pre-trained in this benchmark teaches with the weights of its own seed 0.
    """

    model: Model

    conventions = (
        "principal components of the encoder's last tokens, each token normalised over its channels before; all"
        " divided by one number, so that their mean square is 1 in the space's training frames; row 0 on top"
    )

    @property
    def name(self) -> str:  # type: ignore[override]
        """The model's."""
        return self.model.name

    @property
    def modality(self) -> str:  # type: ignore[override]
        """A feature map of its own."""
        return feature_map(self.model.name).name

    @property
    def data(self) -> tuple[Entry, ...]:  # type: ignore[override]
        """What the network was trained on elsewhere."""
        return self.model.network.data if self.model.network else ()

    @property
    def licence(self) -> str:  # type: ignore[override]
        """Of the network's weights."""
        return self.model.network.licence if self.model.network else ""

    @property
    def network(self) -> Mapping[str, Any]:
        """The network's identity, and how many components are kept."""
        return {"network": dict(self.model.network.identity) if self.model.network else "", "components": COMPONENTS}

    def find_weights(self, given: Path | None = None) -> WeightsFile | None:
        """As a run of the model itself would."""
        network = self.model.network
        if network is None:
            if given is not None:
                raise UserError(f"--weights {self.name}={given}: the weights of {self.name} come from this run alone.")
            return None
        path = network.find_weights(self.name, given)
        return network.weights_file(path) if path else None

    def at_hand(self) -> bool:
        """As for the model itself."""
        network = self.model.network
        return network is None or not network.needs_weights or network.weights_at_hand() is not None

    def check(self, weights: WeightsFile, height: int, width: int) -> None:
        """As a run of the model itself would."""
        if self.model.network:
            self.model.network.check(weights.path, height, width)

    def open(self, weights: WeightsFile | None, height: int, width: int, device: torch.device) -> Answers:
        """Build the encoder; a network without weights stays as random as it is meant to be."""
        network = self.model.network
        if network is not None:
            encoder = network.build(height, width, seed=0)
            if weights is not None:
                network.load(encoder, weights.path)
        elif weights is not None:
            encoder = plain_encoder(load_encoder(weights.path)[0])
        else:
            raise UserError(f"{self.name} has learned nothing that it could teach.")
        return FeatureAnswers(encoder.to(device).requires_grad_(False), device)


class FeatureAnswers(Answers):
    """Tokens of an encoder, reduced."""

    sample_frames = SAMPLE_FRAMES

    def __init__(self, encoder: FrameEncoder, device: torch.device) -> None:
        self.encoder, self.device = encoder, device
        self.reduction: tuple[Tensor, Tensor] | None = None

    @torch.inference_mode()
    def tokens(self, rgb: np.ndarray) -> Tensor:
        """Return (B, h, w, channels) normalised tokens of (B, H, W, 3) uint8 frames."""
        images = normalise_rgb(torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device))
        tokens = self.encoder(images).float()
        if not torch.isfinite(tokens).all():
            raise UserError("The teacher's features are not finite. Are its weights damaged? Fetch them anew.")
        return F.layer_norm(tokens, tokens.shape[-1:])

    def fit(self, sample: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """Find the principal components of the tokens of some frames."""
        width = self.encoder.channels
        count, total = 0, torch.zeros(width, dtype=torch.float64)
        products = torch.zeros(width, width, dtype=torch.float64)
        for rgb in sample:
            flat = self.tokens(rgb).flatten(0, 2).double().cpu()
            count += len(flat)
            total += flat.sum(dim=0)
            products += flat.T @ flat
        mean = total / count
        return principal_components(mean.numpy(), (products / count - torch.outer(mean, mean)).numpy())

    def use(self, fitted: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Put mean and components in place."""
        mean, basis = (torch.from_numpy(fitted[name]).to(self.device) for name in ("mean", "basis"))
        self.reduction = mean, basis
        kept = float(fitted["variance_kept"])
        return {"components": int(fitted["components"]), "variance_kept": round(kept, 4)}

    @torch.inference_mode()
    def ask(self, rgb: np.ndarray) -> np.ndarray:
        """Return (B, h, w, COMPONENTS) float16."""
        assert self.reduction is not None, "use() comes first"
        mean, basis = self.reduction
        reduced = (self.tokens(rgb) - mean) @ basis
        return reduced.half().cpu().numpy()


def principal_components(mean: np.ndarray, covariance: np.ndarray) -> dict[str, np.ndarray]:
    """Return how features of a mean (C,) and covariance (C, C) are reduced to COMPONENTS numbers.

    Returns:
        ``mean`` (C,) and ``basis`` (C, COMPONENTS) float32, to be applied as ``(x − mean) @ basis``; the mean square of
        the result is 1 over all columns. ``components``: how many have any variance; the columns of the others are
        zero. ``variance_kept``: 0…1.
    """
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = variances[::-1].clip(min=0), vectors[:, ::-1]
    kept = min(COMPONENTS, int((variances > 1e-9 * max(variances[0], 1e-30)).sum()))
    if variances[0] <= 0:
        raise UserError("The teacher answers the same on every frame: there is nothing to learn from it.")
    vectors, strongest = vectors[:, :kept], np.abs(vectors[:, :kept]).argmax(axis=0)
    vectors = vectors * np.sign(vectors[strongest, np.arange(kept)])  # eigenvectors have no sign of their own
    basis = np.zeros((len(mean), COMPONENTS), dtype=np.float32)
    basis[:, :kept] = vectors / np.sqrt(variances[:kept].sum() / COMPONENTS)
    return {
        "mean": mean.astype(np.float32),
        "basis": basis,
        "components": np.array(kept),
        "variance_kept": np.array(variances[:kept].sum() / variances.sum()),
    }
