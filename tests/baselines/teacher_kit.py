"""Tiny random networks of the ``transformers`` library, saved as their published relatives are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers


def save_sam(folder: Path) -> Path:
    """Save a SAM of two layers for inputs of 64 pixels."""
    config = transformers.SamConfig(
        vision_config={
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
            "mlp_dim": 32,
            "output_channels": 16,
            "global_attn_indexes": [0],
            "window_size": 4,
            "num_pos_feats": 8,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16,
            "mlp_dim": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )
    processor = transformers.SamImageProcessor(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}, mask_size={"longest_edge": 16}
    )
    return _save(transformers.SamModel, config, processor, folder, sure_of="mask_decoder.iou_prediction_head")


def save_rt_detr(folder: Path, categories: int = 80) -> Path:
    """Save an RT-DETR of one layer for inputs of 64 pixels."""
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = transformers.RTDetrConfig(
        backbone_config=backbone,
        encoder_hidden_dim=16,
        encoder_in_channels=[8, 16, 16],
        encoder_layers=1,
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        d_model=16,
        num_queries=12,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        num_denoising=0,
        num_labels=categories,
    )
    processor = transformers.RTDetrImageProcessor(size={"height": 64, "width": 64})
    return _save(transformers.RTDetrForObjectDetection, config, processor, folder, sure_of="class_embed")


def save_mask2former(folder: Path, categories: int = 133) -> Path:
    """Save a Mask2Former of one layer for inputs of 64 pixels."""
    backbone = transformers.SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        num_queries=10,
        num_labels=categories,
    )
    processor = transformers.Mask2FormerImageProcessor(size={"shortest_edge": 64, "longest_edge": 128}, size_divisor=32)
    return _save(transformers.Mask2FormerForUniversalSegmentation, config, processor, folder)


def _save(network: Any, config: Any, processor: Any, folder: Path, sure_of: str = "-") -> Path:
    """Save a random network; what it is ``sure_of`` gets large biases, so that its answers pass every threshold.

    Masks get contrast: those of random weights are all grey.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        made = network(config)
        for name, parameter in made.named_parameters():
            if sure_of in name and name.endswith("bias"):
                parameter.fill_(2.0)
            if "upscale_conv2" in name:
                parameter.mul_(1e6)
        made.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
