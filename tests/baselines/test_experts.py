"""Task experts: their encoders are theirs, weight for weight, and their answers what transformers itself says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from baselines.encoder import normalise_rgb
from baselines.experts.blip import Blip
from baselines.experts.depth_anything import DepthAnything
from baselines.experts.expert import Expert, on_one_grid
from baselines.experts.labels import ADE20K, COCO, meanings, unmapped
from baselines.experts.mask2former import Mask2Former
from baselines.experts.network import ExpertNetwork
from baselines.experts.rt_detr import RTDetr
from baselines.ledger import Ledger, Track
from baselines.teachers.features import FeatureTeacher
from baselines.zoo import ZOO, Model
from sim_envs.errors import UserError
from sim_envs.modalities import COMPONENTS
from sim_envs.taxonomy import NYU40
from tests.baselines.expert_kit import KINDS, LABELS, SMALL, WORDS, other_shape, publish, small

EXPERTS = {"mask2former": "semseg", "depth-anything": "depth", "rt-detr": "detection", "blip": "captioning"}
CPU = torch.device("cpu")
CATEGORIES = NYU40.categories
THINGS = tuple(name for name in CATEGORIES if name not in ("wall", "floor", "ceiling"))

every_kind = pytest.mark.parametrize("kind", KINDS)


def frames(count: int = 3, height: int = 64, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[type[Expert], tuple[Path, Any]]:
    return {kind: publish(kind, tmp_path_factory.mktemp(kind.__name__)) for kind in KINDS}


Published = dict[type[Expert], tuple[Path, Any]]


@every_kind
def test_the_encoder_is_that_of_the_published_expert(kind: type[Expert], published: Published) -> None:
    folder, model = published[kind]
    network = small(kind)
    encoder = network.build(64, 64)
    network.load(encoder, folder)
    rgb = torch.from_numpy(frames())
    with torch.no_grad():
        tokens = encoder(normalise_rgb(rgb))
        prepared = encoder.prepare(normalise_rgb(rgb))
        expected = reference_features(kind, model, prepared)
    torch.testing.assert_close(tokens.permute(0, 3, 1, 2), expected, atol=1e-5, rtol=1e-5)
    assert tokens.shape[3] == encoder.channels


def reference_features(kind: type[Expert], model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """What the model's own forward pass hands from its encoder to its decoder, on a grid of 16 (14) pixels."""
    rows = pixels.shape[2] // 16
    if kind is Mask2Former:
        output = model(pixel_values=pixels, output_hidden_states=True)
        maps = [*output.pixel_decoder_hidden_states, output.pixel_decoder_last_hidden_state]
    elif kind is RTDetr:
        maps = list(model(pixel_values=pixels).encoder_last_hidden_state)
    elif kind is Blip:
        output = model.vision_model(pixels, interpolate_pos_encoding=True)
        return output.last_hidden_state[:, 1:].transpose(1, 2).unflatten(2, (rows, rows))
    else:
        rows = pixels.shape[2] // 14
        layers = model.backbone(pixels).feature_maps
        return torch.cat([layer[:, 1:].transpose(1, 2).unflatten(2, (rows, rows)) for layer in layers], 1)
    return torch.cat([resized(m, rows) for m in maps], 1)


