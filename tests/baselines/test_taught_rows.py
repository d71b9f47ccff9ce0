"""Rows of the zoo with teachers: their names, and what they read."""

from __future__ import annotations

import pytest

from baselines.teachers.table import PSEUDO_LABELLERS, teacher
from baselines.values import require_sensed
from baselines.zoo import ZOO
from sim_envs.errors import UserError
from sim_envs.modalities import PSEUDO_LABELS, SENSED, modality


def test_a_row_reads_all_sensors_and_what_each_teacher_says() -> None:
    row = ZOO["tst+efficientnet-lite0+seg-masks"]
    assert row.modalities == (*SENSED, "features:efficientnet-lite0", "seg-masks")
    assert row.teachers == ("efficientnet-lite0", "seg-masks")
    assert row.sources == {"test": 1.0}
    require_sensed(row.modalities)


def test_short_names_stand_for_models_of_the_zoo() -> None:
    row = ZOO["tst+clip+dinov2+imagebind"]
    assert row.name == "tst+clip-vit-b16+dinov2-b+openclip-vit-h14"
    assert ZOO[row.name] == row


def test_any_network_of_timm_and_any_specialist_can_teach() -> None:
    row = ZOO["tst+timm:resnet18.a1_in1k+tst-external:2+tst-mae"]
    assert row.teachers == ("timm:resnet18.a1_in1k", "tst-external:2", "tst-mae")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("tst+", "Unknown teacher"),
        ("tst+clop", "Did you mean clip"),
        ("tst+sam-edge", "Did you mean sam-edges"),
        ("tst+clip+clip-vit-b16", "named twice"),
        ("tst+scratch", "learned nothing"),
        ("tst+scratch-multimodal", "learned nothing"),
        ("tst+oracle", "cannot be a teacher"),
        ("tst+dinov2-b-adapted", "Unknown teacher"),
        ("tst+timm:no_such_net", "Unknown timm model"),
    ],
)
def test_what_cannot_teach_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        ZOO[name]


def test_every_teacher_that_guesses_labels_fills_the_modality_of_its_name_and_names_its_data() -> None:
    assert set(PSEUDO_LABELLERS) == set(PSEUDO_LABELS)
    for name in PSEUDO_LABELLERS:
        row = modality(teacher(name).modality)
        assert row.taught
        assert not row.sensed
        assert any(entry.role == "web" and entry.labels == "task" for entry in teacher(name).data)


def test_a_label_is_no_modality_of_pretraining_whatever_teachers_there_are() -> None:
    with pytest.raises(UserError, match="is a label"):
        require_sensed(("rgb", "seg-masks", "semantic"))
