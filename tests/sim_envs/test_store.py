"""A space on disk: whole or absent, checked when read, safe with several writers."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE, Space
from sim_envs.spaces import SOURCES, list_spaces, load_space
from sim_envs.spaces.store import ARRAYS, load_space_folder, save_space


def make_space(seed: int = 0, textures: int = 2, faces: int = 5) -> Space:
    rng = np.random.default_rng(seed)
    return Space(
        id="scan/example",
        vertices=rng.normal(size=(7, 3)).astype(np.float32),
        faces=rng.integers(0, 7, (faces, 3)).astype(np.int32),
        vertex_rgb=rng.integers(0, 256, (7, 3)).astype(np.uint8),
        face_instance=rng.integers(0, 4, faces).astype(np.uint16),
        instance_category=np.array([0, 2, 1, 2], np.uint16),
        categories=("étagère", "chair"),
        uv=rng.normal(size=(7, 2)).astype(np.float32),
        face_texture=rng.integers(NO_TEXTURE, textures, faces).astype(np.int32),
        textures=tuple(rng.integers(0, 256, (i + 1, 3, 3)).astype(np.uint8) for i in range(textures)),
        provenance={"licence": "CC0", "nested": {"list": [1, 2.5, None]}},
    )


def assert_same(a: Space, b: Space) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), strict=True)
    assert len(a.textures) == len(b.textures)
    for one, other in zip(a.textures, b.textures, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert (a.id, a.categories, dict(a.provenance), a.digest) == (b.id, b.categories, dict(b.provenance), b.digest)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), textures=st.integers(0, 12), faces=st.integers(1, 9))
def test_a_space_reads_back_as_it_was_saved(tmp_path: Path, seed: int, textures: int, faces: int) -> None:
    space = make_space(seed, textures, faces)
    save_space(space, tmp_path / "spaces" / "example")
    assert_same(load_space_folder(tmp_path / "spaces" / "example"), space)


def test_textures_keep_their_order_beyond_ten(tmp_path: Path) -> None:
    space = make_space(textures=103)
    save_space(space, tmp_path / "s")
    assert [len(texture) for texture in load_space_folder(tmp_path / "s").textures] == list(range(1, 104))


def test_saving_leaves_nothing_but_the_folder(tmp_path: Path) -> None:
    save_space(make_space(), tmp_path / "s")
    save_space(make_space(), tmp_path / "s")
    save_space(make_space(seed=1), tmp_path / "s")
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_another_space_under_the_name_is_replaced(tmp_path: Path) -> None:
    save_space(make_space(seed=0, textures=3), tmp_path / "s")
    save_space(make_space(seed=1, textures=0), tmp_path / "s")
    assert_same(load_space_folder(tmp_path / "s"), make_space(seed=1, textures=0))


def test_a_damaged_copy_is_replaced(tmp_path: Path) -> None:
    save_space(make_space(), tmp_path / "s")
    (tmp_path / "s" / "faces.npy").unlink()
    save_space(make_space(), tmp_path / "s")
    assert_same(load_space_folder(tmp_path / "s"), make_space())


@pytest.mark.parametrize("name", [f"{array}.npy" for array in ARRAYS] + ["texture-00001.npy", "space.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    save_space(make_space(), tmp_path / "s")
    (tmp_path / "s" / name).unlink()
    with pytest.raises(UserError, match=name):
        load_space_folder(tmp_path / "s")


@pytest.mark.parametrize("name", [f"{array}.npy" for array in ARRAYS] + ["texture-00001.npy"])
def test_a_changed_byte_is_found_and_its_file_named(tmp_path: Path, name: str) -> None:
    save_space(make_space(), tmp_path / "s")
    path = tmp_path / "s" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{name}.* is damaged"):
        load_space_folder(tmp_path / "s")


@pytest.mark.parametrize("kept", [0, 10, 130])
def test_a_file_cut_short_is_named(tmp_path: Path, kept: int) -> None:
    save_space(make_space(), tmp_path / "s")
    path = tmp_path / "s" / "vertices.npy"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"vertices\.npy is damaged"):
        load_space_folder(tmp_path / "s")


def test_changed_categories_do_not_pass_for_what_was_saved(tmp_path: Path) -> None:
    save_space(make_space(), tmp_path / "s")
    path = tmp_path / "s" / "space.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"chair"', '"sofa"'), encoding="utf-8")
    with pytest.raises(UserError, match=r"space\.json is damaged"):
        load_space_folder(tmp_path / "s")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    save_space(make_space(), tmp_path / "s")
    path = tmp_path / "s" / "space.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format_version": 99}), encoding="utf-8")
    with pytest.raises(UserError, match="format version 99"):
        load_space_folder(tmp_path / "s")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="Cannot write"):
        save_space(make_space(), tmp_path / "file" / "s")


def _save_often(folder: str, seed: int) -> None:
    for _ in range(6):
        save_space(make_space(seed), Path(folder))


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_save_often, args=(str(tmp_path / "s"), 0)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert_same(load_space_folder(tmp_path / "s"), make_space())
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_what_a_killed_process_left_is_removed_and_what_another_is_writing_is_not(tmp_path: Path) -> None:
    left, written, new = (tmp_path / f".s.{name}.part" for name in ("left", "written", "new"))
    for folder in (left, written, new):
        folder.mkdir()
        (folder / "vertices.npy").write_bytes(b"half")
    for folder in (left, written):
        os.utime(folder, (0, 0))
    held = os.open(written, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    save_space(make_space(), tmp_path / "s")
    os.close(held)
    assert {path.name for path in tmp_path.iterdir()} == {"s", written.name, new.name}


def test_an_unknown_source_or_name_lists_the_near_ones(tmp_path: Path) -> None:
    save_space(replace(make_space(), id="scan/kitchen"), tmp_path / "spaces" / "scan" / "kitchen")
    for wrong in ("scan/kitchn", "scn/kitchen", "kitchen", "scan/", "scan/../scan/kitchen"):
        with pytest.raises(UserError, match=r"Unknown space .*(scan/kitchen|Known)"):
            load_space(wrong, tmp_path)


def test_a_builtin_number_written_otherwise_is_pointed_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="builtin/flat-01"):
        load_space("builtin/flat-1", tmp_path)


def test_spaces_are_listed_by_source(tmp_path: Path) -> None:
    for name in ("b", "a"):
        save_space(make_space(), tmp_path / "spaces" / "scan" / name)
    shutil.copytree(tmp_path / "spaces" / "scan" / "a", tmp_path / "spaces" / "scan" / ".half.part")
    assert [name for name in list_spaces(tmp_path) if name.startswith("scan/")] == ["scan/a", "scan/b"]
    assert {"builtin", "scan"} <= set(SOURCES)
