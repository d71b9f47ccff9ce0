"""How labels of data sets are parsed, numbered and carried from one mesh to another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim_envs.spaces.formats.colour_labels import most_frequent
from sim_envs.spaces.formats.hm3d import read_semantic_txt
from sim_envs.spaces.formats.house_file import read_house
from sim_envs.spaces.formats.instances import number_instances
from sim_envs.spaces.formats.transfer import carry_face_labels
from sim_envs.spaces.scans.mesh_files import read_mesh
from tests.sim_envs.dataset_files import put, write_house
from tests.sim_envs.scan_files import write_ply


def test_names_in_semantic_txt_may_hold_commas_and_quotes(tmp_path: Path) -> None:
    path = put(tmp_path / "a.semantic.txt", 'HM3D Semantic Annotations\n7,0A,"a, "b"",2\n8,FFFFFF,"c",-1\n')
    assert read_semantic_txt(path) == ({0x0A: 7, 0xFFFFFF: 8}, {7: 'a, "b"', 8: "c"})


def test_a_house_file_says_which_segments_make_up_which_object(tmp_path: Path) -> None:
    house = read_house(write_house(tmp_path / "a.house"))
    assert house.names == {0: "floor", 1: "tiled wall", 2: "dining table", 3: ""}
    assert house.object_of_segment == {1000005: 0, 1000006: 1, 1000007: 2, 1000008: 3}


UNHURRIED = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=20))
def test_most_votes_win_and_none_does_not_vote(rows: list[list[int]]) -> None:
    for row, winner in zip(rows, most_frequent(np.array(rows), none=0), strict=True):
        votes = {value: row.count(value) for value in row if value}
        assert winner == (min(v for v in votes if votes[v] == max(votes.values())) if votes else 0)


@UNHURRIED
@given(
    ids=st.lists(st.integers(-1, 70000), min_size=1, max_size=30),
    nameless=st.sets(st.integers(0, 70000), max_size=5),
    words=st.lists(st.sampled_from(["chair", "table", "Unlabeled", "void", "lamp"]), min_size=1),
)
def test_numbering_keeps_apart_what_is_apart_and_its_name(ids: list[int], nameless: set[int], words: list[str]) -> None:
    names = {i: words[i % len(words)] for i in ids if i not in nameless}
    found = number_instances(np.array(ids), names, none=-1)
    new: dict[int, int] = {}
    for source, instance in zip(ids, found.instance.tolist(), strict=True):
        name = names.get(source, "")
        labelled = source != -1 and name in ("chair", "table", "lamp")
        assert (instance > 0) == labelled
        if labelled:
            assert found.names[found.category[instance] - 1] == name
            assert new.setdefault(source, instance) == instance
    assert len(set(new.values())) == len(new)
    assert found.instance.max() <= 65535


@UNHURRIED
@given(seed=st.integers(0, 2**32))
def test_labels_find_their_faces_whatever_the_order_of_the_other_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("a")
    generator = np.random.default_rng(seed)
    points = generator.uniform(-2, 2, (20, 3)).astype(np.float32)
    polygons = [sorted(generator.choice(20, generator.integers(3, 6), replace=False).tolist()) for _ in range(12)]
    polygons = list({tuple(polygon): None for polygon in polygons})
    order = generator.permutation(len(polygons))
    moved = generator.permutation(20)
    target = read_mesh(write_ply(folder / "a.ply", points, polygons))
    turned = [np.roll([int(np.flatnonzero(moved == i)[0]) for i in polygons[k]], 1).tolist() for k in order]
    source = read_mesh(write_ply(folder / "b.ply", points[moved], turned))
    carried = carry_face_labels(source, order, target, none=-1)
    np.testing.assert_array_equal(carried.label, target.face_origin)
    assert carried.notes == ()


def test_faces_far_from_every_labelled_one_stay_unlabelled_and_are_counted(tmp_path: Path) -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5], [6, 5, 5], [5, 6, 5]], float)
    target = read_mesh(write_ply(tmp_path / "a.ply", points, [[3, 4, 5], [0, 1, 2]]))
    source = read_mesh(write_ply(tmp_path / "b.ply", points[:3] + np.array([0, 0, 0.01]), [[0, 1, 2]]))
    carried = carry_face_labels(source, np.array([7]), target, none=-1)
    assert carried.label.tolist() == [-1, 7]
    assert any("10 mm away" in note for note in carried.notes)
    assert any("1 faces are more than 50 mm" in note for note in carried.notes)
