"""The encoder is timm's, and what is saved loads with timm alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch

from baselines.encoder import (
    ENCODERS,
    EncoderConfig,
    build_encoder,
    encode_tokens,
    encoder_config,
    load_encoder,
    normalise_rgb,
    save_encoder,
)
from sim_envs.errors import UserError


@pytest.mark.parametrize("name", ["tiny", "vit-xs"])
def test_a_preset_gives_one_token_a_patch(name: str) -> None:
    config = ENCODERS[name]
    rgb = torch.randn(2, 3, config.image_size, config.image_size)
    assert encode_tokens(build_encoder(config), rgb).shape == (2, config.tokens, config.width)


def test_the_same_seed_gives_the_same_weights_whatever_ran_before(small_shape: EncoderConfig) -> None:
    first = build_encoder(small_shape, seed=3)
    torch.rand(7)
    second = build_encoder(small_shape, seed=3)
    other = build_encoder(small_shape, seed=4)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.patch_embed.proj.weight, other.patch_embed.proj.weight)


def test_near_patches_start_with_near_positions(small_shape: EncoderConfig) -> None:
    position = build_encoder(small_shape).pos_embed[0, 1:].detach()
    nearness = position @ position.T  # of a 4 × 4 grid
    assert nearness[5].argmax() == 5
    assert nearness[5, 6] > nearness[5, 7]
    assert nearness[5, 9] > nearness[5, 13]


def test_building_an_encoder_leaves_the_global_generator_alone(small_shape: EncoderConfig) -> None:
    before = torch.get_rng_state()
    build_encoder(small_shape, seed=5)
    assert torch.equal(before, torch.get_rng_state())


def test_a_saved_encoder_loads_with_timm_alone(small_shape: EncoderConfig, tmp_path: Path) -> None:
    encoder = build_encoder(small_shape, seed=1).eval()
    path = tmp_path / "encoder.safetensors"
    save_encoder(encoder, small_shape, path)
    call = json.loads(path.with_suffix(".json").read_text())["create_model"]
    theirs = timm.create_model(**call, checkpoint_path=str(path)).eval()
    rgb = torch.randn(2, 3, 32, 32)
    assert torch.equal(theirs.forward_features(rgb), encoder.forward_features(rgb))


def test_the_sentence_in_the_sidecar_is_a_call_that_works(
    small_shape: EncoderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = build_encoder(small_shape, seed=1)
    save_encoder(encoder, small_shape, tmp_path / "encoder.safetensors")
    monkeypatch.chdir(tmp_path)
    model = eval(json.loads(Path("encoder.json").read_text())["load"], {"timm": timm})
    assert torch.equal(model.pos_embed, encoder.pos_embed)


def test_load_encoder_returns_weights_and_shape(small_shape: EncoderConfig, tmp_path: Path) -> None:
    encoder = build_encoder(small_shape, seed=2)
    save_encoder(encoder, small_shape, tmp_path / "e.safetensors", provenance={"frames": 3})
    loaded, config = load_encoder(tmp_path / "e.safetensors")
    assert config == small_shape
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), loaded.parameters(), strict=True))


def test_a_cut_file_is_refused_by_name(small_shape: EncoderConfig, tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    save_encoder(build_encoder(small_shape), small_shape, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"e\.safetensors"):
        load_encoder(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such encoder file"):
        load_encoder(tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_size": 60},
        {"patch_size": 0},
        {"width": 100, "heads": 3},
        {"width": 126, "heads": 3},
        {"depth": 0},
        {"image_size": 4},
    ],
)
def test_shapes_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError):
        encoder_config("tiny", **wrong)


def test_an_unknown_preset_names_the_near_ones() -> None:
    with pytest.raises(UserError, match="tiny"):
        encoder_config("tini")


def test_normalised_rgb_runs_from_minus_one_to_one() -> None:
    rgb = torch.tensor([0, 255, 51], dtype=torch.uint8).view(1, 1, 1, 3)
    torch.testing.assert_close(normalise_rgb(rgb).flatten(), torch.tensor([-1.0, 1.0, -0.6]))
