"""Experts small enough for a test, and their published folders: random weights, real files of transformers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from baselines.experts.blip import Blip
from baselines.experts.depth_anything import DepthAnything
from baselines.experts.expert import Expert
from baselines.experts.mask2former import Mask2Former
from baselines.experts.network import ExpertNetwork
from baselines.experts.rt_detr import RTDetr
from baselines.ledger import Entry

LABELS = {
    "semseg": ["wall", "bed ", "windowpane", "sky", "painting, picture"],
    "detection": ["person", "couch", "airplane", "backpack", "handbag"],
}
WORDS = ["[PAD]", "[BOS]", "[SEP]", "a", "chair", "beside", "the", "table", "lamp", "wall"]

SWIN = {"model_type": "swin", "image_size": 64, "embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]}
STAGES = {"window_size": 4, "out_features": ["stage1", "stage2", "stage3", "stage4"]}
SMALL: dict[type[Expert], dict[str, Any]] = {
    Mask2Former: {
        "backbone_config": SWIN | STAGES,
        "feature_size": 32,
        "mask_feature_size": 32,
        "hidden_dim": 32,
        "encoder_feedforward_dim": 16,
        "dim_feedforward": 16,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "num_attention_heads": 2,
        "num_queries": 6,
        "num_labels": len(LABELS["semseg"]),
    },
    DepthAnything: {
        "backbone_config": {
            "model_type": "dinov2",
            "image_size": 56,
            "patch_size": 14,
            "hidden_size": 16,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "out_indices": [1, 2, 3, 4],
            "reshape_hidden_states": False,
        },
        "reassemble_hidden_size": 16,
        "neck_hidden_sizes": [4, 8, 16, 16],
        "fusion_hidden_size": 8,
        "head_hidden_size": 4,
        "depth_estimation_type": "metric",
        "max_depth": 20,
    },
    RTDetr: {
        "backbone_config": {
            "model_type": "rt_detr_resnet",
            "embedding_size": 8,
            "hidden_sizes": [8, 8, 16, 16],
            "depths": [1, 1, 1, 1],
            "layer_type": "basic",
            "out_indices": [2, 3, 4],
        },
        "encoder_in_channels": [8, 16, 16],
        "encoder_hidden_dim": 16,
        "encoder_ffn_dim": 16,
        "encoder_attention_heads": 2,
        "d_model": 16,
        "decoder_in_channels": [16, 16, 16],
        "decoder_ffn_dim": 16,
        "decoder_layers": 1,
        "decoder_attention_heads": 2,
        "num_queries": 12,
        "num_denoising": 0,
        "num_labels": len(LABELS["detection"]),
    },
    Blip: {
        "vision_config": {
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
        },
        "text_config": {
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "encoder_hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 32,
            "bos_token_id": 1,
            "sep_token_id": 2,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
    },
}
KINDS = list(SMALL)
DATA = (Entry(role="web", source="nothing real", modalities=("rgb",), frames=10, labels="task"),)


def small(kind: type[Expert]) -> ExpertNetwork:
    """Return an expert of a kind with a shape for tests."""
    return ExpertNetwork(kind("tests/small", SMALL[kind]), DATA)


def publish(kind: type[Expert], folder: Path, *, seed: int = 0) -> tuple[Path, Any]:
    """Write a small expert as the hub would hold it; return the folder and the model that was written."""
    expert = small(kind).expert
    torch.manual_seed(seed)
    model = expert.random_model().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    if kind.task in LABELS:
        model.config.id2label = dict(enumerate(LABELS[kind.task]))
        model.config.label2id = {label: number for number, label in enumerate(LABELS[kind.task])}
    model.save_pretrained(folder)
    processor = expert.classes()[2]
    size = {"shortest_edge": 64, "longest_edge": 96} if kind is Mask2Former else {"height": 64, "width": 64}
    if kind is DepthAnything:
        size = {"height": 56, "width": 56}
    processor(size=size).save_pretrained(folder)
    if kind is Blip:
        words = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[PAD]"))
        words.pre_tokenizer = Whitespace()
        special = {"pad_token": "[PAD]", "bos_token": "[BOS]", "sep_token": "[SEP]", "eos_token": "[SEP]"}
        PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)
    return folder, model


def other_shape(network: ExpertNetwork, **changes: Any) -> ExpertNetwork:
    """Return an expert whose published network has another shape."""
    expert = replace(network.expert, shape=dict(network.expert.shape) | changes)
    return replace(network, expert=expert)
