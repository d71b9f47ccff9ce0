"""Teachers are asked once about a recording; what they say is kept beside it, and pupils learn it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.encoder import EncoderConfig, build_encoder, save_encoder
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import pretrain
from baselines.teachers import store
from baselines.teachers.features import FeatureTeacher, principal_components
from baselines.teachers.frames import TaughtFrames
from baselines.teachers.store import Answered, Question, answers
from baselines.teachers.table import teacher
from baselines.teachers.teacher import Answers
from baselines.tst.config import MaskedConfig
from baselines.tst.masked import MaskedModelling
from baselines.tst.model import DecoderConfig
from baselines.weights import WeightsFile
from baselines.zoo import ZOO
from sim_envs.errors import UserError
from sim_envs.modalities import COMPONENTS, SENSED
from sim_envs.recordings.sensed import LabelAccessError, SensedFrames

CPU = torch.device("cpu")
RECORDING = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Counted(FeatureTeacher):
    """A teacher that keeps a list of how many frames it was asked about, and may give up."""

    asked: list[int] = field(default_factory=list)
    stop_after: int | None = None

    def open(self, weights: WeightsFile | None, height: int, width: int, device: torch.device) -> Answers:
        answers = super().open(weights, height, width, device)
        ask = answers.ask

        def counted(rgb: np.ndarray) -> np.ndarray:
            if self.stop_after is not None and len(self.asked) >= self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(len(rgb))
            return ask(rgb)

        answers.ask = counted  # type: ignore[method-assign]
        return answers


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write parts of eight frames: the forty frames of a test are five parts."""
    monkeypatch.setattr(store, "PART_FRAMES", 8)


def question(planes: SensedFrames, one: FeatureTeacher | None = None, weights: WeightsFile | None = None) -> Question:
    return Question(one or FeatureTeacher(ZOO["mock"]), weights, RECORDING, planes, np.arange(20))


@pytest.fixture(scope="module")
def answered(planes: SensedFrames, tmp_path_factory: pytest.TempPathFactory) -> Answered:
    return answers(question(planes), tmp_path_factory.mktemp("home"), CPU)


def test_a_teacher_is_asked_once_about_a_recording(planes: SensedFrames, tmp_path: Path, small_parts: None) -> None:
    one = Counted(ZOO["mock"])
    first = answers(question(planes, one), tmp_path, CPU)
    second = answers(question(planes, one), tmp_path, CPU)
    assert sum(one.asked) == 40
    assert np.array_equal(first.values, second.values)


def test_a_teacher_that_was_stopped_goes_on_with_the_parts_that_are_missing(
    planes: SensedFrames, tmp_path: Path, small_parts: None
) -> None:
    undisturbed = answers(question(planes), tmp_path / "undisturbed", CPU)
    with pytest.raises(KeyboardInterrupt):
        answers(question(planes, Counted(ZOO["mock"], stop_after=3)), tmp_path / "stopped", CPU)
    assert not list(tmp_path.glob("stopped/**/answers.json"))
    after = Counted(ZOO["mock"])
    continued = answers(question(planes, after), tmp_path / "stopped", CPU)
    assert after.asked == [8, 8]
    assert continued.facts == undisturbed.facts
    assert np.array_equal(continued.values, undisturbed.values)
    folder = question(planes).folder(tmp_path / "stopped")
    assert {path.name for path in folder.iterdir()} == {"answers.json", "values.npy", "frames.npy", "fitted.npz"}


def test_the_json_beside_says_who_was_asked_about_what(planes: SensedFrames, tmp_path: Path) -> None:
    network = ZOO["mock"].network
    assert network is not None
    torch.save(network.build(32, 32, seed=1).state_dict(), tmp_path / "mock.pt")
    weights = WeightsFile.of(tmp_path / "mock.pt")
    asked = question(planes, weights=weights)
    answers(asked, tmp_path, CPU)
    facts = json.loads((asked.folder(tmp_path) / "answers.json").read_text(encoding="utf-8"))
    assert facts["teacher"] == "mock"
    assert facts["weights"] == weights.sha256
    assert facts["recording"] == RECORDING
    assert facts["shape"] == [40, 4, 4, COMPONENTS]
    assert facts["components"] == 15  # the mock's 16 channels, less their mean
    assert facts["variance_kept"] == pytest.approx(1)
    assert "mean square is 1" in facts["conventions"]


def test_other_weights_other_frames_and_another_recording_are_other_answers(planes: SensedFrames) -> None:
    base = question(planes)
    others = [
        replace(base, weights=WeightsFile(Path("x"), "0" * 64)),
        replace(base, recording="f" * 64),
        replace(base, frames=planes.only(np.arange(30))),
        replace(base, fitted_on=np.arange(10)),
        replace(base, teacher=FeatureTeacher(ZOO["efficientnet-lite0"])),
    ]
    folders = {q.folder(Path("home")) for q in (base, *others)}
    assert len(folders) == 6


def test_a_file_that_was_damaged_is_named_with_what_to_do(planes: SensedFrames, tmp_path: Path) -> None:
    asked = question(planes)
    answers(asked, tmp_path, CPU)
    (asked.folder(tmp_path) / "values.npy").write_bytes(b"short")
    with pytest.raises(UserError, match=r"corrupt.*Delete the folder"):
        answers(asked, tmp_path, CPU)