def resized(features: torch.Tensor, rows: int) -> torch.Tensor:
    """Bring a square map to another size by whole factors."""
    if features.shape[2] >= rows:
        return F.avg_pool2d(features, features.shape[2] // rows)
    return F.interpolate(features, scale_factor=rows // features.shape[2], mode="bilinear")


def test_maps_of_several_strides_come_to_one_grid_and_keep_their_means() -> None:
    maps = [torch.rand(1, 2, 8, 12), torch.rand(1, 3, 4, 6), torch.full((1, 1, 2, 3), 0.5)]
    together = on_one_grid(maps, (4, 6))
    assert together.shape == (1, 6, 4, 6)
    torch.testing.assert_close(together[:, :2].mean(), maps[0].mean())
    assert torch.equal(together[:, 2:5], maps[1])
    assert torch.equal(together[:, 5:], torch.full((1, 1, 4, 6), 0.5))


@every_kind
def test_a_seed_gives_the_same_encoder_again(kind: type[Expert]) -> None:
    rgb = normalise_rgb(torch.from_numpy(frames(1)))
    with torch.no_grad():
        first, again, other = (small(kind).build(64, 64, seed=seed)(rgb) for seed in (1, 1, 2))
    assert torch.isfinite(first).all()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_segments_are_those_of_transformers_under_the_names_of_the_evaluation(published: Published) -> None:
    folder, model = published[Mask2Former]
    network = small(Mask2Former)
    rgb = frames()
    scores = network.zero_shot("semseg", CATEGORIES, folder, CPU)(rgb)
    assert scores.shape == (3, 40, 64, 64)
    processor = network.expert.classes()[2].from_pretrained(folder)  # type: ignore[attr-defined]
    with torch.no_grad():
        output = model(**processor(images=list(rgb), return_tensors="pt", input_data_format="channels_last"))
    theirs = output.class_queries_logits.softmax(-1)[..., :-1]
    by_class = torch.einsum("nqc,nqhw->nchw", theirs, output.masks_queries_logits.sigmoid())
    by_class = F.interpolate(by_class, (64, 64), mode="bilinear").numpy()
    means = {"wall": "wall", "bed ": "bed", "windowpane": "window", "painting, picture": "picture"}
    for label, category in means.items():
        ours = scores[:, CATEGORIES.index(category)]
        np.testing.assert_allclose(ours, by_class[:, LABELS["semseg"].index(label)], atol=1e-5)
    assert not scores[:, CATEGORIES.index("floor")].any()  # the expert has no word for it


def test_classes_that_mean_no_category_are_listed(published: Published, caplog: pytest.LogCaptureFixture) -> None:
    small(Mask2Former).zero_shot("semseg", CATEGORIES, published[Mask2Former][0], CPU)
    assert "Classes of tests/small that mean no category: sky." in caplog.text
    caplog.clear()
    small(RTDetr).zero_shot("detection", THINGS, published[RTDetr][0], CPU)
    assert "airplane." in caplog.text


def test_metres_are_those_of_transformers(published: Published) -> None:
    folder, model = published[DepthAnything]
    network = small(DepthAnything)
    rgb = frames(2, 64, 96)
    log_metres = network.zero_shot("depth", (), folder, CPU)(rgb)
    assert log_metres.shape == (2, 1, 64, 96)
    processor = network.expert.classes()[2].from_pretrained(folder)  # type: ignore[attr-defined]
    with torch.no_grad():
        output = model(**processor(images=list(rgb), return_tensors="pt", input_data_format="channels_last"))
    expected = F.interpolate(output.predicted_depth[:, None], (64, 96), mode="bilinear")
    np.testing.assert_allclose(np.exp(log_metres), expected.numpy(), rtol=1e-5)
    assert (np.exp(log_metres) <= 20).all()


def test_a_depth_model_without_a_scale_is_refused(tmp_path: Path) -> None:
    network = other_shape(small(DepthAnything), depth_estimation_type="relative", max_depth=1)
    folder, _ = publish(DepthAnything, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"depth_estimation_type": "relative"}), encoding="utf-8")
    with pytest.raises(UserError, match="without a scale"):
        network.zero_shot("depth", (), folder, CPU)(frames(1))


def test_boxes_are_those_of_transformers_once_for_each_category(published: Published) -> None:
    folder, model = published[RTDetr]
    network = small(RTDetr)
    rgb = frames(2, 64, 96)
    box, category, score = network.zero_shot("detection", THINGS, folder, CPU)(rgb)
    assert box.shape == (2, 100, 4)
    assert category.min() >= 1
    assert category.max() <= len(THINGS)
    assert (np.diff(score, axis=1) <= 0).all()
    processor = network.expert.classes()[2].from_pretrained(folder)  # type: ignore[attr-defined]
    with torch.no_grad():
        output = model(**processor(images=list(rgb), return_tensors="pt", input_data_format="channels_last"))
    said = processor.post_process_object_detection(output, threshold=0.0, target_sizes=[(64, 96)] * 2)
    names = {"person": "person", "couch": "sofa", "backpack": "bag", "handbag": "bag"}
    for frame in range(2):
        best: dict[tuple[str, tuple[float, ...]], float] = {}
        for label, theirs, value in zip(
            said[frame]["labels"].tolist(), said[frame]["boxes"].tolist(), said[frame]["scores"].tolist(), strict=True
        ):
            if LABELS["detection"][label] in names:
                corners = np.clip(theirs, 0, [96, 64, 96, 64]).round(2)
                key = (names[LABELS["detection"][label]], tuple(corners.tolist()))
                best[key] = max(best.get(key, 0.0), value)
        ours = {
            (THINGS[c - 1], tuple(b.round(2).tolist())): s
            for b, c, s in zip(box[frame].astype(float), category[frame], score[frame], strict=True)
            if s > 0
        }
        assert best  # their list is cut at the number of queries, ours is not
        for key, value in best.items():
            assert ours[key] == pytest.approx(value, abs=1e-5)


