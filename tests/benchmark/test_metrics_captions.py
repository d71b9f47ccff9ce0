"""Captioning measures equal the code of the COCO captioning server to 1e-6, and published figures."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from benchmark.metrics.captions import (
    CAPTION_SUMS,
    DocumentFrequency,
    bleu_counts,
    caption_metrics,
    caption_sums,
    cider_d,
    rouge_l,
)
from benchmark.metrics.captions_tokens import tokens

Words = tuple[str, ...]
Corpus = list[tuple[Words, list[Words]]]

# Few words, so that captions and references share n-grams, repeat them and run into the clipping.
sentences = st.lists(st.sampled_from(["a", "chair", "red", "on", "é"]), min_size=1, max_size=12).map(tuple)
captions = st.one_of(st.just(()), sentences)
corpora = st.lists(st.tuples(captions, st.lists(sentences, min_size=1, max_size=4)), min_size=1, max_size=6)


def measured(corpus: Corpus) -> dict[str, float]:
    said, true = [c for c, _ in corpus], [r for _, r in corpus]
    frequency = DocumentFrequency.of(true)
    sums = caption_sums(said, true, np.arange(len(corpus)), len(corpus), frequency)
    return {name: float(value) for name, value in caption_metrics(sums.sum(axis=0)).items()}


def server(corpus: Corpus) -> dict[str, float]:
    """Return the measures as the server's code gives them."""
    said = {i: [" ".join(c)] for i, (c, _) in enumerate(corpus)}
    true = {i: [" ".join(r) for r in references] for i, (_, references) in enumerate(corpus)}
    return {
        "cider_d": float(Cider().compute_score(true, said)[0]),
        "bleu_4": float(Bleu(4).compute_score(true, said, verbose=0)[0][3]),
        "rouge_l": float(Rouge().compute_score(true, said)[0]),
    }


@settings(deadline=None, max_examples=150)
@given(corpora)
def test_every_measure_of_a_corpus_equals_the_servers(corpus: Corpus) -> None:
    assert measured(corpus) == pytest.approx(server(corpus), abs=1e-6)


def test_every_measure_equals_the_servers_on_a_large_random_corpus() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(40)])

    def sentence() -> Words:
        return tuple(words[np.minimum(39, rng.geometric(0.12, rng.integers(1, 25)))].tolist())

    corpus = [(sentence(), [sentence() for _ in range(rng.integers(1, 6))]) for _ in range(200)]
    assert measured(corpus) == pytest.approx(server(corpus), abs=1e-6)


def test_the_cider_of_each_frame_equals_the_servers() -> None:
    corpus: Corpus = [
        (tokens("a red chair"), [tokens("a red chair"), tokens("there is a red chair")]),
        (tokens("a bed"), [tokens("two beds and a lamp")]),
        (tokens("a lamp a lamp a lamp"), [tokens("a lamp")]),
    ]
    frequency = DocumentFrequency.of(r for _, r in corpus)
    said = {i: [" ".join(c)] for i, (c, _) in enumerate(corpus)}
    true = {i: [" ".join(r) for r in references] for i, (_, references) in enumerate(corpus)}
    each = Cider().compute_score(true, said)[1]
    assert [cider_d(c, r, frequency) for c, r in corpus] == pytest.approx(list(each), abs=1e-9)


def test_a_caption_that_is_its_only_reference_scores_ten() -> None:
    corpus: Corpus = [(tokens(s), [tokens(s)]) for s in ("a red chair on a rug", "two beds and one lamp")]
    assert measured(corpus) == pytest.approx({"cider_d": 10, "bleu_4": 1, "rouge_l": 1})


def test_clipped_counts_are_those_of_the_paper_on_bleu() -> None:
    # Papineni et al. 2002, examples 1 and 2: 17/18 and 10/17, 8/14 and 1/13, 2/7.
    references = [
        tokens("It is a guide to action that ensures that the military will forever heed Party commands"),
        tokens(
            "It is the guiding principle which guarantees the military forces always being under the command of the "
            "Party"
        ),
        tokens("It is the practical guide for the army always to heed the directions of the party"),
    ]
    first = tokens("It is a guide to action which ensures that the military always obeys the commands of the party")
    second = tokens("It is to insure the troops forever hearing the activity guidebook that party direct")
    assert bleu_counts(first, references)[[5, 1, 6, 2]].tolist() == [17, 18, 10, 17]
    assert bleu_counts(second, references)[[5, 1, 6, 2]].tolist() == [8, 14, 1, 13]
    cats = [tokens("The cat is on the mat"), tokens("There is a cat on the mat")]
    assert bleu_counts(tokens("the the the the the the the"), cats)[[5, 1]].tolist() == [2, 7]


def test_longest_common_subsequences_are_those_of_the_paper_on_rouge() -> None:
    # Lin 2004, section 3: three quarters and one half, whatever β.
    reference = [tokens("police killed the gunman")]
    assert rouge_l(tokens("police kill the gunman"), reference) == pytest.approx(0.75)
    assert rouge_l(tokens("the gunman kill police"), reference) == pytest.approx(0.5)


def test_sums_of_trajectories_add_up_to_those_of_the_corpus() -> None:
    true = [[tokens("a bed")], [tokens("a red chair"), tokens("one chair")], [tokens("a lamp on a desk")]]
    said = [tokens("a bed"), tokens("a chair"), tokens("a desk")]
    frequency = DocumentFrequency.of(true)
    apart = caption_sums(said, true, np.array([0, 1, 0]), 2, frequency)
    together = caption_sums(said, true, np.zeros(3, int), 1, frequency)
    assert apart.shape == (2, len(CAPTION_SUMS))
    assert apart.sum(axis=0) == pytest.approx(together[0])


def test_frames_without_a_reference_are_not_scored_nor_of_the_corpus() -> None:
    true = [[tokens("a bed")], [], [tokens("a lamp")]]
    frequency = DocumentFrequency.of(true)
    sums = caption_sums([tokens("a bed")] * 3, true, np.arange(3), 3, frequency)
    assert frequency.frames == 2
    assert sums[1].tolist() == [0] * len(CAPTION_SUMS)
    assert np.isnan(caption_metrics(sums[1])["cider_d"])


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A red chair.", "a red chair"),
        ("A close-up of it's door, isn't it?", "a close-up of it 's door is n't it"),
        ("“Two” (big) tables — at 2.5 m!", "two big tables at 2.5 m"),
        ("Ein Café´s", "ein café s"),
        ("  ...  ", ""),
    ],
)
def test_tokens_are_lower_case_words_without_punctuation(caption: str, words: str) -> None:
    assert " ".join(tokens(caption)) == words


@pytest.mark.skipif(shutil.which("java") is None, reason="the Stanford tokenizer needs Java")
def test_tokens_equal_the_stanford_tokenizer_on_captions() -> None:
    said = [
        "A close-up of a brown, wooden chair; there's a lamp on the left.",
        "Two pictures hang on the wall. The bed isn't far away!",
        "In the middle of the room: 3 chairs, 2.5 m from a table...",
        "Don't walk: the dog's bowl, they're here, we'll see, I've been, I'd go, I'm in.",
        "There is nothing but a wall?",
    ]
    reference = PTBTokenizer().tokenize({i: [{"caption": s}] for i, s in enumerate(said)})
    assert [" ".join(tokens(s)) for s in said] == [reference[i][0] for i in range(len(said))]
