"""Weights of others arrive whole or not at all: a network with a part of them, or with random ones, never runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from baselines.networks import TimmNetwork
from baselines.weights import WeightsFile
from sim_envs.errors import UserError

NETWORK = TimmNetwork("test_vit.r160_in1k")  # 0.4 million parameters; made for tests by timm's author


def published(
    folder: Path, suffix: str, name: str = NETWORK.timm_name, **arguments: Any
) -> tuple[Path, torch.nn.Module]:
    """Write a network of timm with its classifier as a hub would hold it."""
    torch.manual_seed(7)
    model: torch.nn.Module = timm.create_model(name, pretrained=False, **arguments).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    path = folder / f"model{suffix}"
    if suffix == ".safetensors":
        save_file(model.state_dict(), path, metadata={"format": "pt"})
    else:
        torch.save({"state_dict": model.state_dict(), "epoch": 3}, path)
    return path, model


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_loaded_encoder_gives_the_features_of_the_published_network(tmp_path: Path, suffix: str) -> None:
    path, theirs = published(tmp_path, suffix)
    encoder = NETWORK.build(160, 160)
    NETWORK.load(encoder, path)
    rgb = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        expected = theirs.forward_features(rgb)[:, theirs.num_prefix_tokens :]
        torch.testing.assert_close(encoder.network(rgb).flatten(2).transpose(1, 2), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "name", ["test_convnext.r160_in1k", "test_efficientnet.r160_in1k", "test_resnet.r160_in1k", "test_vit3.r160_in1k"]
)
def test_networks_of_other_kinds_load_as_well(tmp_path: Path, name: str) -> None:
    path, theirs = published(tmp_path, ".safetensors", name)
    network = TimmNetwork(name)
    encoder = network.build(160, 160)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    network.load(encoder, path)
    loaded = encoder.network.model.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in loaded.items())
    assert any(not torch.equal(value, encoder.state_dict()[key]) for key, value in before.items())


def test_position_embeddings_are_resampled_to_larger_frames(tmp_path: Path) -> None:
    path, theirs = published(tmp_path, ".safetensors")
    encoder = NETWORK.build(192, 256)
    NETWORK.load(encoder, path)
    assert encoder(torch.randn(1, 3, 192, 256)).shape == (1, 12, 16, 64)
    ours = encoder.network.model.pos_embed[0, -192:]  # type: ignore[union-attr,index]
    coarse, fine = theirs.pos_embed[0, -100:].mean(0), ours.mean(0)  # type: ignore[union-attr,index]
    torch.testing.assert_close(coarse, fine, atol=0.02, rtol=0)


def test_original_layouts_are_converted(tmp_path: Path) -> None:
    """OpenCLIP's files hold the image tower of timm under a prefix, beside a text tower that is not asked for."""
    path, theirs = published(tmp_path, ".safetensors")
    inner = {f"visual.trunk.{key}": value for key, value in theirs.state_dict().items() if not key.startswith("head")}
    save_file({**inner, "text.token_embedding.weight": torch.zeros(3, 3)}, path)
    encoder = NETWORK.build(160, 160)
    NETWORK.load(encoder, path)
    assert torch.equal(encoder.network.model.cls_token, theirs.cls_token)  # type: ignore[union-attr,arg-type]


def broken(path: Path, how: str) -> Path:
    state = {"cls_token": torch.zeros(1, 1, 64)}
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    elif how == "part":
        save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    elif how == "a list":
        torch.save([1, 2, 3], path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("how", ["cut", "empty", "text", "part"])
def test_a_broken_file_is_refused_by_name_before_a_run_and_in_it(tmp_path: Path, suffix: str, how: str) -> None:
    path = broken(published(tmp_path, suffix)[0], how)
    with pytest.raises(UserError, match=r"model\.(safetensors|pth)"):
        NETWORK.check(path, 64, 64)
    with pytest.raises(UserError, match=r"model\.(safetensors|pth)"):
        NETWORK.load(NETWORK.build(64, 64), path)


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.pth"):
        NETWORK.load(NETWORK.build(160, 160), broken(tmp_path / "model.pth", "a list"))


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"cls_token": Trap()}, tmp_path / "model.pth")
    with pytest.raises(UserError, match=r"model\.pth"):
        NETWORK.load(NETWORK.build(160, 160), tmp_path / "model.pth")
    assert not (tmp_path / "sprung").exists()


def test_weights_of_another_network_are_refused_with_what_is_missing(tmp_path: Path) -> None:
    path, _ = published(tmp_path, ".safetensors", "test_convnext.r160_in1k")
    with pytest.raises(UserError, match=r"no weights of test_vit\.r160_in1k.*are missing"):
        NETWORK.load(NETWORK.build(160, 160), path)


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    path, _ = published(tmp_path, ".safetensors", embed_dim=32)
    for act in (lambda: NETWORK.load(NETWORK.build(160, 160), path), lambda: NETWORK.check(path, 160, 160)):
        with pytest.raises(UserError, match="does not fit"):
            act()


def test_a_missing_file_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        NETWORK.find_weights("mine", tmp_path / "absent.pth")


def test_a_weights_file_knows_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert WeightsFile.of(tmp_path / "a").sha256.startswith("ba7816bf8f01cfea")  # FIPS 180-2, example B.1


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_without_cache_and_network_the_message_says_what_to_fetch_and_how_to_name_it(hub: Path) -> None:
    network = TimmNetwork("vit_small_patch14_dinov2.lvd142m")
    assert network.weights_at_hand() is None
    with pytest.raises(UserError) as error:
        network.find_weights("dinov2-s")
    assert "hf download timm/vit_small_patch14_dinov2.lvd142m model.safetensors" in str(error.value)
    assert "--weights dinov2-s=PATH" in str(error.value)


def test_a_file_in_the_hub_cache_is_used(hub: Path) -> None:
    repository = hub / "models--timm--vit_small_patch14_dinov2.lvd142m"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc", encoding="utf-8")
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"weights")
    network = TimmNetwork("vit_small_patch14_dinov2.lvd142m")
    assert network.find_weights("dinov2-s") == snapshot / "model.safetensors"
