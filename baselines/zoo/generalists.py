"""Generalists: networks trained on web-scale images, as timm has them, with what they were trained on.

Sizes of data sets are those their authors state, rounded. A licence is named where weights are not free for all uses.
"""

from __future__ import annotations

from dataclasses import replace

from baselines.ledger import Entry, Labels
from baselines.networks import TimmNetwork
from baselines.zoo.model import Model
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED


def _web(source: str, images: int, labels: Labels = "") -> Entry:
    return Entry(role="web", source=source, modalities=("rgb",), frames=images, labels=labels)


LVD_142M = _web("LVD-142M", 142_000_000)
LVD_1689M = _web("LVD-1689M", 1_689_000_000)
WIT_400M = _web("OpenAI's WIT", 400_000_000, "texts")
LAION_400M = _web("LAION-400M", 400_000_000, "texts")  # also what EVA-CLIP, the teacher of EVA-02, was trained on
LAION_2B = _web("LAION-2B-en", 2_320_000_000, "texts")
WEBLI = _web("WebLI", 10_000_000_000, "texts")
MERGED_38M = _web("Merged-38M", 38_000_000)
IMAGENET_1K = _web("ImageNet-1k", 1_281_167)
IMAGENET_22K = _web("ImageNet-22k", 14_197_122)
IMAGENET_1K_CLASSES = _web("ImageNet-1k", 1_281_167, "classes")
IMAGENET_22K_CLASSES = _web("ImageNet-22k", 14_197_122, "classes")

_DINOV2 = "self-distillation on curated web images"
_CLIP = "contrastive learning on images and their texts"
_EVA02 = "masked modelling of EVA-CLIP's features"
_SIGLIP2 = "contrastive learning on images and their texts, captioning, self-distillation"
_DINOV3_LICENCE = "DINOv3 licence: to be accepted on the hub first, with conditions on use"
_NON_COMMERCIAL = "CC BY-NC 4.0: no commercial use"


def _row(name: str, timm_name: str, parameters: int, summary: str, *data: Entry, licence: str = "") -> Model:
    return Model(name, summary, network=TimmNetwork(timm_name, data, licence, parameters))


