"""Number formats: where bfloat16 is faster than float32, and how to reach that speed.

On a CPU with bfloat16 instructions matrix products run about twice as fast, but the fused attention kernel's
backward pass is ten times slower than in float32 and eats the gain. Attention written out as two products and
a softmax keeps it: 1.5 to 1.8 times the speed of float32 for a small ViT on one core.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sim_envs.errors import UserError, unknown

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def pick_device(name: str = "auto") -> torch.device:
    """Return a device by name; ``auto`` is the first CUDA device where there is one, else the CPU.

    Raises:
        UserError: the device is not known to torch or not present.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"Unknown device '{name}'. Known: auto, cpu, cuda, cuda:0 …") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"Device '{name}' asks for a GPU, and torch finds none. Use --device cpu.")
    return device


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the format of matrix products; ``auto`` is bfloat16 where the hardware multiplies it.

    Weights, optimiser state, normalisations and losses stay float32 either way.
    """
    if name != "auto":
        if name not in PRECISIONS:
            raise unknown("precision", name, ["auto", *PRECISIONS])
        return PRECISIONS[name]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public way to ask
    return torch.bfloat16 if probe is not None and probe() else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Return the context in which matrix products run in ``dtype``."""
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def exactly(device: torch.device) -> torch.autocast:
    """Return the context in which everything runs in float32, inside :func:`autocast` too: for losses."""
    return torch.autocast(device.type, enabled=False)


def fit_attention(model: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Choose for every timm attention layer the form that is fast on this device in this format."""
    fused = not (device.type == "cpu" and dtype == torch.bfloat16)
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            setattr(module, "fused_attn", fused)  # noqa: B010 (mypy takes a module's attributes for tensors)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return softmax(q kᵀ / √d) v for (B, heads, tokens, d) tensors, in the form that is fast here."""
    if query.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        return scores.softmax(dim=-1) @ value
    return nn.functional.scaled_dot_product_attention(query, key, value)
