"""The encoder of a model under a suite: its architecture, its weights, and the ledger of what reached them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baselines.encoder import EncoderConfig, build_encoder, encoder_config
from baselines.frame_encoder import FrameEncoder, TimmFeatures, plain_encoder
from baselines.ledger import Entry, Ledger
from baselines.networks import TimmNetwork
from baselines.pretraining.loop import ENCODER_FILE
from baselines.tst.start import Start
from baselines.weights import WeightsFile, read_state
from baselines.zoo import Model
from benchmark.plan import Portion
from benchmark.suites import Suite
from benchmark.tasks import Task


def shape_of(suite: Suite) -> EncoderConfig:
    """Return the ViT of a suite, which every model without a network of its own shares."""
    return encoder_config(suite.pretrain.encoder, image_size=suite.rig.width)


def architecture(model: Model, suite: Suite, seed: int) -> FrameEncoder:
    """Return a model's encoder with random weights of a seed."""
    if model.network is None:
        return plain_encoder(build_encoder(shape_of(suite), seed=seed))
    return model.network.build(suite.rig.height, suite.rig.width, seed=seed)


def trained_encoder(
    model: Model, suite: Suite, seed: int, pretrained: Path | None, weights: WeightsFile | None
) -> FrameEncoder:
    """Return a model's encoder as its transfer finds it.

    Args:
        pretrained: folder of its pre-training here, None where there was none.
        weights: file of its training elsewhere, None where there was none.

    Raises:
        UserError: a file is damaged.
    """
    encoder = architecture(model, suite, seed)
    if pretrained is not None:
        features = encoder.network
        assert isinstance(features, TimmFeatures)  # what can be pre-trained is a ViT of timm
        features.model.load_state_dict(read_state(pretrained / ENCODER_FILE))
    elif model.network is not None and weights is not None:
        model.network.load(encoder, weights.path)
    return encoder


def start_of(model: Model, suite: Suite, seed: int, weights: WeightsFile | None) -> Start | None:
    """Return the trained network that an adapted model's pre-training goes on from, None for all others."""
    if weights is None or not isinstance(model.network, TimmNetwork):
        return None
    encoder = trained_encoder(model, suite, seed, None, weights)
    identity = {**model.network.identity, "weights": weights.sha256}
    return Start(encoder, suite.rig.width, model.network.call(encoder), identity)


def ledger_of(
    model: Model, before: Ledger, weights: WeightsFile | None, labelled: Sequence[Portion], task: Task
) -> Ledger:
    """Add to a pre-training's ledger what came with the network, and the labels that only an oracle may see.

    Args:
        before: what pre-training here wrote.
        labelled: frames of the test space whose labels the transfer reads; empty but for an oracle.
    """
    entries = (*(model.network.data if model.network else ()), *before.entries)
    read = ("rgb", *task.needs)
    entries += tuple(
        Entry(role="test", source=p.space, digest=p.digest, modalities=read, frames=len(p.rows), labels="task")
        for p in labelled
    )
    digests = {model.name: weights.sha256} if weights else {}
    return Ledger(entries=entries, teachers=before.teachers, weights=digests)
