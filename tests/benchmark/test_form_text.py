"""Texts on disk: what comes back, and what is refused, by the frame it is about."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from benchmark.forms import Frames, concatenate
from benchmark.forms.text import LONGEST_CHARACTERS, LONGEST_WORDS, Text
from benchmark.prediction_schema import prediction_schema
from benchmark.predictions import MANIFEST, SpacePrediction, file_name, load_prediction, save_predictions
from benchmark.tasks.captioning import CAPTIONING
from sim_envs.errors import UserError

FORM = Text("a sentence")


def flaw(*texts: str) -> str:
    return FORM.check(np.array(texts), Frames(np.arange(len(texts)) + 7, 8, 8))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("aZé窓😀 .,'–", min_size=1, max_size=20), min_size=1, max_size=5))
def test_texts_come_back_from_a_file_as_they_were(texts: list[str]) -> None:
    answers = np.array(texts)
    file = io.BytesIO()
    np.savez_compressed(file, **FORM.pack(answers))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        assert FORM.unpack(arrays, len(texts)).tolist() == texts


@pytest.mark.parametrize("text", ["A bed.", "Ein weißes Café – 2,5 m entfernt!", "窓", "x" * LONGEST_CHARACTERS])
def test_a_sentence_in_any_language_can_be_scored(text: str) -> None:
    assert flaw(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("...!", "has no word"),
        ("a " * (LONGEST_WORDS + 1), f"has {LONGEST_WORDS + 1} words"),
        ("x" * (LONGEST_CHARACTERS + 1), f"{LONGEST_CHARACTERS + 1} characters"),
        ("a\nbed", "U\\+000A"),
        ("a\x00 bed", "U\\+0000"),
        ("a \u202e bed", "U\\+202E"),
        ("cafe\u0301", "normal form C"),
    ],
)
def test_what_is_no_sentence_is_refused_by_its_frame(text: str, why: str) -> None:
    assert re.match(f"the text of frame 8 .*{why}", flaw("A bed.", text))


def test_other_types_and_shapes_are_refused() -> None:
    assert "int64" in FORM.check(np.zeros(2, np.int64), Frames(np.arange(2), 8, 8))
    assert "(2, 1)" in FORM.check(np.array([["a"], ["b"]]), Frames(np.arange(2), 8, 8))
    assert "|S1" in FORM.check(np.array([b"a"]), Frames(np.arange(1), 8, 8))


def test_a_text_is_missing() -> None:
    with pytest.raises(ValueError, match="3 frame numbers for 2 texts"):
        FORM.unpack({"texts": np.array(["a", "b"])}, 3)


def test_long_texts_keep_their_end_when_batches_are_put_together() -> None:
    parts = [np.array(["a bed"]), np.array(["a much longer sentence"])]
    assert concatenate(parts).tolist() == ["a bed", "a much longer sentence"]


def test_the_schema_names_every_array() -> None:
    assert set(FORM.schema()) == set(FORM.pack(np.array(["a"])))


def save(folder: Path, *texts: str) -> None:
    part = SpacePrediction("builtin/flat-01", "ab" * 32, np.array([4, 9]), np.array(texts), (8, 8))
    save_predictions(folder, [part], task=CAPTIONING, model="tst", protocol="frozen", seed=0)


def test_predictions_of_captioning_come_back_in_the_order_asked_for_and_fit_their_schema(tmp_path: Path) -> None:
    save(tmp_path, "A bed.", "Two lamps on a desk.")
    back = load_prediction(tmp_path, "builtin/flat-01", recording="ab" * 32, frames=np.array([9, 4]), shape=(8, 8))
    assert back.tolist() == ["Two lamps on a desk.", "A bed."]
    with np.load(tmp_path / file_name("builtin/flat-01")) as arrays:
        content = {name: arrays[name].tolist() for name in arrays.files}
    written = {MANIFEST: json.loads((tmp_path / MANIFEST).read_text()), file_name("builtin/flat-01"): content}
    assert list(Draft202012Validator(prediction_schema(CAPTIONING)).iter_errors(written)) == []


def test_a_prediction_without_words_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"builtin__flat-01.npz: captioning predictions: the text of frame 9 is empty"):
        save(tmp_path, "A bed.", "")
