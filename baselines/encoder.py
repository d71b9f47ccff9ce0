"""The RGB encoder every model of the zoo shares: a plain timm ``VisionTransformer``.

A saved encoder is a ``.safetensors`` file that timm loads by itself, and a JSON file beside it that says how:
``timm.create_model(**call, checkpoint_path="encoder.safetensors")``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import safetensors
import timm
import torch
from safetensors.torch import load_file, save
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from sim_envs.errors import UserError, unknown
from sim_envs.storage import write_json, write_whole

TIMM_NAME = "vit_tiny_patch16_224"  # the smallest plain ViT of timm; every dimension is overridden
RGB_MEAN = (0.5, 0.5, 0.5)  # of sRGB in 0…1, as timm's plain ViTs take it
RGB_STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of a ViT.

    Attributes:
        image_size, patch_size: pixels, square; the first is a multiple of the second.
        width: of a token; a multiple of ``heads`` and of 4.
        depth: number of blocks.
        mlp_ratio: hidden width of a block's MLP over ``width``.
    """

    image_size: int = 64
    patch_size: int = 8
    width: int = 128
    depth: int = 4
    heads: int = 4
    mlp_ratio: float = 4.0

    def __post_init__(self) -> None:
        if self.patch_size < 1 or self.image_size < self.patch_size or self.image_size % self.patch_size:
            raise UserError(f"Image size {self.image_size} is not a multiple of the patch size {self.patch_size}.")
        if self.depth < 1 or self.heads < 1 or self.width < 4 or self.width % self.heads or self.width % 4:
            raise UserError(f"An encoder of width {self.width} cannot have {self.heads} heads and depth {self.depth}.")

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.image_size // self.patch_size

    @property
    def tokens(self) -> int:
        """Patches of one frame, without the class token."""
        return self.grid**2

    def timm_call(self) -> dict[str, Any]:
        """Return the keyword arguments of ``timm.create_model`` that build this encoder."""
        return {
            "model_name": TIMM_NAME,
            "img_size": self.image_size,
            "patch_size": self.patch_size,
            "embed_dim": self.width,
            "depth": self.depth,
            "num_heads": self.heads,
            "mlp_ratio": self.mlp_ratio,
            "num_classes": 0,
        }


ENCODERS: dict[str, EncoderConfig] = {
    "tiny": EncoderConfig(),
    "vit-xs": EncoderConfig(width=192, depth=6, heads=6),
    "vit-s": EncoderConfig(image_size=224, patch_size=16, width=384, depth=12, heads=6),
    "vit-b": EncoderConfig(image_size=224, patch_size=16, width=768, depth=12, heads=12),
}


def encoder_config(name: str, **changes: Any) -> EncoderConfig:
    """Return a named shape, with some fields changed (``image_size=128``)."""
    if name not in ENCODERS:
        raise unknown("encoder", name, ENCODERS)
    return replace(ENCODERS[name], **changes)


def build_encoder(config: EncoderConfig, *, seed: int = 0) -> VisionTransformer:
    """Return a freshly initialised encoder; the same seed gives the same weights, whatever ran before.

    Positions start as sines and cosines, and learn on from there. With timm's small random ones a run of a few
    hundred steps spends most of them on finding out where patches lie.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder: VisionTransformer = timm.create_model(**config.timm_call())
    with torch.no_grad():
        encoder.pos_embed[0, encoder.num_prefix_tokens :] = sincos_grid(config.grid, config.width)
    return encoder


def sincos_grid(grid: int, width: int) -> Tensor:
    """Return (grid², width) sines and cosines of row and column, as in MAE (He et al. 2022)."""
    frequency = 10_000.0 ** (-torch.arange(width // 4) / (width / 4))
    axis = torch.arange(grid)[:, None] * frequency
    rows = axis.repeat_interleave(grid, dim=0)
    columns = axis.repeat(grid, 1)
    return torch.cat([rows.sin(), rows.cos(), columns.sin(), columns.cos()], dim=1)


def normalise_rgb(rgb: Tensor) -> Tensor:
    """Turn (B, H, W, 3) uint8 sRGB into the (B, 3, H, W) float32 input of an encoder."""
    mean, std = (torch.tensor(v, device=rgb.device).view(3, 1, 1) for v in (RGB_MEAN, RGB_STD))
    return (rgb.permute(0, 3, 1, 2).to(torch.float32) / 255 - mean) / std


def encode_tokens(encoder: VisionTransformer, rgb: Tensor) -> Tensor:
    """Return (B, tokens, width) patch tokens, row by row from the top left, without the class token.

    Args:
        rgb: (B, 3, H, W) float, normalised by :func:`normalise_rgb`.
    """
    return encoder.forward_features(rgb)[:, encoder.num_prefix_tokens :]


def patch_positions(encoder: VisionTransformer) -> Tensor:
    """Return the (tokens, width) position embeddings of patches."""
    return encoder.pos_embed[0, 0 if encoder.no_embed_class else encoder.num_prefix_tokens :]


def prefix_tokens(encoder: VisionTransformer) -> Tensor:
    """Return the (1, P, width) class and register tokens that go before the patches, with their positions."""
    parts = [part for part in (encoder.cls_token, encoder.reg_token) if part is not None]
    if not parts:
        return encoder.pos_embed[:, :0]
    tokens = torch.cat(parts, dim=1)
    return tokens if encoder.no_embed_class else tokens + encoder.pos_embed[:, : encoder.num_prefix_tokens]


def save_encoder(
    encoder: VisionTransformer,
    config: EncoderConfig,
    path: Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    call: Mapping[str, Any] | None = None,
    mean: Sequence[float] = RGB_MEAN,
    std: Sequence[float] = RGB_STD,
) -> None:
    """Write ``path`` (``….safetensors``) and ``….json`` beside it, each whole or not at all.

    Args:
        provenance: JSON-like; how the weights came about.
        call: arguments of ``timm.create_model`` that build the network; None: those of ``config``.
        mean, std: of sRGB in 0…1, as the network takes it.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in encoder.state_dict().items()}
    call = dict(call or config.timm_call())
    arguments = ", ".join(f"{k}={v!r}" for k, v in call.items() if k != "model_name")
    write_json(
        path.with_suffix(".json"),
        {
            "load": f"timm.create_model({call['model_name']!r}, checkpoint_path={path.name!r}, {arguments})",
            "create_model": call,
            "timm": timm.__version__,
            "input": {"colour": "sRGB in 0…1, (value - mean) / std", "mean": list(mean), "std": list(std)},
            "config": asdict(config),
            "provenance": dict(provenance or {}),
        },
    )
    data = save(tensors, metadata={"format": "pt"})  # save_file would let nobody else read the file

    def write(beside: Path) -> None:
        beside.write_bytes(data)

    write_whole(path, write)


def load_encoder(path: Path) -> tuple[VisionTransformer, EncoderConfig]:
    """Read what :func:`save_encoder` wrote.

    Raises:
        UserError: a file is missing, damaged or of another shape than its JSON says.
    """
    sidecar = path.with_suffix(".json")
    for file in (path, sidecar):
        if not file.is_file():
            raise UserError(f"No such encoder file: {file}. Pre-train first, or name another one.")
    try:
        config = EncoderConfig(**json.loads(sidecar.read_text(encoding="utf-8"))["config"])
        encoder = build_encoder(config)
        encoder.load_state_dict(load_file(path))
    except (ValueError, KeyError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise UserError(f"Cannot load the encoder {path}: {error}. Delete it and pre-train again.") from error
    return encoder, config
