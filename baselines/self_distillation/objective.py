"""Self-distillation as an objective of the pre-training loop: student, momentum teacher, and what stays between steps.

What is equal to every other row: the frames, the optimiser steps, the frames of a step, the schedule of the learning
rate. What is not: a step encodes each frame as several views (two of them by the teacher as well), which costs several
times as much as masked modelling, and is recorded with the result like every other cost.

Two things differ from the paper, whose recipe falls into equal answers for all views in runs of a few hundred steps:
what a head sees of a view is the mean of its patch tokens, which are what tasks here read, and not the class token; and
it is standardised by running moments of the teacher's, so that heads see what views differ in, not what all have in
common.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from baselines.batches import Batch
from baselines.encoder import EncoderConfig, build_encoder, patch_positions, prefix_tokens
from baselines.precision import exactly
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.objective import Losses, Objective
from baselines.self_distillation.config import SelfDistillationConfig
from baselines.self_distillation.crops import Views, draw_views, show
from baselines.self_distillation.head import ProjectionHead
from baselines.self_distillation.loss import (
    distillation_loss,
    feature_spread,
    mean_entropy,
    teacher_momentum,
    teacher_targets,
    teacher_temperature,
)
from baselines.self_distillation.picture import feature_sheet
from baselines.self_distillation.running import RunningMean
from baselines.tst.start import Start
from baselines.zoo.model import Model
from sim_envs.errors import UserError

SMALLEST_DEVIATION = 1e-3  # of a feature: one that never changes is not blown up


def self_distillation(model: Model, encoder: EncoderConfig, loop: LoopConfig, start: Start | None) -> SelfDistillation:
    """Build the objective of a row of the zoo, see :data:`~baselines.objectives.OBJECTIVES`.

    Raises:
        UserError: there is a trained network to go on from, or more than RGB to learn from.
    """
    if start is not None or model.modalities != ("rgb",):
        raise UserError(f"{model.name}: self-distillation begins with random weights and sees RGB alone.")
    return SelfDistillation(SelfDistillationConfig(), encoder, steps=loop.steps, seed=loop.seed)


class Branch(nn.Module):
    """A ViT and its head: what student and teacher both are."""

    def __init__(self, encoder: VisionTransformer, head: ProjectionHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(
        self, views: Tensor, mean: Tensor, deviation: Tensor, *, learn_prototypes: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Return the (N, width) features and (N, K) logits of (N, 3, H, W) views of any whole number of patches.

        Args:
            mean, deviation: (width,) of features, by which they are standardised before the head.
        """
        features = mean_token(self.encoder, views)
        return features, self.head((features - mean) / deviation, learn_prototypes=learn_prototypes)


