"""4M's encoder, as timm's ViT holds it, is what 4M's equations say of the weights in 4M's files.

Against the reference (https://github.com/apple/ml-4m, commit cda590f) it was compared outside this repository: random
weights of a whole ``FM`` model saved with safetensors, read by our loader, outputs beside those of ``FMViT``. The
largest difference was 3e-14 (B, 12 blocks) and 6e-14 (L, 24 blocks) in double precision, 9e-6 and 2e-5 in single.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from scipy.special import expit, softmax
from torch import Tensor

from baselines.encoder import sincos_grid
from baselines.fourm.vit import checkpoint_filter_fn
from baselines.frame_encoder import FrameEncoder, TimmFeatures
from baselines.ledger import Ledger, Track
from baselines.networks import TimmNetwork
from baselines.weights import fit, read_state
from baselines.zoo import ZOO
from sim_envs.errors import UserError

WIDTH, DEPTH, HEADS, HIDDEN = 48, 2, 3, 128
SHAPE = {"num_classes": 0, "embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}


def published(width: int = WIDTH, depth: int = DEPTH, hidden: int = HIDDEN, seed: int = 0) -> dict[str, Tensor]:
    """Return random weights under the names and in the shapes of a file of 4M, with parts that RGB does not need."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) / shape[-1] ** 0.5

    state = {
        "encoder_embeddings.rgb@224.proj.weight": random(width, 3 * 16 * 16),
        "encoder_embeddings.rgb@224.pos_emb": sincos_grid(14, width)[None],
        "encoder_embeddings.rgb@224.mod_emb": random(1, 1, width),
        "encoder_embeddings.caption.token_emb.weight": random(50, width),
        "decoder.0.self_attn.qkv.weight": random(3 * width, width),
        "decoder_norm.weight": random(width),
        "mask_token": random(1, 1, width),
        "encoder_norm.weight": 1 + random(width),
        "encoder_norm.bias": torch.zeros(width),
    }
    for i in range(depth):
        block = f"encoder.{i}."
        for norm in ("norm1", "norm2"):
            state |= {f"{block}{norm}.weight": 1 + random(width), f"{block}{norm}.bias": torch.zeros(width)}
        state |= {
            f"{block}attn.qkv.weight": random(3 * width, width),
            f"{block}attn.proj.weight": random(width, width),
            f"{block}mlp.fc1.weight": random(hidden, width),
            f"{block}mlp.fc3.weight": random(hidden, width),
            f"{block}mlp.fc2.weight": random(width, hidden),
        }
    return state


