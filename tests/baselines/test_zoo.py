"""Every row of the zoo is well formed, is what timm has, and can learn; unknown names are answered with near ones."""

from __future__ import annotations

from functools import cache

import pytest
import timm
import torch
from torchvision.transforms.v2 import functional as T

from baselines.encoder import normalise_rgb
from baselines.frame_encoder import FrameEncoder
from baselines.ledger import Ledger, Track
from baselines.networks import TimmNetwork
from baselines.zoo import FAMILIES, ZOO
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED

FRAME = 64  # pixels
NETWORKS = [name for name in ZOO if ZOO[name].network]
FROM_TIMM = [name for name in NETWORKS if isinstance(ZOO[name].network, TimmNetwork)]
ONE_OF_A_KIND = ["mock", "efficientnet-lite0", "dinov3-s"]


@cache
def shapes_alone(name: str) -> FrameEncoder:
    """The encoder of a row on torch's ``meta`` device, which computes shapes and no values: the largest fit there."""
    network = ZOO[name].network
    assert network is not None
    with torch.device("meta"):
        return network.build(FRAME, FRAME)


@pytest.mark.parametrize("name", list(ZOO))
def test_a_row_reads_sensed_modalities_from_shares_that_sum_to_one(name: str) -> None:
    model = ZOO[name]
    assert model.name == name
    assert set(model.modalities) <= set(SENSED)
    assert model.pretrains == (model.sources is not None)
    if model.sources:
        assert sum(model.sources.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_encoder_gives_a_grid_of_tokens_and_every_weight_counts_and_can_learn(name: str) -> None:
    network, encoder = ZOO[name].network, shapes_alone(name)
    assert network is not None
    tokens = encoder(torch.zeros(2, 3, FRAME, FRAME, device="meta"))
    assert tokens.ndim == 4
    assert (len(tokens), tokens.shape[3]) == (2, encoder.channels)
    assert 7 <= tokens.shape[1] == tokens.shape[2] <= 28
    assert encoder.parameter_count == network.parameters
    tokens.sum().backward()
    without = [key for key, parameter in encoder.named_parameters() if parameter.grad is None]
    assert not without


@pytest.mark.parametrize("name", FROM_TIMM)
def test_a_network_of_timm_has_weights_there_and_gets_frames_as_they_were_trained_on(name: str) -> None:
    network = ZOO[name].network
    assert isinstance(network, TimmNetwork)
    assert network.timm_name in timm.list_pretrained()
    assert network.repository.split("/")[0] in ("timm", "EPFL-VILAB")
    config = timm.get_pretrained_cfg(network.timm_name)
    assert shapes_alone(name).size == (min(224, config.input_size[1]),) * 2
    rgb = torch.randint(256, (1, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    encoder = FrameEncoder(torch.nn.Identity(), 3, mean=network.identity["mean"], std=network.identity["std"])
    expected = T.normalize(rgb.permute(0, 3, 1, 2) / 255, list(config.mean), list(config.std))
    torch.testing.assert_close(encoder.prepare(normalise_rgb(rgb)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_the_same_seed_gives_the_same_tokens_and_another_one_others(name: str) -> None:
    network = ZOO[name].network
    assert network is not None
    rgb = torch.rand(1, 3, FRAME, FRAME, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        first, again, other = (network.build(FRAME, FRAME, seed=seed)(rgb) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.isfinite(first).all()


@pytest.mark.parametrize("name", FROM_TIMM)
def test_data_of_the_web_make_a_generalist_whatever_its_labels(name: str) -> None:
    network = ZOO[name].network
    assert network is not None
    assert all(entry.role == "web" and entry.frames > 1e6 for entry in network.data)
    assert Ledger(entries=network.data).track is Track.GENERALIST


def test_any_network_of_timm_is_a_row_of_its_own() -> None:
    model = ZOO["timm:resnet50"]
    assert model.name == "timm:resnet50"
    assert model.network is not None
    assert (
        model.network.identity["timm"] == "resnet50.a1_in1k"
    )  # the tag is resolved, so a stage on disk means one thing
    assert Ledger(entries=model.network.data).track is Track.GENERALIST


def test_networks_that_take_no_size_but_their_own_get_it_and_others_keep_large_frames() -> None:
    with torch.device("meta"):
        assert TimmNetwork("crossvit_tiny_240.in1k").build(64, 64).size == (240, 240)
        assert TimmNetwork("crossvit_tiny_240.in1k").build(256, 256).size == (240, 240)
        assert TimmNetwork("resnet18.a1_in1k").build(256, 320).size == (256, 320)
        assert TimmNetwork("hiera_tiny_224.mae").build(64, 64).size == (224, 224)  # it has no norm for its features


@pytest.mark.parametrize("name", ["timm:vit_base_patch14_dinov22", "timm:resnet50.none", "timm:"])
def test_what_timm_lacks_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="timm model"):
        ZOO[name]


def test_controls_with_a_number_draw_from_so_many_external_spaces() -> None:
    model = ZOO["tst-external:4"]
    assert (model.name, model.external_spaces, model.modalities) == ("tst-external:4", 4, SENSED)
    assert ZOO["mae-external:1"].modalities == ("rgb",)


@pytest.mark.parametrize("name", ["tst-external:0", "tst-external:", "mae-external:many", "tst-external:-1"])
def test_a_number_of_spaces_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="number of external spaces"):
        ZOO[name]


@pytest.mark.parametrize(("name", "near"), [("tts", "tst"), ("dinov2-x", "dinov2-s"), ("tim:resnet50", "Known")])
def test_an_unknown_model_names_the_near_ones(name: str, near: str) -> None:
    with pytest.raises(UserError, match=near):
        ZOO[name]


def test_families_are_no_rows_by_themselves() -> None:
    assert "timm" not in ZOO
    assert all(f"{family}:x" not in list(ZOO) for family in FAMILIES)