class SelfDistillation(Objective):
    """DINO on RGB frames.

    Args:
        steps: of the whole run, which the schedules are shares of.
        seed: of the initial weights; nothing else influences them.
    """

    modalities = ("rgb",)
    loss_names = ("teacher entropy", "feature spread")

    def __init__(self, config: SelfDistillationConfig, encoder: EncoderConfig, *, steps: int, seed: int = 0) -> None:
        super().__init__()
        self.config, self.shape, self.steps = config, encoder, steps
        self.image_size = encoder.image_size
        self.augmentation = config.augmentation
        self.identity = {"name": "self-distillation", "encoder": asdict(encoder), **config.plain()}
        self.local_size = config.crops.local_size(encoder.image_size, encoder.patch_size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 1)
            hidden, bottleneck = (round(times * encoder.width) for times in (config.hidden, config.bottleneck))
            head = ProjectionHead(encoder.width, hidden, bottleneck, config.outputs)
        self.student = Branch(build_encoder(encoder, seed=seed), head)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.centre = RunningMean(config.outputs)
        self.feature_mean = RunningMean(encoder.width)
        self.feature_square = RunningMean(encoder.width, start=1.0)

    def draw(self, rng: np.random.Generator, frames: int) -> Views:
        """Draw the views of a batch."""
        return draw_views(rng, frames, self.config.crops)

    def losses(self, batch: Batch, drawn: Views, step: int, counts: Tensor) -> Losses:
        """Compare what student and teacher say of views of the batch's frames."""
        config, rgb = self.config, batch.values["rgb"]
        large, views = config.crops.global_crops, config.crops.global_crops + config.crops.local_crops
        with exactly(batch.device):
            global_views = show(rgb, drawn, range(large), self.image_size)
            local_views = show(rgb, drawn, range(large, views), self.local_size)
            mean = self.feature_mean.value
            deviation = (self.feature_square.value - mean.square()).clamp(min=0).sqrt() + SMALLEST_DEVIATION
        with torch.no_grad():
            features, said = self.teacher(global_views, mean, deviation)
        learn_prototypes = step >= round(config.frozen_share * self.steps)
        sizes = [views_of_size for views_of_size in (global_views, local_views) if len(views_of_size)]
        logits = [self.student(sized, mean, deviation, learn_prototypes=learn_prototypes)[1] for sized in sizes]
        temperature = teacher_temperature(step, self.steps, config.teacher_temperature, config.temperature_warmup_share)
        with exactly(batch.device):
            targets = teacher_targets(said, self.centre.value, temperature)
            of_view = torch.cat(logits).unflatten(0, (views, -1))
            loss = distillation_loss(targets.unflatten(0, (large, -1)), of_view, config.student_temperature)
            self.centre.gather(said)
            self.feature_mean.gather(features)
            self.feature_square.gather(features.square())
            return Losses(loss, {"teacher entropy": mean_entropy(targets), "feature spread": feature_spread(features)})

    @torch.no_grad()
    def after_step(self, step: int, steps: int) -> None:
        """Let the teacher follow the student, and the running means what the teacher said in this step."""
        for running in (self.centre, self.feature_mean, self.feature_square):
            running.end_step(self.config.centre_momentum)
        stays = teacher_momentum(step, steps, self.config.momentum)
        for slow, fast in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            slow.lerp_(fast, 1 - stays)

    def encoder(self) -> VisionTransformer:
        """Return the teacher's ViT: the better of the two, and what the paper transfers."""
        return self.teacher.encoder

    def picture(self, batch: Batch) -> np.ndarray:
        """Draw frames and the principal components of their patch features."""
        return feature_sheet(self.teacher.encoder, batch.values["rgb"])

    def parameter_rates(self) -> Mapping[str, float]:
        """Let the student learn at the rate of this objective, which is a share of the suite's."""
        return {"student": self.config.lr_scale}


def mean_token(encoder: VisionTransformer, views: Tensor) -> Tensor:
    """Return the (N, width) float32 mean patch tokens of (N, 3, H, W) normalised views.

    Views need not have the encoder's size: position embeddings are resampled to their grid, as if it spanned the
    frame.
    """
    patches = encoder.patch_embed.proj(views)
    rows, columns = patches.shape[2:]
    tokens = patches.flatten(2).transpose(1, 2) + resampled_positions(encoder, rows, columns)
    first = prefix_tokens(encoder).expand(len(views), -1, -1)
    encoded = encoder.norm(encoder.blocks(encoder.norm_pre(torch.cat([first, tokens.to(first.dtype)], dim=1))))
    return encoded[:, first.shape[1] :].float().mean(dim=1)


def resampled_positions(encoder: VisionTransformer, rows: int, columns: int) -> Tensor:
    """Return (rows · columns, width) position embeddings of patches, interpolated where the grid is another."""
    positions = patch_positions(encoder)
    grid = round(len(positions) ** 0.5)
    if (rows, columns) == (grid, grid):
        return positions
    square = positions.T.reshape(1, -1, grid, grid)
    resampled = F.interpolate(square, (rows, columns), mode="bicubic", antialias=True)
    return resampled[0].flatten(1).T
