"""Folders go to a store and come back whole or not at all, whatever happens between."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
import threading
import uuid
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.jobs.shelf import BLOCK_BYTES, Contents, Shelf, StoredFile
from sim_envs.errors import UserError
from sim_envs.recordings.reader import list_recordings
from tests.benchmark.store_kit import s3_server

NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and not name.startswith(".") and len(name.encode()) <= 200
)
FOLDERS = st.dictionaries(NAMES, st.binary(max_size=300), max_size=4)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["s3", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/{uuid.uuid4().hex}"
    return f"file://{tmp_path / 'a store'}"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def object_of(url: str, content: bytes) -> Any:
    """Return the file system of a store and the path of an object there, by what it holds."""
    digest = hashlib.sha256(content).hexdigest()
    return fsspec.core.url_to_fs(f"{url}/objects/{digest[:2]}/{digest}")


FILES = {"meta.json": b"{}", "deep/er/rgb.npy": bytes(range(256)) * 9, "empty": b"", "again": b"{}"}


def test_a_folder_comes_back_with_every_file(url: str, tmp_path: Path) -> None:
    Shelf(url).push(write(tmp_path / "here", FILES), "recordings/a b/c")
    assert Shelf(url).pull("recordings/a b/c", tmp_path / "home" / "there")
    assert read(tmp_path / "home" / "there") == FILES
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["there"]


def test_a_lone_file_comes_back(url: str, tmp_path: Path) -> None:
    (tmp_path / "one.log").write_bytes(b"said")
    Shelf(url).push(tmp_path / "one.log", "logs/one.log")
    assert Shelf(url).pull("logs/one.log", tmp_path / "home" / "one.log")
    assert (tmp_path / "home" / "one.log").read_bytes() == b"said"


@settings(max_examples=25, deadline=None)
@given(files=FOLDERS, key=NAMES)
def test_any_names_and_contents_survive_a_shared_disk(files: dict[str, bytes], key: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shelf = Shelf(f"file://{scratch}/store")
        shelf.push(write(Path(scratch) / "here", files), f"stages/{key[:20]}")
        assert shelf.pull(f"stages/{key[:20]}", Path(scratch) / "there")
        assert read(Path(scratch) / "there") == files


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FOLDERS, key=NAMES)
def test_any_names_and_contents_survive_s3(s3: str, files: dict[str, bytes], key: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shelf = Shelf(f"{s3}/{uuid.uuid4().hex}")
        shelf.push(write(Path(scratch) / "here", files), f"stages/{key}")
        assert shelf.pull(f"stages/{key}", Path(scratch) / "there")
        assert read(Path(scratch) / "there") == files


def test_a_file_of_several_blocks_comes_back(url: str, tmp_path: Path) -> None:
    large = bytes(range(256)) * (2 * BLOCK_BYTES // 256) + b"and a little more"
    Shelf(url).push(write(tmp_path / "here", {"rgb.npy": large}), "large")
    assert Shelf(url).pull("large", tmp_path / "there")
    assert read(tmp_path / "there") == {"rgb.npy": large}


def test_what_nobody_sent_is_not_there(url: str, tmp_path: Path) -> None:
    assert not Shelf(url).holds("never")
    assert not Shelf(url).pull("never", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_sender_that_dies_among_the_files_leaves_nothing_to_be_seen(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, shelf = write(tmp_path / "here", FILES), Shelf(url)

    def die(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shelf._files, "pipe_file", die)  # every file is sent, the list of them is not
        with pytest.raises(KeyboardInterrupt):
            shelf.push(here, "half")
    assert not shelf.pull("half", tmp_path / "there")
    shelf.push(here, "half")
    assert shelf.pull("half", tmp_path / "there")
    assert read(tmp_path / "there") == FILES


def test_a_receiver_that_dies_leaves_nothing_that_could_be_taken_for_the_folder(url: str, tmp_path: Path) -> None:
    shelf, home = Shelf(url), tmp_path / "home"
    there = home / "recordings" / "builtin" / "flat-01" / "0123"
    shelf.push(write(tmp_path / "here", FILES), "key")
    beside = write(there.with_name(".0123.77.partial"), {"meta.json": b"{}"})  # as one that was killed leaves it
    assert list_recordings(home) == []
    assert shelf.pull("key", there)
    assert list_recordings(home) == [there]
    assert read(there) == FILES
    assert not beside.exists()


def test_the_last_sender_wins_and_replaces_what_lies_here(url: str, tmp_path: Path) -> None:
    shelf, there = Shelf(url), tmp_path / "there"
    shelf.push(write(tmp_path / "one", {"a": b"old", "b": b"same"}), "key")
    shelf.pull("key", there)
    shelf.push(write(tmp_path / "two", {"a": b"new", "b": b"same"}), "key")
    assert shelf.pull("key", there)
    assert read(there) == {"a": b"new", "b": b"same"}


def test_what_lies_here_already_is_not_copied_again(url: str, tmp_path: Path) -> None:
    shelf = Shelf(url)
    shelf.push(write(tmp_path / "here", FILES), "key")
    fs, path = object_of(url, FILES["deep/er/rgb.npy"])
    fs.rm_file(path)
    assert shelf.pull("key", tmp_path / "here")


def test_a_large_file_that_changed_and_kept_its_size_is_sent_again(url: str, tmp_path: Path) -> None:
    old, new = b"o" * (3 << 20), b"n" * (3 << 20)
    shelf, here, there = Shelf(url), write(tmp_path / "here", {"weights": old}), tmp_path / "there"
    shelf.push(here, "key")
    shelf.pull("key", there)
    (here / "weights").write_bytes(new)
    shelf.push(here, "key")
    assert shelf.pull("key", there)
    assert read(there) == {"weights": new}


def test_a_file_that_changed_here_is_replaced_by_the_one_in_the_store(url: str, tmp_path: Path) -> None:
    shelf, there = Shelf(url), tmp_path / "there"
    shelf.push(write(tmp_path / "here", FILES), "key")
    shelf.pull("key", there)
    (there / "deep/er/rgb.npy").write_bytes(FILES["deep/er/rgb.npy"][::-1])
    assert shelf.pull("key", there)
    assert read(there) == FILES


def test_a_lost_object_is_named_and_sent_anew_by_whoever_has_it(url: str, tmp_path: Path) -> None:
    shelf, here = Shelf(url), write(tmp_path / "here", FILES)
    shelf.push(here, "key")
    fs, path = object_of(url, FILES["deep/er/rgb.npy"])
    fs.rm_file(path)
    with pytest.raises(UserError, match=r"is lost.*run the same command again"):
        shelf.pull("key", tmp_path / "there")
    assert not (tmp_path / "there").exists()
    shelf.push(here, "key")
    assert shelf.pull("key", tmp_path / "there")
    assert read(tmp_path / "there") == FILES


def test_a_changed_object_is_refused_by_its_digest(url: str, tmp_path: Path) -> None:
    shelf, content = Shelf(url), FILES["deep/er/rgb.npy"]
    shelf.push(write(tmp_path / "here", FILES), "key")
    fs, path = object_of(url, content)
    fs.pipe_file(path, content[:-1] + b"!")
    with pytest.raises(UserError, match="SHA-256 is another"):
        shelf.pull("key", tmp_path / "there")
    assert list(tmp_path.glob("*there*")) == []


def test_a_failure_of_the_network_is_tried_again(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(url)
    shelf.push(write(tmp_path / "here", {"rgb.npy": b"frames"}), "key")
    real, asked = shelf._files.open, []

    def unsteady(path: str, *arguments: Any, **more: Any) -> Any:
        if "/objects/" in path:
            asked.append(path)
            if len(asked) == 1:
                raise ConnectionResetError("reset by peer")
        return real(path, *arguments, **more)

    monkeypatch.setattr(shelf._files, "open", unsteady)
    assert shelf.pull("key", tmp_path / "there")
    assert len(asked) == 2


def test_a_damaged_list_of_files_is_said(url: str, tmp_path: Path) -> None:
    Shelf(url).push(write(tmp_path / "here", FILES), "key")
    fs, path = fsspec.core.url_to_fs(f"{url}/folders/key.json")
    fs.pipe_file(path, b'{"format_version": 1, "files"')
    with pytest.raises(UserError, match="damaged"):
        Shelf(url).pull("key", tmp_path / "there")


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up"])
def test_a_list_of_files_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        Contents(files={name: StoredFile(size=0, mtime_ns=0, sha256="0" * 64)})


def test_two_that_want_the_same_folder_copy_it_once(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Shelf(url).push(write(tmp_path / "here", FILES), "key")
    copied: list[Path] = []
    real = Shelf._copy
    monkeypatch.setattr(Shelf, "_copy", lambda shelf, stored, path: copied.append(path) or real(shelf, stored, path))
    both = [threading.Thread(target=lambda: Shelf(url).pull("key", tmp_path / "there")) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(copied) == len(FILES)
    assert read(tmp_path / "there") == FILES


def test_a_disk_without_room_is_told_before_anything_is_copied(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Shelf(url).push(write(tmp_path / "here", FILES), "key")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 900, 100))
    with pytest.raises(UserError, match="Free some space"):
        Shelf(url).pull("key", tmp_path / "there")
    assert list(tmp_path.glob("*there*")) == []


def test_a_disk_that_fills_up_is_told_in_one_message(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Shelf(url).push(write(tmp_path / "here", FILES), "key")

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("benchmark.jobs.shelf.os.fsync", full)
    with pytest.raises(UserError, match="The disk is full"):
        Shelf(url).pull("key", tmp_path / "there")
    assert list(tmp_path.glob("*there*")) == []


def test_files_that_are_being_written_are_not_sent(url: str, tmp_path: Path) -> None:
    here = write(tmp_path / "here", {"done.json": b"{}", ".done.json.77.part": b"{"})
    Shelf(url).push(here, "key")
    Shelf(url).pull("key", tmp_path / "there")
    assert read(tmp_path / "there") == {"done.json": b"{}"}


@pytest.mark.parametrize("address", ["s3://no-such-bucket/x", "nothing://at/all"])
def test_a_store_that_is_none_is_said(s3: str, address: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"[Ss]tore"):
        Shelf(address).push(write(tmp_path / "here", FILES), "key")
