"""Captioning on a real recording: the same truth every time, sums that add up, and no reward for a constant caption."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from pycocoevalcap.cider.cider import Cider

from benchmark.captions.references import COUNT, References, references
from benchmark.forms import Frames, concatenate
from benchmark.metrics.captions import DocumentFrequency, cider_d
from benchmark.metrics.captions_tokens import tokens
from benchmark.tasks import TASKS, Task
from benchmark.tasks.captioning import CAPTIONING
from sim_envs.generate import generate
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import Recording

Frame = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A flat at 48 × 48, 20 short walks to train on and 20 to score."""
    recipe = Recipe(space="builtin/flat-31", width=48, height=48, splits={"train": (2, 4), "test": (20, 5)})
    return generate(recipe, home=tmp_path_factory.mktemp("home"), workers=1)


@pytest.fixture(scope="module")
def truth(recording: Recording) -> References:
    return references(recording, recording.indices("test"))


def corpus_of(truth: References) -> list[Frame]:
    return [[tokens(caption) for caption in frame] for frame in truth.captions]


def first_of_each(truth: References) -> np.ndarray:
    return np.array([frame[0] if frame else "Nothing." for frame in truth.captions])


def test_captioning_fulfils_the_contract_of_a_task(recording: Recording, truth: References) -> None:
    assert TASKS["captioning"] is CAPTIONING
    assert isinstance(CAPTIONING, Task)
    rows = recording.indices("test")
    encoded = CAPTIONING.encode_prediction(np.full(len(rows), "a white bed"))
    prediction = CAPTIONING.conclude(encoded, rows, recording.trajectory_ids[rows])
    assert prediction[0] == "A white bed."
    assert CAPTIONING.form.check(prediction, Frames(rows, 48, 48)) == ""
    statistics = CAPTIONING.statistics(prediction, truth, recording.trajectory_ids[rows])
    scope = CAPTIONING.scope(statistics.total, CAPTIONING.seen([truth]))
    assert statistics.sums.shape == (20, *CAPTIONING.sum_shape)
    assert set(CAPTIONING.metrics(statistics.total, scope)) == {m.key for m in CAPTIONING.measures}
    assert statistics.frames.sum() == CAPTIONING.has_truth(truth).sum() == statistics.total[0]


def test_frames_have_several_captions_of_their_own(truth: References) -> None:
    assert all(len(set(frame)) == COUNT for frame in truth.captions)
    assert len({caption for frame in truth.captions for caption in frame}) > 0.8 * COUNT * len(truth)


def test_a_frame_has_the_same_captions_and_corpus_whatever_others_are_asked_for(
    recording: Recording, truth: References
) -> None:
    rows = recording.indices("test")
    mixed = references(recording, np.array([rows[7], recording.indices("train")[0], rows[3]]))
    assert (mixed.captions[0], mixed.captions[2]) == (truth.captions[7], truth.captions[3])
    assert mixed.corpora[mixed.corpus[2]] == truth.corpora[0]
    assert mixed.corpora[mixed.corpus[1]] != truth.corpora[0]


def test_references_are_picked_from_and_put_together_like_arrays(recording: Recording, truth: References) -> None:
    one, two = truth[np.array([4, 2])], references(recording, recording.indices("train")[:3])
    both = concatenate([one, two])
    assert both.captions == (truth.captions[4], truth.captions[2], *two.captions)
    assert [both.corpora[i] for i in both.corpus] == [truth.corpora[0]] * 2 + [two.corpora[0]] * 3


def test_the_cider_of_a_split_equals_the_servers(recording: Recording, truth: References) -> None:
    prediction = np.roll(first_of_each(truth), 1)
    statistics = CAPTIONING.statistics(prediction, truth, recording.trajectory_ids[recording.indices("test")])
    scored = [i for i, frame in enumerate(truth.captions) if frame]
    true = {i: [" ".join(tokens(c)) for c in truth.captions[i]] for i in scored}
    said = {i: [" ".join(tokens(str(prediction[i])))] for i in scored}
    ours = CAPTIONING.metrics(statistics.total, CAPTIONING.scope(statistics.total, ()))["cider_d"]
    assert float(ours) == pytest.approx(Cider().compute_score(true, said)[0], abs=1e-9)


def test_sums_over_parts_of_the_frames_add_up_to_those_over_all(recording: Recording, truth: References) -> None:
    prediction, trajectory = np.roll(first_of_each(truth), 3), recording.trajectory_ids[recording.indices("test")]
    whole = CAPTIONING.statistics(prediction, truth, trajectory).total
    parts = [np.arange(0, 31), np.arange(31, len(truth))]
    sums = [CAPTIONING.statistics(prediction[rows], truth[rows], trajectory[rows]).total for rows in parts]
    np.testing.assert_allclose(sum(sums), whole)


def best_constant(corpus: list[Frame], frequency: DocumentFrequency, exact: int = 8) -> tuple[float, str]:
    """Return the highest mean CIDEr-D that one caption reaches on all frames, and that caption.

    Tried are all references, their beginnings and runs of two to four words; those are scored exactly that promise most
    by their mean overlap with all references.
    """
    mean: dict[tuple[str, ...], float] = defaultdict(float)
    weight = frequency.weight

    def weighted(words: tuple[str, ...], n: int) -> dict[tuple[str, ...], float]:
        grams = [words[i : i + n] for i in range(len(words) - n + 1)]
        vector = {gram: grams.count(gram) * weight(gram) for gram in set(grams)}
        norm = sum(w * w for w in vector.values()) ** 0.5
        return {gram: w / norm for gram, w in vector.items()} if norm else {}

    for frame in corpus:
        for caption in frame:
            for n in (1, 2, 3, 4):
                for gram, w in weighted(caption, n).items():
                    mean[gram] += w / len(frame) / len(corpus)
    tried = {caption[:k] for frame in corpus for caption in frame for k in range(2, len(caption) + 1)} | {*mean}
    promise = {c: sum(w * mean[g] for n in (1, 2, 3, 4) for g, w in weighted(c, n).items()) for c in tried}
    best = sorted(tried, key=lambda c: (-promise[c], c))[:exact]
    return max((float(np.mean([cider_d(c, frame, frequency) for frame in corpus])), " ".join(c)) for c in best)


def test_no_constant_caption_comes_near_what_the_frames_own_captions_score(truth: References) -> None:
    corpus = [frame for frame in corpus_of(truth) if frame]
    frequency = truth.corpora[0]
    constant, _ = best_constant(corpus, frequency)
    agreement = float(np.mean([cider_d(frame[0], frame[1:], frequency) for frame in corpus]))
    assert constant < 0.6  # of 10
    assert constant < 0.5 * agreement


def test_the_truth_is_shown_as_all_its_captions_and_a_prediction_as_one(truth: References) -> None:
    first, rgb, colours = truth[np.array([0])], np.zeros((48, 48, 3), np.uint8), np.zeros((1, 3), np.uint8)
    one = CAPTIONING.display(np.array(["A bed."]), first, rgb, colours)
    every = CAPTIONING.display(first, first, rgb, colours)
    assert every.shape[0] > one.shape[0]
    assert CAPTIONING.in_words(first_of_each(first), first).startswith("CIDEr-D ")
    assert CAPTIONING.in_words(np.array(["Quux."]), first) == "CIDEr-D 0"
