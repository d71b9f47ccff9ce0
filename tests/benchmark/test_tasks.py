"""What each task asks for, stores and counts; and that scoring never needs torch."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.forms import Frames
from benchmark.tasks import TASKS, Task
from benchmark.tasks.depth import DEPTH
from benchmark.tasks.normals import NORMALS
from benchmark.tasks.semseg import SEMSEG, SMALLEST_SHARE
from sim_envs.errors import UserError


def recording(**arrays_and_categories: object) -> SimpleNamespace:
    categories = arrays_and_categories.pop("categories", ())
    return SimpleNamespace(array=arrays_and_categories.__getitem__, meta=SimpleNamespace(categories=categories))


def category(name: str) -> int:
    return SEMSEG.categories.index(name) + 1


@pytest.mark.parametrize("name", ["depth", "normals", "semseg"])
def test_every_task_of_pixels_fulfils_the_contract(name: str) -> None:
    task = TASKS[name]
    assert isinstance(task, Task)
    assert task.name == name
    assert len({m.key for m in task.measures}) == len(task.measures)
    rng = np.random.default_rng(0)
    shape = (6, 4, 4, 3) if name == "normals" else (6, 4, 4)
    target = rng.integers(0, 5, shape).astype(np.float32 if name == "depth" else np.uint8)
    output = rng.normal(size=(6, task.head().channels, 4, 4)).astype(np.float32)
    encoded = task.encode_prediction(output)
    prediction = task.conclude(encoded, np.arange(6), np.repeat([0, 1], 3))
    assert len(prediction) == 6
    assert task.form.check(prediction, Frames(np.arange(6), 4, 4)) == ""
    stored = task.form.unpack(task.form.pack(prediction), 6)
    np.testing.assert_array_equal(stored, prediction)
    assert set(task.form.schema()) == set(task.form.pack(prediction))
    assert task.form.bytes_per_frame(4, 4) == prediction[0].nbytes
    assert task.has_truth(target).shape == (6,)
    statistics = task.statistics(prediction, target, np.array([7, 7, 3, 3, 9, 9]))
    assert statistics.trajectory.tolist() == [3, 7, 9]
    assert statistics.sums.shape == (3, *task.sum_shape)
    scope = task.scope(statistics.total, task.seen([target]))
    metrics = task.metrics(statistics.total, scope)
    assert set(metrics) == {m.key for m in task.measures}
    assert all(np.isfinite(value) for value in metrics.values())
    assert task.per_category(statistics.total, scope).shape == (len(task.categories),)
    assert task.category_truth(statistics.total).shape == (len(task.categories),)
    assert task.count_categories(target).shape == (len(task.categories),)
    first = np.array([0])
    assert task.in_words(prediction[first], target[first])
    colours = np.zeros((len(task.categories) + 1, 3), np.uint8)
    picture = task.display(prediction[first], target[first], np.zeros((4, 4, 3), np.uint8), colours)
    assert (picture.shape, picture.dtype) == ((4, 4, 3), np.uint8)
    sketch = task.sketch(prediction[first], 0, np.zeros((6, 4, 4, 3), np.uint8), colours)
    assert (sketch.shape, sketch.dtype) == ((4, 4, 3), np.uint8)


def test_an_unknown_task_names_the_near_one() -> None:
    with pytest.raises(UserError, match="semseg"):
        TASKS["semsegg"]


def test_semantic_targets_are_evaluation_ids() -> None:
    semantic = np.array([[[0, 1], [2, 3]]], np.uint16)
    source = recording(semantic=semantic, categories=("wall", "no such thing", "chair"))
    targets = SEMSEG.targets(source, np.array([0]))
    assert targets.dtype == np.uint8
    assert targets.tolist() == [[[0, category("wall")], [0, category("chair")]]]


def test_the_best_channel_becomes_its_evaluation_id() -> None:
    output = np.zeros((1, len(SEMSEG.categories), 1, 1), np.float32)
    output[0, category("chair") - 1] = 1
    assert SEMSEG.encode_prediction(output).item() == category("chair")


def test_a_category_counts_only_where_it_is_seen_shown_and_large_enough() -> None:
    truth = np.zeros(len(SEMSEG.categories), np.int64)
    truth[category("wall") - 1] = 1_000_000
    truth[category("chair") - 1] = 5000
    truth[category("bed") - 1] = 5000
    truth[category("pillow") - 1] = int(0.5 * SMALLEST_SHARE * 1_000_000)
    seen = tuple(category(name) for name in ("wall", "chair", "pillow", "sofa"))
    total = np.zeros(SEMSEG.sum_shape, np.int64)
    total[0, 0] = np.diag(truth)
    scope = SEMSEG.scope(total, seen)
    assert scope.scored == tuple(sorted((category("wall"), category("chair"))))
    assert scope.left_out["bed"] == "not in the transfer training labels"
    assert scope.left_out["sofa"] == "not in the scored frames"
    assert "0.02 %" in scope.left_out["pillow"]
    assert len(scope.scored) + len(scope.left_out) == len(SEMSEG.categories)


def test_pixels_of_a_category_that_does_not_count_do_not_cost_anything() -> None:
    wall, bed = category("wall"), category("bed")
    target = np.array([[[wall, wall, bed, bed]]], np.uint8)
    prediction = np.full((1, 1, 4), wall, np.uint8)
    statistics = SEMSEG.statistics(prediction, target, np.array([0]))
    scope = SEMSEG.scope(statistics.total, seen=(wall,))
    assert SEMSEG.metrics(statistics.total, scope) == {"miou": 1.0, "pixel_accuracy": 1.0, "boundary_iou": 1.0}


def test_what_a_space_has_no_word_for_is_lacking() -> None:
    lacking = SEMSEG.lacking(("wall", "chairs", "no such thing"))
    assert "bed" in lacking
    assert "wall" not in lacking
    assert "chair" not in lacking
    assert DEPTH.lacking(("wall",)) == ()


def test_unknown_ids_are_named() -> None:
    assert "0, 200" in SEMSEG.form.check(np.array([[[0, 1, 200]]], np.uint8), Frames(np.array([0]), 1, 3))


def test_depth_targets_are_metres_and_zero_is_no_measurement() -> None:
    source = recording(depth=np.array([[[0, 2500]]], np.uint16))
    assert DEPTH.targets(source, np.array([0])).tolist() == [[[0.0, 2.5]]]


def test_depth_heads_speak_in_logarithms() -> None:
    output = np.log(np.array([0.5, 3.0, 1e6], np.float32)).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(DEPTH.encode_prediction(output), [[[0.5, 3.0, 60.0]]], rtol=1e-3)


def test_normals_are_true_where_depth_was_measured_and_a_unit_vector_is_stored() -> None:
    normals = np.array([[[[255, 128, 128], [128, 255, 128], [128, 128, 128]]]], np.uint8)
    source = recording(normals=normals, depth=np.array([[[900, 0, 900]]], np.uint16))
    targets = NORMALS.targets(source, np.array([0]))
    assert targets.tolist() == [[[[255, 128, 128], [0, 0, 0], [0, 0, 0]]]]
    assert normals.any(axis=-1).all()  # the recording itself is left as it was


def test_truth_is_known_where_any_value_of_a_pixel_is_not_0() -> None:
    assert SEMSEG.known(np.array([[[0, 3]]])).tolist() == [[[False, True]]]
    assert NORMALS.known(np.array([[[[0, 0, 0], [0, 9, 0]]]])).tolist() == [[[False, True]]]
    assert SEMSEG.has_truth(np.array([[[0, 3]], [[0, 0]]])).tolist() == [True, False]


def test_frames_without_truth_are_not_counted() -> None:
    target = np.stack([np.zeros((2, 2)), np.ones((2, 2))]).astype(np.float32)
    statistics = DEPTH.statistics(np.ones((2, 2, 2), np.float16), target, np.array([4, 4]))
    assert statistics.frames.tolist() == [1]
    assert statistics.sums[0, 0] == 4


@pytest.mark.parametrize("value", [np.nan, np.inf, 0, -1])
def test_a_distance_must_be_finite_and_positive(value: float) -> None:
    assert DEPTH.form.check(np.array([[[1, value]]], np.float16), Frames(np.array([0]), 1, 2)) != ""


def test_measures_print_signs_and_gaps_plainly() -> None:
    miou = SEMSEG.measures[0]
    assert miou.text(0.2934) == "29.3"
    assert miou.text(-0.012, signed=True) == "−1.2"
    assert miou.text(0.012, signed=True) == "+1.2"
    assert miou.text(-0.00001, signed=True) == "0.0"
    assert miou.text(float("nan")) == "–"


def test_scoring_never_imports_torch() -> None:
    program = (
        "import sys, benchmark.predictions, benchmark.results, benchmark.statistics, benchmark.metrics\n"
        "from benchmark.tasks import TASKS\n"
        "[TASKS[name] for name in TASKS]\n"
        "import benchmark.report\n"
        "found = {m.split('.')[0] for m in sys.modules} & {'torch', 'timm', 'torchvision'}\n"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
