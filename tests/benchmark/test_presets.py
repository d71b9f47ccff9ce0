"""Presets: a suite names one, overrides fields of it, and is then no different from one that writes them out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from baselines.batches import Batch
from baselines.encoder import ENCODERS, encoder_config
from baselines.pretraining.result import gigaflops
from baselines.tst.config import MaskedConfig
from baselines.tst.masked import MaskedModelling
from benchmark.suites import PretrainBudget, load_suite
from benchmark.suites.presets import PRESETS
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED, modality
from tests.benchmark.test_run import SUITE
from tests.command_line import run_command


def test_a_preset_is_its_fields_written_out_and_others_override_it() -> None:
    preset = PRESETS["small"]
    assert PretrainBudget(preset="small") == PretrainBudget(**preset.budget())
    budget = PretrainBudget(preset="small", steps=7)
    assert (budget.steps, budget.encoder, budget.batch) == (7, "vit-s", 256)
    assert "preset" not in budget.model_dump()


def test_an_unknown_preset_names_the_known(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(SUITE | {"pretrain": {"preset": "smal"}}), encoding="utf-8")
    with pytest.raises(UserError, match=r"pretrain: Unknown preset 'smal'.*small"):
        load_suite(str(path))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_an_encoder_made_for_its_frames_and_none_by_its_own_name(name: str) -> None:
    preset = PRESETS[name]
    assert ENCODERS[preset.encoder].image_size == preset.frame_size
    assert name not in ENCODERS or preset.encoder == name


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_the_operations_stated_are_those_counted(name: str) -> None:
    preset = PRESETS[name]
    objective = MaskedModelling(MaskedConfig(encoder_config(preset.encoder), SENSED))
    size = preset.frame_size
    values = {name: torch.rand(1, modality(name).channels, size, size) for name in SENSED}
    measured = {name: torch.ones(1, size, size, dtype=torch.bool) for name in SENSED}
    counted = gigaflops(objective, Batch(values, measured, np.zeros(1, np.int64)), preset.batch)
    assert counted / 1000 == pytest.approx(preset.teraflops_per_step, rel=0.02)


def test_the_table_is_printed_with_what_was_not_measured_said(capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "presets")
    assert done.code == 0
    assert all(name in done.out for name in ("tiny", "small", "base", "12 blocks of width 768"))
    assert "counted, not measured" in done.out
