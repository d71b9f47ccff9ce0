"""What decides the weights of a self-distillation, besides frames, encoder and the loop's own numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from baselines.augmentation import UNCHANGED, Augmentation
from sim_envs.errors import UserError


@dataclass(frozen=True)
class CropPlan:
    """How a frame is cut into views. Sides and deviations that the paper gives for 224 pixels scale with the frame.

    Attributes:
        global_crops, local_crops: how many of a frame; the teacher sees the global ones alone.
        global_area, local_area: least and greatest share of the frame's area.
        local_side: of a local view, as a share of a global view's, rounded to whole patches.
        brightness, contrast, saturation: largest change of a factor of 1.
        hue: largest turn, as a share of the circle.
        jittered, grey: probability that a view's colours are changed, and that they are taken away.
        blurred, solarised: probabilities for the first global view, the second one, and the local ones.
        blur: greatest deviation of the blur, as a share of a global view's side.
    """

    global_crops: int = 2
    local_crops: int = 4
    global_area: tuple[float, float] = (0.4, 1.0)
    local_area: tuple[float, float] = (0.05, 0.4)
    local_side: float = 96 / 224
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.2
    hue: float = 0.1
    jittered: float = 0.8
    grey: float = 0.2
    blurred: tuple[float, float, float] = (1.0, 0.1, 0.5)
    solarised: tuple[float, float, float] = (0.0, 0.2, 0.0)
    blur: float = 2 / 224

    def __post_init__(self) -> None:
        if self.global_crops < 2 or self.local_crops < 0:
            raise UserError("Self-distillation compares views: it needs two global crops or more.")
        for low, high in (self.global_area, self.local_area):
            if not 0 < low <= high <= 1:
                raise UserError(f"Crops of {low} to {high} of a frame's area: shares rise, above 0 and at most 1.")
        if not (0 < self.local_side <= 1 and self.blur > 0):
            raise UserError("local_side must be above 0 and at most 1, and blur above 0.")
        if not all(0 <= value < 1 for value in (self.brightness, self.contrast, self.saturation)):
            raise UserError("brightness, contrast and saturation must be in 0…1.")

    def local_size(self, image_size: int, patch_size: int) -> int:
        """Return the pixels of a local view's side: whole patches, two at least."""
        return patch_size * max(2, round(self.local_side * image_size / patch_size))


@dataclass(frozen=True)
class SelfDistillationConfig:
    """Everything of the method that is not the loop's.

    The paper's numbers are for 100 epochs or more of a million images. What it gives in epochs stands here as a share
    of the steps; targets are sharper than its own (0.04 to 0.07) and the teacher follows faster (0.996).

    Attributes:
        augmentation: of the frames, before they are cut into views.
        lr_scale: what the loop's learning rate is multiplied by.
        outputs: of the head: how many prototypes a view is compared with.
        hidden, bottleneck: widths of the head, over the encoder's.
        student_temperature: divides the student's logits.
        teacher_temperature: of the first step and after the warm-up; below the student's, so that targets are sharp.
        temperature_warmup_share: of the steps, in which the teacher's temperature rises.
        momentum: of the teacher in the first step; it rises to 1 along half a cosine.
        centre_momentum: of the running mean that is taken off the teacher's logits, and of the moments of features.
        frozen_share: of the steps, in which the head's last layer stays as it began.
    """

    crops: CropPlan = field(default_factory=CropPlan)
    augmentation: Augmentation = UNCHANGED
    lr_scale: float = 0.5
    outputs: int = 1024
    hidden: float = 4.0
    bottleneck: float = 1.0
    student_temperature: float = 0.1
    teacher_temperature: tuple[float, float] = (0.02, 0.04)
    temperature_warmup_share: float = 0.3
    momentum: float = 0.99
    centre_momentum: float = 0.9
    frozen_share: float = 0.02

    def __post_init__(self) -> None:
        if not self.lr_scale > 0:
            raise UserError("lr_scale must be above 0.")
        if self.outputs < 2 or self.hidden <= 0 or self.bottleneck <= 0:
            raise UserError("A head needs two outputs or more, and widths above 0.")
        if min(self.student_temperature, *self.teacher_temperature) <= 0:
            raise UserError("Temperatures must be above 0.")
        if not (0 <= self.momentum <= 1 and 0 <= self.centre_momentum < 1):
            raise UserError("momentum must be in 0…1, and centre_momentum below 1.")
        if not (0 <= self.temperature_warmup_share <= 1 and 0 <= self.frozen_share < 1):
            raise UserError("temperature_warmup_share and frozen_share must be shares of the steps.")

    def plain(self) -> dict[str, Any]:
        """Return the configuration as JSON-like values."""
        crops = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.crops).items()}
        return asdict(self) | {"crops": crops, "teacher_temperature": list(self.teacher_temperature)}
