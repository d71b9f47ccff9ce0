"""The head that speaks: its vocabulary, what it learns from, and that it learns what it should."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.encoder import EncoderConfig, build_encoder
from baselines.frame_encoder import plain_encoder
from baselines.heads import HEADS, HeadSpec, Strength
from baselines.heads.text import LONGEST, TextHead
from baselines.heads.words import END, PAD, START, Vocabulary, mirrored, words_of
from baselines.transfer import LabelledFrames, TransferConfig, transfer

WORDS = ("a", "black", "left", "lamp", "on", "right", "the", "white", ",")
STRENGTHS: tuple[Strength, ...] = ("linear", "strong")


class Captions(SimpleNamespace):
    """Captions of frames, picked from as every truth is."""

    captions: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, rows: np.ndarray) -> Captions:
        return Captions(captions=tuple(self.captions[i] for i in rows))


def head(strength: Strength = "strong") -> TextHead:
    torch.manual_seed(0)
    built = HEADS["text"](HeadSpec("text", words=WORDS, strength=strength), 24, (2, 3))
    assert isinstance(built, TextHead)
    return built.eval()


def truth(*captions: tuple[str, ...], flipped: bool = False) -> torch.Tensor:
    marks = torch.full((len(captions),), flipped)
    return head().truth(Captions(captions=captions), marks, (8, 8))


def test_a_text_becomes_ids_and_comes_back() -> None:
    vocabulary = Vocabulary(WORDS)
    ids = vocabulary.ids("A white lamp, on the left.")
    assert (ids[0], ids[-1]) == (START, END)
    assert vocabulary.text(ids[1:]) == "a white lamp, on the left"


def test_words_that_are_unknown_are_passed_over_and_nothing_follows_the_end() -> None:
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.text(vocabulary.ids("a zebra lamp")[1:]) == "a lamp"
    assert vocabulary.text([END, *vocabulary.ids("a lamp")]) == ""


def test_left_and_right_change_places_in_a_mirrored_text_and_nothing_else_does() -> None:
    assert mirrored("On the left a lamp, left over; the right.") == "On the right a lamp, right over; the left."
    assert mirrored("leftover brightness") == "leftover brightness"


def test_the_truth_of_a_mirrored_frame_is_the_mirrored_caption() -> None:
    said = ("a lamp on the left", "the right lamp")
    assert torch.equal(truth(said, flipped=True), truth(tuple(mirrored(text) for text in said)))
    assert torch.equal(truth(said), truth(said, flipped=False))


def test_frames_may_have_different_numbers_of_captions() -> None:
    few, many = truth(("a", "the"), ("a", "on", "the", "left"))
    assert few[:, 0].tolist() == [START, START, PAD, PAD]
    assert many[:, 0].tolist() == [START] * 4


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_loss_is_the_cross_entropy_of_the_words_that_follow(strength: Strength) -> None:
    model = head(strength)
    tokens = torch.randn(2, 2, 3, 24)
    said = Captions(captions=(("a white lamp", "the lamp"), ("the",)))
    given = model.truth(said, torch.zeros(2, dtype=torch.bool), (8, 8))
    losses = []
    for frame, captions in enumerate(said.captions):
        for caption in captions:
            ids = torch.tensor([model.vocabulary.ids(caption)])
            likely = model.decoder(tokens[[frame]], ids[:, :-1]).log_softmax(-1)
            losses += (-likely[0, range(ids.shape[1] - 1), ids[0, 1:]]).tolist()
    expected = np.mean(losses)
    assert model.loss(tokens, (8, 8), given, torch.Generator()).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_no_word_looks_at_those_after_it(strength: Strength) -> None:
    model, tokens = head(strength), torch.randn(1, 2, 3, 24)
    one, two = torch.tensor([[START, 4, 5, 6]]), torch.tensor([[START, 4, 7, 8]])
    with torch.no_grad():
        torch.testing.assert_close(model.decoder(tokens, one)[:, :2], model.decoder(tokens, two)[:, :2])


def test_frames_without_captions_leave_no_trace() -> None:
    model, tokens = head(), torch.randn(1, 2, 3, 24)
    loss = model.loss(tokens, (8, 8), truth(()), torch.Generator())
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("strength", STRENGTHS)
def test_an_answer_has_at_least_one_word_and_comes_to_an_end(strength: Strength) -> None:
    model = head(strength)
    with torch.no_grad():
        said = model.answer(torch.randn(5, 2, 3, 24), (8, 8))
    assert said.shape == (5,)
    assert all(1 <= len(words_of(text)) <= LONGEST for text in said.tolist())


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_caption_longer_than_a_head_speaks_is_cut(strength: Strength) -> None:
    model = head(strength)
    given = model.truth(Captions(captions=((" ".join(["lamp"] * 90),),)), torch.zeros(1, dtype=torch.bool), (8, 8))
    assert given.shape[2] <= LONGEST + 1
    assert torch.isfinite(model.loss(torch.randn(1, 2, 3, 24), (8, 8), given, torch.Generator()))


def lamps(count: int, seed: int) -> tuple[LabelledFrames, list[str]]:
    """Frames with a bright or dark lamp on one side, and what they show."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(110, 140, (count, 32, 32, 3)).astype(np.uint8)
    said = []
    for frame in rgb:
        right, white = rng.integers(2, size=2)
        frame[8:24, 16 * right + 2 : 16 * right + 14] = 250 * white
        said.append(f"a {('black', 'white')[white]} lamp on the {('left', 'right')[right]}")
    return LabelledFrames(rgb, Captions(captions=tuple((text,) for text in said))), said


def learnt(strength: Strength, steps: int) -> tuple[list[str], list[str]]:
    """Return what a head says of validation frames after a transfer, and what they show."""
    (train, _), (validation, expected) = lamps(64, 0), lamps(16, 1)
    shape = EncoderConfig(image_size=32, patch_size=8, width=32, depth=1, heads=2)
    config = TransferConfig(
        protocol="finetune",
        head=HeadSpec("text", words=WORDS, strength=strength),
        steps=steps,
        batch=16,
        head_lr=3e-3,
        encoder_lr=1e-3,
        evaluations=1,
    )
    said: list[str] = []

    def score(parts: list[np.ndarray]) -> float:
        said.extend(np.concatenate(parts).tolist())
        return 0.0

    encoder = plain_encoder(build_encoder(shape, seed=0))
    transfer(encoder, config, train, validation.rgb, score, lambda texts: texts, device=torch.device("cpu"))
    return said, expected


def test_the_strong_head_learns_to_say_what_is_where_though_half_of_the_frames_are_mirrored() -> None:
    said, expected = learnt("strong", 100)
    assert np.mean([one == two for one, two in zip(said, expected, strict=True)]) > 0.9


def test_the_linear_head_learns_to_say_what_is_there() -> None:
    said, expected = learnt("linear", 60)
    assert np.mean([one.split()[1] == two.split()[1] for one, two in zip(said, expected, strict=True)]) > 0.9
