"""One step in other number formats and on other devices: the same losses and nearly the same gradient."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from baselines.augmentation import Augmentation, draw_changes
from baselines.batches import CPU, FramePool
from baselines.precision import autocast, fit_attention
from baselines.pretraining.loop import pretrain
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames
from tests.baselines.pretraining_kit import CONFIG, masked

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
GPU = pytest.param("cuda", marks=needs_gpu)


def one_step(
    frames: SensedFrames, device: str, precision: torch.dtype, modalities: tuple[str, ...]
) -> tuple[dict[str, float], torch.Tensor]:
    """Return the losses of a step, and its whole gradient as one vector."""
    where = torch.device(device)
    objective = masked(modalities).to(where)
    fit_attention(objective, where, precision)
    pool = FramePool([frames], modalities, 32, device=where)
    changes = draw_changes(Augmentation(), torch.Generator().manual_seed(1), 40)
    batch = pool.batch(np.arange(40), where, changes=changes)
    with autocast(where, precision):
        drawn = objective.draw(np.random.default_rng(2), 40)
        losses = objective.losses(batch, drawn, 0, objective.counts(batch, drawn))
    losses.total.backward()
    gradient = torch.cat([p.grad.flatten().cpu() for p in objective.parameters() if p.grad is not None])
    return {name: float(loss) for name, loss in losses.parts.items()}, gradient


@pytest.mark.parametrize("modalities", [("rgb",), SENSED], ids=["rgb", "all"])
@pytest.mark.parametrize(
    ("device", "precision", "loss_off", "turned"),
    [
        pytest.param("cpu", torch.bfloat16, 0.01, 0.02, id="cpu-bfloat16"),
        pytest.param("cuda", torch.float32, 1e-4, 1e-4, id="gpu-float32", marks=needs_gpu),
        pytest.param("cuda", torch.bfloat16, 0.01, 0.02, id="gpu-bfloat16", marks=needs_gpu),
    ],
)
def test_a_step_agrees_with_float32_on_the_cpu(
    planes: SensedFrames,
    modalities: tuple[str, ...],
    device: str,
    precision: torch.dtype,
    loss_off: float,
    turned: float,
) -> None:
    losses, gradient = one_step(planes, "cpu", torch.float32, modalities)
    others, other = one_step(planes, device, precision, modalities)
    assert others == pytest.approx(losses, rel=loss_off)
    assert torch.nn.functional.cosine_similarity(gradient, other, dim=0) > 1 - turned
    assert float(other.norm()) == pytest.approx(float(gradient.norm()), rel=max(turned, 1e-3))


@needs_gpu
def test_a_run_on_a_gpu_learns_what_one_on_the_cpu_does(planes: SensedFrames, tmp_path: Path) -> None:
    config = replace(CONFIG, precision="float32")
    cpu = pretrain(masked(), config, [planes], tmp_path / "cpu", device=CPU)
    gpu = pretrain(masked(), config, [planes], tmp_path / "gpu", device="cuda")
    assert gpu.losses == pytest.approx(cpu.losses, rel=0.01)
    theirs = load_file(tmp_path / "cpu" / "encoder.safetensors")
    for name, value in load_file(tmp_path / "gpu" / "encoder.safetensors").items():
        torch.testing.assert_close(value, theirs[name], rtol=0.01, atol=1e-3)
    assert gpu.utilisation is None or 0 < gpu.utilisation < 1
    assert 0 <= gpu.data_wait_share < 1


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_compiled_blocks_learn_the_same(
    planes: SensedFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    if device == "cpu":  # traced and differentiated as always, but not through a C++ compiler, which takes minutes
        traced = functools.partialmethod(torch.nn.Module.compile, backend="aot_eager")
        monkeypatch.setattr(torch.nn.Module, "compile", traced)
    config = replace(CONFIG, precision="float32", steps=3)
    plain = pretrain(masked(), config, [planes], tmp_path / "plain", device=device)
    compiled = pretrain(masked(), replace(config, compile=True), [planes], tmp_path / "compiled", device=device)
    assert compiled.losses == pytest.approx(plain.losses, rel=1e-3)
    theirs = load_file(tmp_path / "plain" / "encoder.safetensors")
    for name, value in load_file(tmp_path / "compiled" / "encoder.safetensors").items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-4)