def as_written(state: dict[str, Tensor], rgb: np.ndarray) -> np.ndarray:
    """Compute 4M's tokens from normalised (B, 224, 224, 3) pixels, (B, 196, width), in numpy and double precision."""
    w = {name: value.double().numpy() for name, value in state.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * w[f"{name}.weight"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return np.einsum("bni,oi->bno", x, w[f"{name}.weight"])

    count = len(rgb)
    patches = rgb.reshape(count, 14, 16, 14, 16, 3).transpose(0, 1, 3, 2, 4, 5).reshape(count, 196, -1)
    embedding = "encoder_embeddings.rgb@224"
    x = linear(patches, f"{embedding}.proj") + w[f"{embedding}.pos_emb"] + w[f"{embedding}.mod_emb"]
    for i in range(DEPTH):
        block = f"encoder.{i}"
        qkv = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv").reshape(count, 196, 3, HEADS, WIDTH // HEADS)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)
        weight = softmax(np.einsum("bhqc,bhkc->bhqk", q, k) / (WIDTH // HEADS) ** 0.5, axis=-1)
        mixed = np.einsum("bhqk,bhkc->bqhc", weight, v).reshape(count, 196, WIDTH)
        x = x + linear(mixed, f"{block}.attn.proj")
        inner = norm(x, f"{block}.norm2")
        gate = linear(inner, f"{block}.mlp.fc1")
        x = x + linear(gate * expit(gate) * linear(inner, f"{block}.mlp.fc3"), f"{block}.mlp.fc2")
    return norm(x, "encoder_norm")


def small(size: int = 224) -> timm.models.VisionTransformer:
    return timm.create_model("fourm_base_patch16_224", img_size=size, **SHAPE).eval()


def test_tokens_are_what_the_equations_say(tmp_path: Path) -> None:
    state, model = published(), small()
    save_file(state, tmp_path / "model.safetensors")
    model.load_state_dict(checkpoint_filter_fn(read_state(tmp_path / "model.safetensors"), model))
    rgb = np.random.default_rng(0).normal(size=(2, 224, 224, 3))
    with torch.no_grad():
        tokens = model.double().forward_features(torch.from_numpy(rgb).permute(0, 3, 1, 2))
    np.testing.assert_allclose(tokens.numpy(), as_written(state, rgb), atol=1e-9)


def test_a_grid_of_tokens_comes_from_frames_of_any_size() -> None:
    model = small(256)
    model.load_state_dict(checkpoint_filter_fn(published(), model))
    encoder = FrameEncoder(TimmFeatures(model), WIDTH, size=(256, 256))
    with torch.no_grad():
        assert encoder(torch.rand(1, 3, 64, 64)).shape == (1, 16, 16, WIDTH)


def test_what_was_saved_from_timm_is_read_again() -> None:
    model = small()
    state = model.state_dict()
    assert checkpoint_filter_fn(state, model).keys() == state.keys()


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
@pytest.mark.parametrize("name", ["4m-7-b", "4m-21-b", "4m-21-l"])
def test_weights_of_the_published_shapes_fit_their_row_and_no_other(name: str) -> None:
    large, network = name.endswith("l"), ZOO[name].network
    other = ZOO["4m-21-b" if large else "4m-21-l"].network
    assert isinstance(network, TimmNetwork)
    assert isinstance(other, TimmNetwork)
    with torch.device("meta"):
        shapes = published(1024, 24, 2730) if large else published(768, 12, 2048)
        model, whole, another = network.model(), network.whole(None), other.model()
    state = {key: torch.zeros(()).expand(value.shape) for key, value in shapes.items()}  # of no size in memory
    fit(model, state, whole, network.timm_name, Path("model.safetensors"))
    with pytest.raises(UserError, match=r"model\.safetensors"):
        fit(another, state, another, other.timm_name, Path("model.safetensors"))


@pytest.mark.parametrize("without", ["encoder_embeddings.rgb@224.mod_emb", "encoder.1.mlp.fc3.weight"])
def test_a_file_without_a_part_is_refused(without: str, tmp_path: Path) -> None:
    state = published()
    del state[without]
    save_file(state, tmp_path / "model.safetensors")
    network = ZOO["4m-21-b"].network
    assert network is not None
    with pytest.raises(UserError, match="holds no weights of fourm_base"):
        network.check(tmp_path / "model.safetensors", 64, 64)


def test_norms_with_a_bias_are_another_network() -> None:
    state = published() | {"encoder.0.norm1.bias": torch.ones(WIDTH)}
    with pytest.raises(RuntimeError, match=r"blocks\.0\.norm1\.bias"):
        small().load_state_dict(checkpoint_filter_fn(state, small()))


def test_pseudo_labels_of_web_images_make_a_generalist_and_are_said() -> None:
    model = ZOO["4m-21-b"]
    assert model.network is not None
    assert {entry.labels for entry in model.network.data} == {"pseudo"}
    assert Ledger(entries=model.network.data).track is Track.GENERALIST
    assert "no commercial use" in model.network.licence
    assert "hf download EPFL-VILAB/4M-21_B model.safetensors" in model.network.how_to_get_weights("4m-21-b")


def test_it_can_be_adapted_to_the_test_space() -> None:
    assert ZOO["4m-21-b-adapted"].sources == {"test": 1.0}