def test_captions_are_words_of_the_expert(published: Published) -> None:
    folder, _ = published[Blip]
    captions = small(Blip).zero_shot("captioning", (), folder, CPU)(frames())
    assert captions.shape == (3,)
    assert captions.dtype.kind == "U"
    assert all(captions)
    assert {word for caption in captions for word in caption.split()} <= {*WORDS[3:], "nothing"}


@every_kind
def test_an_expert_answers_in_the_same_way_whatever_else_is_asked(kind: type[Expert], published: Published) -> None:
    """Frames do not see each other."""
    folder, _ = published[kind]
    categories = CATEGORIES if kind.task in LABELS else ()
    answer = small(kind).zero_shot(kind.task, categories, folder, CPU)
    rgb = frames()
    together, alone = answer(rgb), answer(rgb[1:2])
    if isinstance(together, tuple):
        together, alone = together[2], alone[2]
    if together.dtype.kind == "U":
        assert together[1] == alone[0]
    else:
        np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def broken(folder: Path, how: str) -> str:
    """Damage a published folder and return what the message must name."""
    weights = folder / "model.safetensors"
    if how == "no weights":
        weights.unlink()
        return "lacks model.safetensors"
    if how == "no processor":
        (folder / "preprocessor_config.json").unlink()
        return "lacks preprocessor_config.json"
    if how == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif how == "no json":
        (folder / "config.json").write_text("{", encoding="utf-8")
    else:
        state = load_file(weights)
        save_file(dict(list(state.items())[: len(state) // 2]), weights, metadata={"format": "pt"})
        return "weights are missing"
    return "Cannot read"


@pytest.mark.parametrize("how", ["no weights", "no processor", "cut", "no json", "half"])
@pytest.mark.parametrize("kind", [DepthAnything, Mask2Former])
def test_a_broken_folder_is_refused_before_a_run(kind: type[Expert], how: str, tmp_path: Path) -> None:
    folder, _ = publish(kind, tmp_path)
    said = broken(folder, how)
    with pytest.raises(UserError, match=said):
        small(kind).check(folder, 64, 64)


@every_kind
def test_weights_of_another_shape_are_refused(kind: type[Expert], published: Published) -> None:
    changes: dict[type[Expert], dict[str, Any]] = {
        Mask2Former: {"encoder_feedforward_dim": 32},
        DepthAnything: {"backbone_config": SMALL[DepthAnything]["backbone_config"] | {"hidden_size": 32}},
        RTDetr: {"encoder_ffn_dim": 32},
        Blip: {"vision_config": SMALL[Blip]["vision_config"] | {"intermediate_size": 32}},
    }
    with pytest.raises(UserError, match="is not tests/small"):
        other_shape(small(kind), **changes[kind]).check(published[kind][0], 64, 64)


def test_a_file_instead_of_a_folder_is_refused_with_what_to_fetch(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"no such folder.*hf download tests/small.*--weights mine=FOLDER"):
        small(Blip).find_weights("mine", tmp_path / "model.safetensors")


def test_a_folder_is_known_by_the_bytes_of_its_files(tmp_path: Path) -> None:
    network = small(DepthAnything)
    first = network.weights_file(publish(DepthAnything, tmp_path / "a")[0])
    again = network.weights_file(publish(DepthAnything, tmp_path / "b")[0])
    other = network.weights_file(publish(DepthAnything, tmp_path / "c", seed=1)[0])
    (tmp_path / "b" / "README.md").write_text("a note", encoding="utf-8")
    assert first.sha256 == again.sha256 == network.weights_file(tmp_path / "b").sha256
    assert first.sha256 != other.sha256


def test_an_expert_teaches_from_its_folder(published: Published) -> None:
    folder, _ = published[DepthAnything]
    network = small(DepthAnything)
    teacher = FeatureTeacher(Model("small", "a small expert", network=network))
    weights = teacher.find_weights(folder)
    assert weights == network.weights_file(folder)
    teacher.check(weights, 64, 64)
    answers = teacher.open(weights, 64, 64, CPU)
    answers.use(answers.fit([frames()]))
    tokens = network.build(64, 64)(normalise_rgb(torch.from_numpy(frames())))
    assert answers.ask(frames()).shape == (*tokens.shape[:3], COMPONENTS)


def test_a_folder_in_the_hub_cache_is_found_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    network = small(DepthAnything)
    repository = tmp_path / "models--tests--small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc", encoding="utf-8")
    with pytest.raises(UserError, match="are not on this machine"):
        network.find_weights("mine")
    folder, _ = publish(DepthAnything, repository / "snapshots" / "abc")
    assert network.find_weights("mine") == folder
    (folder / "preprocessor_config.json").unlink()
    assert network.weights_at_hand() is None


@pytest.mark.parametrize(("name", "task"), EXPERTS.items())
def test_an_expert_of_the_zoo_says_its_task_data_and_licence(name: str, task: str) -> None:
    network = ZOO[name].network
    assert network is not None
    assert network.zero_shot_tasks == (task,)
    assert Ledger(entries=network.data).track is Track.TASK_EXPERT
    assert any(entry.labels == "task" for entry in network.data)
    assert "hf download" in network.how_to_get_weights(name)
    assert network.zero_shot_parameters > (network.parameters or 0)


@pytest.mark.parametrize("name", ["mask2former", "rt-detr", "blip"])  # Depth Anything's own file says other than DPT's
def test_frames_are_normalised_as_the_expert_was_trained(name: str) -> None:
    network = ZOO[name].network
    assert isinstance(network, ExpertNetwork)
    processor = network.expert.classes()[2]()
    mean, std = (processor.image_mean, processor.image_std) if processor.do_normalize else ((0, 0, 0), (1, 1, 1))
    assert network.expert.mean == pytest.approx(mean)
    assert network.expert.std == pytest.approx(std)


@pytest.mark.parametrize(
    ("name", "millions"), [("mask2former", 216), ("depth-anything", 24.8), ("rt-detr", 42.9), ("blip", 247.4 - 23.4)]
)
def test_a_row_has_the_shape_of_the_published_network(name: str, millions: float) -> None:
    """Sizes as their model cards state them; that of BLIP counts the word embeddings, which it has once, twice."""
    network = ZOO[name].network
    assert network is not None
    assert network.zero_shot_parameters / 1e6 == pytest.approx(millions, rel=0.01)


def test_words_of_ade20k_mean_what_they_mean_in_spaces() -> None:
    labels = ["wall", "bed ", "windowpane", "sky", "painting, picture", "chest of drawers", "television receiver"]
    named = ["wall", "bed", "window", "", "picture", "dresser", "television"]
    ids = meanings(labels, CATEGORIES, ADE20K)
    assert [CATEGORIES[i - 1] if i else "" for i in ids] == named
    assert unmapped(labels, CATEGORIES, ADE20K) == ["sky"]


@pytest.mark.parametrize("names", [ADE20K, COCO], ids=["ADE20K", "COCO"])
def test_no_word_of_an_expert_means_another_thing_than_in_a_space(names: Any) -> None:
    """Except two: a case is a glass cabinet in ADE20K, and its bars serve drinks."""
    read = [(word, category) for category, words in names.names.items() for word in words]
    in_spaces = {word: NYU40.evaluation_id(word) for word, _ in read}
    other = {word for word, category in read if in_spaces[word] and CATEGORIES[in_spaces[word] - 1] != category}
    assert other <= {"case", "bar"}


def test_categories_that_an_evaluation_lacks_mean_nothing() -> None:
    ids = meanings(["person", "couch", "backpack"], THINGS[:5], COCO)
    assert [THINGS[i - 1] if i else "" for i in ids] == ["", "sofa", ""]


def test_an_expert_without_a_common_word_is_refused() -> None:
    with pytest.raises(UserError, match="LABEL_0"):
        meanings(["LABEL_0", "LABEL_1"], CATEGORIES, ADE20K)
