"""Task experts: networks made for one task with labels of that task; they serve as encoders for all others too."""

from __future__ import annotations

from baselines.experts.blip import Blip
from baselines.experts.depth_anything import DepthAnything
from baselines.experts.mask2former import Mask2Former
from baselines.experts.network import ExpertNetwork
from baselines.experts.rt_detr import RTDetr
from baselines.ledger import Entry, Labels
from baselines.zoo.model import Model


def _web(source: str, images: int, labels: Labels) -> Entry:
    return Entry(role="web", source=source, modalities=("rgb",), frames=images, labels=labels)


IMAGENET_22K = _web("ImageNet-22k", 14_197_122, "classes")
IMAGENET_1K = _web("ImageNet-1k", 1_281_167, "classes")
ADE20K = _web("ADE20K", 20_210, "task")
LVD_142M = _web("LVD-142M", 142_000_000, "")
DEPTH_ANYTHING_IMAGES = _web("eight public sets of Depth Anything V2", 62_000_000, "pseudo")
DEPTH_ANYTHING_RENDERED = _web("five rendered sets of Depth Anything V2", 595_000, "task")
HYPERSIM = _web("Hypersim", 77_400, "task")
OBJECTS_365 = _web("Objects365", 1_742_289, "task")
COCO = _web("COCO", 118_287, "task")
COCO_CAPTIONS = _web("COCO", 113_287, "task")
BLIP_WEB = _web("web images of BLIP", 129_000_000, "texts")

SWIN_L = {
    "backbone_config": {
        "model_type": "swin",
        "image_size": 384,
        "embed_dim": 192,
        "depths": [2, 2, 18, 2],
        "num_heads": [6, 12, 24, 48],
        "window_size": 12,
        "drop_path_rate": 0.3,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
    },
    "num_queries": 100,
    "num_labels": 150,
}
DINOV2_S = {
    "backbone_config": {
        "model_type": "dinov2",
        "image_size": 518,
        "hidden_size": 384,
        "num_attention_heads": 6,
        "out_indices": [3, 6, 9, 12],
        "reshape_hidden_states": False,
    },
    "depth_estimation_type": "metric",
    "max_depth": 20,
}

EXPERTS = (
    Model(
        "mask2former",
        "Mask2Former with Swin-L, a segmenter: masks of ADE20K's 150 classes",
        network=ExpertNetwork(
            Mask2Former("facebook/mask2former-swin-large-ade-semantic", SWIN_L),
            (IMAGENET_22K, ADE20K),
            "CC BY-NC 4.0: no commercial use",
            200_991_348,
        ),
    ),
    Model(
        "depth-anything",
        "Depth Anything V2 Small for indoors: metres from one picture",
        network=ExpertNetwork(
            DepthAnything("depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf", DINOV2_S),
            (LVD_142M, DEPTH_ANYTHING_RENDERED, DEPTH_ANYTHING_IMAGES, HYPERSIM),
            parameters=22_056_192,
        ),
    ),
    Model(
        "rt-detr",
        "RT-DETR with ResNet-50, a detector: boxes of COCO's 80 classes",
        network=ExpertNetwork(
            RTDetr("PekingU/rtdetr_r50vd_coco_o365", {}), (IMAGENET_1K, OBJECTS_365, COCO), parameters=35_424_864
        ),
    ),
    Model(
        "blip",
        "BLIP base with ViT-B/16: captions in the manner of COCO",
        network=ExpertNetwork(
            Blip("Salesforce/blip-image-captioning-base", {}), (BLIP_WEB, COCO_CAPTIONS), parameters=86_090_496
        ),
    ),
)