def test_components_are_fitted_on_training_frames_alone(planes: SensedFrames, tmp_path: Path) -> None:
    rgb = planes.get("rgb", np.arange(40))
    rgb[20:] = np.random.default_rng(0).integers(0, 256, rgb[20:].shape)  # frames that are no training frames
    changed = SensedFrames({"rgb": rgb}, np.arange(40))
    before, after = answers(question(planes), tmp_path / "a", CPU), answers(question(changed), tmp_path / "b", CPU)
    assert np.array_equal(before.values[:20], after.values[:20])
    assert not np.array_equal(before.values[20:], after.values[20:])


def test_distances_between_features_keep_their_proportions(answered: Answered, planes: SensedFrames) -> None:
    network = ZOO["mock"].network
    assert network is not None
    rgb = torch.from_numpy(planes.get("rgb", np.arange(40))).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        tokens = network.build(32, 32)(rgb).double().flatten(0, 2).numpy()
    tokens = (tokens - tokens.mean(1, keepdims=True)) / np.sqrt(tokens.var(1, keepdims=True) + 1e-5)
    kept = answered.values.astype(np.float64).reshape(-1, COMPONENTS)
    pairs = np.random.default_rng(0).integers(0, len(tokens), (200, 2))
    full, reduced = (np.linalg.norm(v[pairs[:, 0]] - v[pairs[:, 1]], axis=1) for v in (tokens, kept))
    apart = full > 0.1 * full.max()
    ratio = reduced[apart] / full[apart]
    assert ratio.max() / ratio.min() < 1.02


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 90)) @ rng.normal(size=(90, 90)) * 0.3 + rng.normal(size=90)
    centred = features - features.mean(0)
    fitted = principal_components(features.mean(0), centred.T @ centred / 500)
    reduced = centred @ fitted["basis"].astype(np.float64)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :COMPONENTS] * scale[:COMPONENTS]
    expected /= np.sqrt((expected**2).mean())
    assert np.allclose(np.abs(reduced), np.abs(expected), atol=1e-3)
    assert (reduced**2).mean() == pytest.approx(1, rel=1e-4)
    share = (scale[:COMPONENTS] ** 2).sum() / (scale**2).sum()
    assert float(fitted["variance_kept"]) == pytest.approx(share)


def test_a_teacher_that_says_the_same_of_everything_is_refused() -> None:
    with pytest.raises(UserError, match="nothing to learn"):
        principal_components(np.ones(8), np.zeros((8, 8)))


def test_a_specialist_teaches_from_its_encoder_file(planes: SensedFrames, tmp_path: Path) -> None:
    shape = EncoderConfig(image_size=32, patch_size=8, width=32, depth=1, heads=2)
    save_encoder(build_encoder(shape, seed=3), shape, tmp_path / "encoder.safetensors")
    weights = WeightsFile.of(tmp_path / "encoder.safetensors")
    found = answers(question(planes, FeatureTeacher(ZOO["tst-mae"]), weights), tmp_path, CPU)
    assert found.values.shape == (40, 4, 4, COMPONENTS)


def test_weights_at_hand_are_found_for_a_teacher_as_for_the_model() -> None:
    weights = teacher("efficientnet-lite0").find_weights()
    network = ZOO["efficientnet-lite0"].network
    assert network is not None
    assert weights is not None
    assert weights.path == network.find_weights("efficientnet-lite0")


@pytest.fixture(scope="module")
def taught(planes: SensedFrames, answered: Answered) -> TaughtFrames:
    return TaughtFrames(planes, {"features:mock": answered})


def test_answers_stand_beside_what_was_sensed_frame_by_frame(
    taught: TaughtFrames, planes: SensedFrames, answered: Answered
) -> None:
    some = np.array([7, 3, 30])
    assert taught.modalities == (*SENSED, "features:mock")
    assert np.array_equal(taught.get("depth", some), planes.get("depth", some))
    assert np.array_equal(taught.get("features:mock", some), answered.values[some])
    part = TaughtFrames(planes.only(np.array([5, 30])), {"features:mock": answered})
    assert np.array_equal(part.get("features:mock", np.array([1])), answered.values[[30]])


def test_a_label_stays_out_of_reach(taught: TaughtFrames) -> None:
    with pytest.raises(LabelAccessError):
        taught.get("semantic", np.array([0]))


def test_a_frame_that_nobody_was_asked_about_is_refused(planes: SensedFrames, answered: Answered) -> None:
    few = replace(answered, values=answered.values[:10], frames=answered.frames[:10])
    with pytest.raises(IndexError, match="not asked"):
        TaughtFrames(planes, {"features:mock": few}).get("features:mock", np.array([3, 12]))


def test_a_pupil_learns_what_its_teacher_says(taught: TaughtFrames, small_shape: EncoderConfig, tmp_path: Path) -> None:
    said = torch.from_numpy(taught.get("features:mock", np.arange(40)).astype(np.float32)).flatten(0, 2)
    best_constant = float(torch.nn.functional.smooth_l1_loss(said.median(dim=0).values.expand_as(said), said))
    config = MaskedConfig(small_shape, (*SENSED, "features:mock"), decoder=DecoderConfig(width=24, heads=2))
    loop = LoopConfig(steps=40, batch=8, lr=4e-3, log_every=10)
    done = pretrain(MaskedModelling(config), loop, [taught], tmp_path, device="cpu")
    with (tmp_path / "log.csv").open(encoding="utf-8") as file:
        losses = [float(row["features:mock"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.94 * best_constant
    assert (tmp_path / done.encoder).is_file()
