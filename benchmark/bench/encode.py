"""``encode``: the RGB encoder as heads get it, beside the same ViT as timm has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import timm
import torch
from torch import Tensor

from baselines.encoder import RGB_MEAN, RGB_STD, build_encoder, encoder_config, normalise_rgb
from baselines.frame_encoder import plain_encoder
from baselines.precision import pick_device
from benchmark.bench.contest import OURS, Contest, Disagreement, Goal, Job, Settings, Side

GOAL = Goal("ratio", 0.98)
LARGEST_DIFFERENCE = 1e-4  # of features, whose standard deviation is 1


def bare_features(model: torch.nn.Module, rgb: Tensor) -> Tensor:
    """Return (B, rows, columns, width) patch tokens, with timm alone."""
    mean, std = (torch.tensor(values, device=rgb.device).view(1, 3, 1, 1) for values in (RGB_MEAN, RGB_STD))
    frames = (rgb.permute(0, 3, 1, 2).float() / 255 - mean) / std
    tokens: Tensor = model.forward_features(frames)[:, 1:]  # type: ignore[operator]
    side = round(tokens.shape[1] ** 0.5)
    return tokens.unflatten(1, (side, side))


def on_device(device: torch.device, compute: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Return a function that computes without gradients and waits for the device to be done."""

    def run() -> Tensor:
        with torch.inference_mode():
            found = compute()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return found

    return run


def same_features(ours: Tensor, theirs: Tensor) -> str:
    """Return how far two sets of features are apart, or raise :class:`Disagreement`."""
    difference = float((ours - theirs).abs().max())
    if not difference <= LARGEST_DIFFERENCE:
        raise Disagreement(f"features differ by up to {difference:g}")
    return f"features within {difference:.0e}"


def _contests(settings: Settings, stack: ExitStack) -> Iterator[Contest]:
    del stack
    torch.set_num_threads(1)
    sizes, device = settings.sizes, pick_device(settings.device)
    config = encoder_config(sizes.encoder, image_size=sizes.encoder_pixels)
    ours = plain_encoder(build_encoder(config)).to(device)
    bare = timm.create_model(**config.timm_call()).to(device).eval()
    bare.load_state_dict(build_encoder(config).state_dict())
    shape = (sizes.batch, sizes.encoder_pixels, sizes.encoder_pixels, 3)
    rgb = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).to(device)
    yield Contest(
        f"{sizes.encoder} at {sizes.encoder_pixels}²",
        sizes.batch,
        "frames",
        Side(OURS, "bytes to patch tokens, through FrameEncoder", on_device(device, lambda: ours(normalise_rgb(rgb)))),
        (
            Side(
                f"timm {timm.__version__}",
                "bytes to patch tokens, through forward_features of a model with the same weights",
                on_device(device, lambda: bare_features(bare, rgb)),
            ),
        ),
        goal=GOAL,
        agree=same_features,
        clock="wall" if device.type == "cuda" else "processor",
    )


JOB = Job("inference of the RGB encoder, float32", "timm's own ViT", str(GOAL), _contests)