GENERALISTS = (
    _row("dinov2-s", "vit_small_patch14_dinov2.lvd142m", 21_628_800, f"DINOv2 ViT-S/14: {_DINOV2}", LVD_142M),
    _row("dinov2-b", "vit_base_patch14_dinov2.lvd142m", 85_724_928, f"DINOv2 ViT-B/14: {_DINOV2}", LVD_142M),
    _row("dinov2-l", "vit_large_patch14_dinov2.lvd142m", 303_227_904, f"DINOv2 ViT-L/14: {_DINOV2}", LVD_142M),
    _row("dinov2-g", "vit_giant_patch14_dinov2.lvd142m", 1_134_769_664, f"DINOv2 ViT-g/14: {_DINOV2}", LVD_142M),
    _row("dinov2-s-reg", "vit_small_patch14_reg4_dinov2.lvd142m", 21_629_952, "dinov2-s with registers", LVD_142M),
    _row("dinov2-b-reg", "vit_base_patch14_reg4_dinov2.lvd142m", 85_727_232, "dinov2-b with registers", LVD_142M),
    _row("dinov2-l-reg", "vit_large_patch14_reg4_dinov2.lvd142m", 303_230_976, "dinov2-l with registers", LVD_142M),
    _row("dinov2-g-reg", "vit_giant_patch14_reg4_dinov2.lvd142m", 1_134_774_272, "dinov2-g with registers", LVD_142M),
    _row(
        "dinov3-s",
        "vit_small_patch16_dinov3.lvd1689m",
        21_586_944,
        f"DINOv3 ViT-S/16: {_DINOV2}",
        LVD_1689M,
        licence=_DINOV3_LICENCE,
    ),
    _row(
        "dinov3-b",
        "vit_base_patch16_dinov3.lvd1689m",
        85_641_216,
        f"DINOv3 ViT-B/16: {_DINOV2}",
        LVD_1689M,
        licence=_DINOV3_LICENCE,
    ),
    _row(
        "dinov3-l",
        "vit_large_patch16_dinov3.lvd1689m",
        303_079_424,
        f"DINOv3 ViT-L/16: {_DINOV2}",
        LVD_1689M,
        licence=_DINOV3_LICENCE,
    ),
    _row(
        "clip-vit-b32",
        "vit_base_patch32_clip_quickgelu_224.openai",
        87_456_000,
        f"OpenAI's CLIP ViT-B/32: {_CLIP}",
        WIT_400M,
    ),
    _row(
        "clip-vit-b16",
        "vit_base_patch16_clip_quickgelu_224.openai",
        85_799_424,
        f"OpenAI's CLIP ViT-B/16: {_CLIP}",
        WIT_400M,
    ),
    _row(
        "clip-vit-l14",
        "vit_large_patch14_clip_quickgelu_224.openai",
        303_179_776,
        f"OpenAI's CLIP ViT-L/14: {_CLIP}",
        WIT_400M,
    ),
    _row("openclip-vit-b32", "vit_base_patch32_clip_224.laion2b", 87_456_000, f"OpenCLIP ViT-B/32: {_CLIP}", LAION_2B),
    _row("openclip-vit-b16", "vit_base_patch16_clip_224.laion2b", 85_799_424, f"OpenCLIP ViT-B/16: {_CLIP}", LAION_2B),
    _row(
        "openclip-vit-l14", "vit_large_patch14_clip_224.laion2b", 303_179_776, f"OpenCLIP ViT-L/14: {_CLIP}", LAION_2B
    ),
    _row("openclip-vit-h14", "vit_huge_patch14_clip_224.laion2b", 630_766_080, f"OpenCLIP ViT-H/14: {_CLIP}", LAION_2B),
    _row("siglip2-b", "vit_base_patch16_siglip_224.v2_webli", 85_797_120, f"SigLIP 2 ViT-B/16: {_SIGLIP2}", WEBLI),
    _row("siglip2-l", "vit_large_patch16_siglip_256.v2_webli", 303_299_584, f"SigLIP 2 ViT-L/16: {_SIGLIP2}", WEBLI),
    _row(
        "siglip2-so400m",
        "vit_so400m_patch14_siglip_224.v2_webli",
        412_442_352,
        f"SigLIP 2 So400m/14: {_SIGLIP2}",
        WEBLI,
    ),
    _row(
        "mae-b",
        "vit_base_patch16_224.mae",
        85_798_656,
        "MAE ViT-B/16: masked pixels",
        IMAGENET_1K,
        licence=_NON_COMMERCIAL,
    ),
    _row(
        "mae-l",
        "vit_large_patch16_224.mae",
        303_301_632,
        "MAE ViT-L/16: masked pixels",
        IMAGENET_1K,
        licence=_NON_COMMERCIAL,
    ),
    _row(
        "eva02-s", "eva02_small_patch14_224.mim_in22k", 21_620_352, f"EVA-02 S/14: {_EVA02}", IMAGENET_22K, LAION_400M
    ),
    _row("eva02-b", "eva02_base_patch14_224.mim_in22k", 85_757_184, f"EVA-02 B/14: {_EVA02}", IMAGENET_22K, LAION_400M),
    _row("eva02-l", "eva02_large_patch14_224.mim_m38m", 303_266_752, f"EVA-02 L/14: {_EVA02}", MERGED_38M, LAION_400M),
    _row(
        "deit3-s",
        "deit3_small_patch16_224.fb_in22k_ft_in1k",
        21_674_496,
        "DeiT III ViT-S/16: classes of images",
        IMAGENET_22K_CLASSES,
        IMAGENET_1K_CLASSES,
    ),
    _row(
        "deit3-b",
        "deit3_base_patch16_224.fb_in22k_ft_in1k",
        85_816_320,
        "DeiT III ViT-B/16: classes of images",
        IMAGENET_22K_CLASSES,
        IMAGENET_1K_CLASSES,
    ),
    _row(
        "deit3-l",
        "deit3_large_patch16_224.fb_in22k_ft_in1k",
        303_349_760,
        "DeiT III ViT-L/16: classes of images",
        IMAGENET_22K_CLASSES,
        IMAGENET_1K_CLASSES,
    ),
    _row(
        "convnext-t",
        "convnext_tiny.fb_in22k",
        27_818_592,
        "ConvNeXt-T, convolutional: classes of images",
        IMAGENET_22K_CLASSES,
    ),
    _row(
        "convnext-b",
        "convnext_base.fb_in22k",
        87_564_416,
        "ConvNeXt-B, convolutional: classes of images",
        IMAGENET_22K_CLASSES,
    ),
)


def any_timm(timm_name: str) -> Model:
    """Return ``timm:NAME``, for every network that timm has weights of.

    What it was trained on is for its authors to say; the ledger holds the tag of the weights and counts no frames.

    Raises:
        UserError: timm has no such network, or no weights of it.
    """
    network = TimmNetwork(timm_name)
    tag = network.configuration.tag or "default"
    data = _web(f"what timm's tag '{tag}' stands for", 0)
    full = f"{network.configuration.architecture}.{network.configuration.tag}".rstrip(".")
    return Model(f"timm:{timm_name}", f"{full} of timm, as it was trained", network=TimmNetwork(full, (data,)))


def adapted(base: Model) -> Model:
    """Return ``X-adapted``: the objective of ``tst`` in the test space, starting from the trained network of X.

    Raises:
        UserError: X is trained in the test space anyway, or its network is no plain ViT.
    """
    if not isinstance(base.network, TimmNetwork) or base.pretrains:
        raise UserError(f"{base.name}-adapted: only a network of timm can be adapted, and {base.name} is none.")
    if not base.network.is_plain_vit:
        raise UserError(
            f"{base.name}-adapted: {base.network.timm_name} is no plain ViT with learned positions, and masked"
            " modelling can go on from no other. Take one of DINOv2, CLIP, SigLIP 2, MAE or DeiT III."
        )
    return replace(
        base,
        name=f"{base.name}-adapted",
        summary=f"{base.name}, then the objective of tst in the test space",
        modalities=SENSED,
        sources={"test": 1.0},
    )
