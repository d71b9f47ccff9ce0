"""The encoder of 4M (Mizrahi et al. 2023; Bachmann et al. 2024) for RGB alone, as a plain ViT of timm.

4M reads RGB as patches of pixels and everything else as tokens. With RGB as the only input its encoder is a ViT
without class token: patches of 16 × 16 pixels are projected, a learned modality embedding and fixed sines and cosines
are added, blocks follow (norm, attention, norm, SwiGLU; no bias anywhere), and a norm. So timm's ``VisionTransformer``
holds it: the modality embedding takes the place of the projection's bias. Importing this module makes timm know
the networks, their published weights, and how to read these.

The layout is that of https://github.com/apple/ml-4m, commit cda590f, whose code is Apache-2.0; this is our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.layers import SwiGLU, resample_abs_pos_embed
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

IMAGE_SIZE, PATCH_SIZE = 224, 16
RGB = f"encoder_embeddings.rgb@{IMAGE_SIZE}"
NAMES = {
    "encoder_norm.": "norm.",
    "encoder.": "blocks.",
    ".mlp.fc1.": ".mlp.fc1_g.",
    ".mlp.fc3.": ".mlp.fc1_x.",
}
"""Part of a name in 4M's files → in timm's ``VisionTransformer`` with ``SwiGLU``."""


def _published(repository: str) -> dict[str, Any]:
    return {
        "hf_hub_id": repository,
        "hf_hub_filename": "model.safetensors",
        "license": "Sample Code License of EPFL and Apple 1.1, non-commercial",
        "input_size": (3, IMAGE_SIZE, IMAGE_SIZE),
        "mean": IMAGENET_DEFAULT_MEAN,
        "std": IMAGENET_DEFAULT_STD,
        "first_conv": "patch_embed.proj",
        "classifier": "head",
        "num_classes": 0,
    }


default_cfgs = generate_default_cfgs(
    {
        "fourm_base_patch16_224.mod21": _published("EPFL-VILAB/4M-21_B"),
        "fourm_base_patch16_224.mod7_cc12m": _published("EPFL-VILAB/4M-7_B_CC12M"),
        "fourm_large_patch16_224.mod21": _published("EPFL-VILAB/4M-21_L"),
    }
)
"""timm's convention: what it knows about weights stands in the module that defines their networks, by this name."""


def checkpoint_filter_fn(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Turn the state of a whole 4M model into that of a ViT; timm's convention has it named so.

    Decoder, tokens of other modalities and biases of norms, which are zeros there, are left. A state in timm's own
    names stays as it is.

    Raises:
        KeyError: the state reads no RGB patches of 224-pixel images.
    """
    assert isinstance(model, VisionTransformer)
    if "patch_embed.proj.weight" in state:
        return dict(state)
    width = model.embed_dim
    projection = state[f"{RGB}.proj.weight"].reshape(width, PATCH_SIZE, PATCH_SIZE, 3)  # rows, columns, colours
    positions = state[f"{RGB}.pos_emb"]
    grid = model.patch_embed.grid_size
    found = {
        "patch_embed.proj.weight": projection.permute(0, 3, 1, 2),
        "patch_embed.proj.bias": state[f"{RGB}.mod_emb"].flatten(),
        "pos_embed": resample_abs_pos_embed(positions, new_size=list(grid), num_prefix_tokens=0),
    }
    for name, value in state.items():
        norm_bias = "norm" in name and name.endswith(".bias")
        if name.startswith(("encoder.", "encoder_norm.")) and not (norm_bias and not value.any()):
            found[_in_timm(name)] = value
    return found


def _in_timm(name: str) -> str:
    for theirs, ours in NAMES.items():
        if theirs.startswith(".") or name.startswith(theirs):
            name = name.replace(theirs, ours, 1)
    return name


def _fourm(name: str, **arguments: Any) -> VisionTransformer:
    shape: dict[str, Any] = {
        "pretrained": False,
        "img_size": IMAGE_SIZE,
        "patch_size": PATCH_SIZE,
        "mlp_ratio": 8 / 3,  # two thirds of 4: a gated MLP has three matrices where others have two
        "qkv_bias": False,
        "proj_bias": False,
        "class_token": False,
        "global_pool": "",
        "mlp_layer": SwiGLU,
        "act_layer": nn.SiLU,
        "norm_layer": partial(nn.LayerNorm, eps=1e-6, bias=False),
    }
    vit: VisionTransformer = build_model_with_cfg(VisionTransformer, name, **(shape | arguments))
    return vit


@register_model
def fourm_base_patch16_224(**arguments: Any) -> VisionTransformer:
    """Return the RGB encoder of 4M-B: 12 blocks of width 768."""
    return _fourm("fourm_base_patch16_224", **({"embed_dim": 768, "depth": 12, "num_heads": 12} | arguments))


@register_model
def fourm_large_patch16_224(**arguments: Any) -> VisionTransformer:
    """Return the RGB encoder of 4M-L: 24 blocks of width 1024."""
    return _fourm("fourm_large_patch16_224", **({"embed_dim": 1024, "depth": 24, "num_heads": 16} | arguments))
