"""Token modelling: codes bring patches back, hidden ones stay hidden, and the tokenizers stop when they should."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.batches import Batch, FramePool
from baselines.encoder import EncoderConfig, encode_tokens
from baselines.optim import adamw
from baselines.pretraining.objective import Losses
from baselines.tokens.config import TokenizerConfig, TokensConfig
from baselines.tokens.model import as_codes
from baselines.tokens.objective import MaskedTokens
from baselines.tokens.tokenizer import Tokenizer
from baselines.tst.adapters import Patches, cut
from baselines.tst.config import MaskedConfig
from baselines.tst.masking import Masks
from baselines.tst.model import DecoderConfig
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames

CPU = torch.device("cpu")
STEPS = 20


@pytest.fixture(scope="module")
def config(small_shape: EncoderConfig) -> TokensConfig:
    masked = MaskedConfig(encoder=small_shape, decoder=DecoderConfig(width=24, heads=2))
    return TokensConfig(masked, TokenizerConfig(width=32, depth=1))


@pytest.fixture(scope="module")
def batch(planes: SensedFrames) -> Batch:
    return FramePool([planes], SENSED, 32).batch(np.arange(8), CPU)


@pytest.fixture
def objective(config: TokensConfig) -> MaskedTokens:
    return MaskedTokens(config, steps=STEPS)


def losses_of(objective: MaskedTokens, batch: Batch, step: int = 0, seed: int = 0) -> Losses:
    drawn = objective.draw(np.random.default_rng(seed), len(batch.rows))
    return objective.losses(batch, drawn, step, objective.counts(batch, drawn))


def test_every_column_of_the_log_is_given(objective: MaskedTokens, batch: Batch) -> None:
    parts = losses_of(objective, batch).parts
    assert set(parts) == set(objective.loss_names)
    assert len(objective.loss_names) == 3 * len(SENSED)
    assert all(not part.requires_grad and part.ndim == 0 for part in parts.values())


def test_before_anything_is_learned_codes_are_guessed(objective: MaskedTokens, batch: Batch) -> None:
    parts = losses_of(objective, batch).parts
    for name in SENSED:
        assert float(parts[f"{name} tokens"]) == pytest.approx(1, abs=0.2)


def test_the_total_is_the_weighted_mean_of_tokens_and_errors(config: TokensConfig, batch: Batch) -> None:
    weights = {"rgb": 3.0, "edges": 0.0}
    objective = MaskedTokens(replace(config, masked=replace(config.masked, loss_weights=weights)), steps=STEPS)
    losses = losses_of(objective, batch)
    expected = sum(
        weights.get(name, 1.0) * float(losses.parts[f"{name} {column}"])
        for name in SENSED
        for column in ("tokens", "error")
    )
    assert float(losses.total.detach()) == pytest.approx(expected / 5, rel=1e-5)


def test_a_code_tells_of_its_own_patch_alone(objective: MaskedTokens, batch: Batch) -> None:
    patches = cut(batch, 8)
    changed = {name: values.clone() for name, values in patches.values.items()}
    for values in changed.values():
        values[:, 5] += 1.0
    for name in SENSED:
        tokenizer = objective.tokenizer(name)
        before, after = (tokenizer.look(_seen(tokenizer, p)) for p in (patches, Patches(changed, patches.measured)))
        same = torch.isclose(before, after, atol=1e-6).all(dim=-1).all(dim=0)
        assert same.nonzero().flatten().tolist() == [token for token in range(16) if token != 5]


def _seen(tokenizer: Tokenizer, patches: Patches) -> torch.Tensor:
    values = patches.values[tokenizer.name]
    if tokenizer.name == "depth":
        values = torch.cat([values, patches.measured["depth"].unsqueeze(2).float()], dim=2)
    return values.flatten(2)


def codes_of(objective: MaskedTokens, patches: Patches) -> tuple[dict[str, Tokenizer], dict[str, torch.Tensor]]:
    tokenizers = {name: objective.tokenizer(name) for name in SENSED}
    return tokenizers, {name: t.quantiser.to_levels(t.encode(patches)) for name, t in tokenizers.items()}


def test_what_is_hidden_has_no_influence_on_what_is_predicted_for_it(objective: MaskedTokens, batch: Batch) -> None:
    patches = cut(batch, 8)
    masks = objective.draw(np.random.default_rng(0), 8)
    tokenizers, levels = codes_of(objective, patches)
    visible = torch.zeros(8, 4 * 16, dtype=torch.bool).scatter(1, masks.visible, True).unflatten(1, (4, 16))
    other = {
        name: torch.where(visible[:, i, :, None], codes, (codes + 1) % tokenizers[name].quantiser.counts)
        for i, (name, codes) in enumerate(levels.items())
    }
    pixels = torch.where(visible[:, 0, :, None, None], patches.values["rgb"], 0.5)
    hidden = Patches(patches.values | {"rgb": pixels}, patches.measured)
    with torch.no_grad():
        first = objective.model(as_codes(patches, levels, tokenizers), masks)
        second = objective.model(as_codes(hidden, other, tokenizers), masks)
    for name in SENSED:
        torch.testing.assert_close(first[name], second[name])


def test_with_all_of_rgb_visible_the_encoder_is_the_one_that_transfer_uses(
    objective: MaskedTokens, batch: Batch
) -> None:
    masks = Masks(
        torch.arange(16).expand(8, -1), torch.zeros(8, 4, 1, dtype=torch.int64), torch.ones(8, 4, 1, dtype=torch.bool)
    )
    model, patches = objective.model.eval(), cut(batch, 8)
    tokenizers, levels = codes_of(objective, patches)
    with torch.no_grad():
        encoded = model.encode(model.adapters(as_codes(patches, levels, tokenizers), masks, model.encoder))[:, 1:]
        transferred = encode_tokens(objective.encoder(), batch.values["rgb"])
    torch.testing.assert_close(encoded, transferred, atol=1e-5, rtol=1e-4)


def test_tokenizers_learn_in_their_share_of_the_steps_and_are_frozen_after_it(
    objective: MaskedTokens, batch: Batch
) -> None:
    optimiser = adamw(objective, 1e-3, 0.05)

    def step(number: int) -> dict[str, torch.Tensor]:
        optimiser.zero_grad(set_to_none=True)
        losses_of(objective, batch, number).total.backward()
        optimiser.step()
        return copy.deepcopy(objective.tokenizers.state_dict())

    learned = [step(number) for number in (3, 4, 5, 6)]  # a quarter of 20 steps: 0 to 4
    assert objective.tokenizer_steps == 5
    assert not _equal(learned[0], learned[1])
    assert _equal(learned[1], learned[2])
    assert _equal(learned[2], learned[3])


def _equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_every_weight_gets_a_gradient_while_all_learns(objective: MaskedTokens, batch: Batch) -> None:
    losses_of(objective, batch).total.backward()
    without = [n for n, p in objective.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not without


def test_tokens_without_measurement_count_nowhere(objective: MaskedTokens, batch: Batch) -> None:
    blind = replace(batch, measured=batch.measured | {"depth": torch.zeros(8, 32, 32, dtype=torch.bool)})
    losses = losses_of(objective, blind)
    assert float(losses.parts["depth tokens"]) == 0
    assert float(losses.parts["depth error"]) == 0
    assert torch.isfinite(losses.total)


def test_a_batch_in_parts_has_the_loss_of_the_whole(objective: MaskedTokens, batch: Batch) -> None:
    drawn = objective.draw(np.random.default_rng(0), 8)
    parts = [slice(0, 4), slice(4, 8)]
    counts = torch.stack([objective.counts(batch[part], drawn[part]).float() for part in parts]).mean(dim=0)
    split = [float(objective.losses(batch[part], drawn[part], 0, counts).total.detach()) for part in parts]
    whole = float(objective.losses(batch, drawn, 0, objective.counts(batch, drawn)).total.detach())
    assert np.mean(split) == pytest.approx(whole, rel=1e-5)


def test_tokenizers_learn_to_bring_frames_back_and_codes_are_in_use(config: TokensConfig, batch: Batch) -> None:
    objective = MaskedTokens(replace(config, tokenizer_share=1.0), steps=70)
    optimiser = adamw(objective, 5e-3, 0.0)
    first = losses_of(objective, batch).parts
    for step in range(70):
        losses = losses_of(objective, batch, step, seed=step)
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
    for name in SENSED:
        assert float(losses.parts[f"{name} error"]) < 0.7 * float(first[f"{name} error"]), name
        assert float(losses.parts[f"{name} codes"]) > 4, name
        assert float(losses.parts[f"{name} tokens"]) < 0.9, name


def test_the_picture_has_a_row_a_modality_and_four_pictures_a_frame(objective: MaskedTokens, batch: Batch) -> None:
    sheet = objective.picture(batch[:3])
    assert sheet.shape == (4 * 32, 3 * 4 * 32, 3)
    truth = ((batch.values["rgb"][0].permute(1, 2, 0).numpy() * 0.5 + 0.5) * 255).round()
    np.testing.assert_allclose(sheet[:32, 96:128], truth, atol=1)


def test_equal_seeds_give_equal_weights_and_others_others(config: TokensConfig) -> None:
    first, again, other = (MaskedTokens(config, steps=STEPS, seed=seed).state_dict() for seed in (1, 1, 2))
    assert _equal(first, again)
    assert not _equal(first, other)


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_shares_that_are_none_are_refused(share: float) -> None:
    with pytest.raises(UserError, match="tokenizer_share"):
        TokensConfig(tokenizer_share=share)
