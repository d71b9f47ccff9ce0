"""Opening refuses what is cut, lost or of another shape; verifying finds every changed byte, and names the file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.generate import record
from sim_envs.recordings.reader import Recording
from sim_envs.recordings.verify import verify
from tests.sim_envs.recording_kit import recipe, room


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(room(), recipe(), home=tmp_path_factory.mktemp("home")).folder


@pytest.fixture
def folder(intact: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(intact, tmp_path / intact.name))


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 2)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def flip_one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def retype(path: Path) -> None:
    array = np.load(path)
    np.save(path, array.astype(array.dtype.newbyteorder(">") if array.itemsize > 1 else np.int8))


ARRAYS = ("rgb.npy", "depth.npy", "normals.npy", "edges.npy", "semantic.npy", "instance.npy")
FILES = (*ARRAYS, "frames.parquet", "meta.json")


def test_an_intact_recording_has_no_problem(intact: Path) -> None:
    assert verify(intact) == []


@pytest.mark.parametrize("spoil", [remove, empty, cut, append, flip_one_bit])
@pytest.mark.parametrize("name", FILES)
def test_every_spoilt_file_is_named(name: str, spoil: Callable[[Path], None], folder: Path) -> None:
    spoil(folder / name)
    problems = verify(folder)
    assert len(problems) == 1
    assert str(folder / name) in problems[0]


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_another_type_is_named(name: str, folder: Path) -> None:
    retype(folder / name)
    assert str(folder / name) in verify(folder)[0]


@pytest.mark.parametrize("name", ["semantic.npy.bak", "flow.npy", "notes"])
def test_a_file_that_does_not_belong_is_named(name: str, folder: Path) -> None:
    (folder / name).mkdir() if name == "notes" else (folder / name).write_bytes(b"?")
    assert verify(folder) == [f"{folder / name} does not belong to the recording."]


def test_the_trajectories_with_changed_bytes_are_named(folder: Path) -> None:
    depth = np.load(folder / "depth.npy", mmap_mode="r+")
    depth[5, 0, 0] += 1  # trajectory 1 is frames 4 to 7
    depth[23, 31, 31] += 1  # the last frame, of trajectory 5
    depth.flush()
    assert "in trajectories 1, 5" in verify(folder)[0]


def test_all_problems_are_found_at_once(folder: Path) -> None:
    remove(folder / "rgb.npy")
    flip_one_bit(folder / "edges.npy")
    cut(folder / "frames.parquet")
    assert [Path(problem.split()[0]).name for problem in verify(folder)] == [
        "frames.parquet",
        "rgb.npy",
        "edges.npy",
    ]


def test_an_edited_meta_json_is_found_though_it_still_reads_well(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    meta["audit"]["passed"] = not meta["audit"]["passed"]
    (folder / "meta.json").write_text(json.dumps(meta))
    assert "meta.json is corrupt" in verify(folder)[0]


def test_the_log_is_free_to_change(folder: Path) -> None:
    (folder / "log.json").write_text("{}")
    assert verify(folder) == []


@pytest.mark.parametrize("spoil", [remove, empty, cut])
@pytest.mark.parametrize("name", FILES)
def test_opening_refuses_a_lost_or_cut_file_by_name(name: str, spoil: Callable[[Path], None], folder: Path) -> None:
    spoil(folder / name)
    with pytest.raises(UserError, match="generate the recording again") as error:
        Recording.open(folder)
    assert str(folder / name) in str(error.value)


def test_opening_refuses_another_format_version(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"format_version": 99}))
    with pytest.raises(UserError, match="has format version 99"):
        Recording.open(folder)


def test_opening_what_is_no_recording_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no recording at"):
        Recording.open(tmp_path / "nowhere")


def test_opening_an_unfinished_recording_says_how_to_finish_it(tmp_path: Path) -> None:
    (tmp_path / "0123.partial").mkdir()
    for name in ("0123", "0123.partial"):
        with pytest.raises(UserError, match="The command that began it continues it"):
            Recording.open(tmp_path / name)
