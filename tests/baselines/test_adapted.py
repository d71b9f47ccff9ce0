"""Adapting: masked modelling goes on from a trained ViT, which stays the network that it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file

from baselines.batches import Batch, FramePool
from baselines.frame_encoder import FrameEncoder, TimmFeatures
from baselines.ledger import Track
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import pretrain
from baselines.tst.adapters import cut
from baselines.tst.config import MaskedConfig
from baselines.tst.masked import MaskedModelling
from baselines.tst.masking import Masks
from baselines.tst.model import DecoderConfig, MaskedModel
from baselines.tst.start import Start, enlarged
from baselines.zoo import ZOO
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames

CPU = torch.device("cpu")
DECODER = DecoderConfig(width=24, heads=2)
PLAIN = [
    "vit_small_patch14_reg4_dinov2",  # registers, layer scale, no position of the class token
    "vit_base_patch32_clip_quickgelu_224",  # a norm before the blocks, no bias in the patch embedding
    "deit3_small_patch16_224",
    "vit_base_patch16_siglip_224",  # no class token
    "test_vit",
]


def start(name: str, frame_size: int = 32) -> Start:
    """Return a shallow network of a family with random weights, at twice or thrice the frames' size."""
    torch.manual_seed(0)
    call = {"model_name": name, "num_classes": 0, "global_pool": "", "img_size": [112, 112]}
    if "patch32" in name or "patch16" in name:
        call["img_size"] = [96, 96]
    features = TimmFeatures(timm.create_model(**call, depth=2))
    size = tuple(call["img_size"])
    encoder = FrameEncoder(features, features.channels, mean=(0.48, 0.46, 0.41), std=(0.27, 0.26, 0.28), size=size)
    return Start(encoder, frame_size, call | {"depth": 2}, {"timm": name, "weights": "0" * 64})


def adapting(begun: Start) -> MaskedModelling:
    return MaskedModelling(MaskedConfig(encoder=begun.config, decoder=DECODER), start=begun)


@pytest.fixture(scope="module")
def batch(planes: SensedFrames) -> Batch:
    return FramePool([planes], SENSED, 32).batch(np.arange(3), CPU)


@pytest.mark.parametrize("name", PLAIN)
def test_with_all_of_rgb_visible_the_adapted_encoder_is_the_network_that_transfer_uses(name: str, batch: Batch) -> None:
    begun = start(name)
    model = MaskedModel(begun.config, SENSED, DECODER, start=begun).eval()
    tokens = begun.config.tokens
    visible = torch.arange(tokens).expand(3, -1)
    masks = Masks(visible, torch.zeros(3, 4, 1, dtype=torch.int64), torch.ones(3, 4, 1, dtype=torch.bool))
    patches = cut(enlarged(batch, begun.config.image_size), begun.config.patch_size)
    with torch.no_grad():
        encoded = model.encode(model.adapters(patches, masks, model.encoder))[:, -tokens:]
        transferred = begun.encoder(batch.values["rgb"]).flatten(1, 2)
    torch.testing.assert_close(encoded, transferred, atol=1e-4, rtol=1e-3)


def test_frames_are_enlarged_with_what_was_measured(batch: Batch) -> None:
    larger = enlarged(batch, 96)
    assert all(values.shape[2:] == (96, 96) for values in larger.values.values())
    for name in ("depth", "normals", "edges"):
        assert torch.equal(larger.values[name][:, :, 1::3, 1::3], batch.values[name])
        assert torch.equal(larger.measured[name][:, 1::3, 1::3], batch.measured[name])
    assert enlarged(batch, 32) is batch


def test_an_adapted_encoder_has_moved_and_loads_with_timm_alone(planes: SensedFrames, tmp_path: Path) -> None:
    begun = start("test_vit")
    before = {name: value.clone() for name, value in begun.vit.state_dict().items()}
    config = LoopConfig(steps=3, batch=4)
    pretrain(adapting(begun), config, [planes], tmp_path, device="cpu")
    after = load_file(tmp_path / "encoder.safetensors")
    assert all(not torch.equal(before[name], after[name]) for name in ("pos_embed", "patch_embed.proj.weight"))
    sidecar = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    assert sidecar["input"]["mean"] == [0.48, 0.46, 0.41]
    assert sidecar["provenance"]["objective"]["start"]["weights"] == "0" * 64
    theirs = timm.create_model(**sidecar["create_model"], checkpoint_path=str(tmp_path / "encoder.safetensors"))
    assert all(torch.equal(value, after[name]) for name, value in theirs.state_dict().items())


def test_the_weights_that_know_something_learn_ten_times_slower(planes: SensedFrames, tmp_path: Path) -> None:
    begun = start("test_vit")
    before = {name: value.clone() for name, value in begun.vit.state_dict().items()}
    config = LoopConfig(steps=1, batch=4, lr=1e-3, warmup_share=0)
    pretrain(adapting(begun), config, [planes], tmp_path, device="cpu")
    moved = max(float((value - before[name]).abs().max()) for name, value in begun.vit.state_dict().items())
    assert moved == pytest.approx(1e-4, rel=0.2)  # AdamW's first step is the learning rate in every direction


def test_a_checkpoint_of_another_start_is_refused(planes: SensedFrames, tmp_path: Path) -> None:
    begun = start("test_vit")
    config = LoopConfig(steps=1, batch=2)
    pretrain(adapting(begun), config, [planes], tmp_path, device="cpu")
    other = Start(begun.encoder, 32, begun.call, {"timm": "test_vit", "weights": "1" * 64})
    with pytest.raises(UserError, match="checkpoint"):
        pretrain(adapting(other), config, [planes], tmp_path, device="cpu")


def test_an_adapted_row_adds_the_test_space_to_what_its_network_saw() -> None:
    from benchmark.commands.models import ledger_of

    model = ZOO["dinov2-s-adapted"]
    assert (model.name, model.modalities, model.network) == ("dinov2-s-adapted", SENSED, ZOO["dinov2-s"].network)
    assert ledger_of(model).track is Track.ADAPTED


@pytest.mark.parametrize("name", ["dinov3-s-adapted", "convnext-t-adapted", "tst-adapted", "mock-adapted"])
def test_what_cannot_be_adapted_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}: .*(plain ViT|network of timm)"):
        ZOO[name]
