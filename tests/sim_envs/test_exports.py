"""Exports: whole or absent, never over what is not theirs, and refused in words where a format cannot hold it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sim_envs.errors import UserError
from sim_envs.exports import EXPORTS
from sim_envs.exports.export import export_recording
from sim_envs.exports.record import ExportRecord
from sim_envs.recordings.find import find_recording
from sim_envs.recordings.reader import Recording
from sim_envs.spaces.store import save_space
from tests.sim_envs.export_kit import labelled_room, record_room
from tests.sim_envs.recording_kit import start

FORMATS = ("coco", "images", "nerfstudio", "webdataset")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record_room(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record_room(tmp_path_factory.mktemp("home"), labels=False)


def export(recording: Recording, format_name: str, folder: Path, **asked: Any) -> ExportRecord:
    return export_recording(recording, format_name, folder, home=folder.parent, **asked)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- what an export says of itself


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_export_names_its_recording_and_its_conventions(
    recording: Recording, tmp_path: Path, format_name: str
) -> None:
    written = export(recording, format_name, tmp_path / "out")
    stored = ExportRecord.model_validate_json((tmp_path / "out" / "export.json").read_bytes())
    assert stored == written == written.sealed()
    assert stored.recording["digest"] == recording.meta.digest
    assert stored.recording["space"]["digest"] == recording.meta.space.digest
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert recording.meta.digest in text
    assert all(how in text for how in stored.conventions.values())


@pytest.mark.parametrize("format_name", FORMATS)
def test_frames_that_are_not_valid_are_left_out_and_counted(
    recording: Recording, tmp_path: Path, format_name: str
) -> None:
    seen: list[tuple[int, int]] = []
    written = export(recording, format_name, tmp_path / "out", progress=lambda done, total: seen.append((done, total)))
    assert written.frames == {"train": 7, "val": 4, "test": 4}
    assert written.frames_left_out == 1
    assert seen == [(done, 15) for done in range(1, 16)]


@pytest.mark.parametrize("format_name", FORMATS)
def test_equal_recordings_give_equal_bytes(recording: Recording, tmp_path: Path, format_name: str) -> None:
    export(recording, format_name, tmp_path / "one")
    export(recording, format_name, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_splits_and_modalities_are_those_asked_for(recording: Recording, tmp_path: Path) -> None:
    written = export(recording, "images", tmp_path / "out", splits=["test"], modalities=["depth", "rgb"])
    assert written.frames == {"test": 4}
    assert written.modalities == ("rgb", "depth")
    pictures = sorted(path.parent.relative_to(tmp_path / "out").as_posix() for path in tmp_path.glob("out/**/*.png"))
    assert pictures == ["depth/test"] * 4 + ["rgb/test"] * 4


# --- what is there already


def test_an_equal_export_is_left_as_it_is(recording: Recording, tmp_path: Path) -> None:
    first = export(recording, "images", tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert export(recording, "images", tmp_path / "out") == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_another_export_of_ours_is_replaced_whole(recording: Recording, tmp_path: Path) -> None:
    export(recording, "images", tmp_path / "out")
    export(recording, "nerfstudio", tmp_path / "out")
    export(recording, "nerfstudio", tmp_path / "fresh")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "out"]


def test_an_empty_folder_is_taken(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert export(recording, "images", tmp_path / "out").frames["test"] == 4


def _foreign(out: Path) -> None:
    for path in out.rglob("*.*"):
        path.unlink()
    (out / "thesis.tex").write_text("years of work")


def _added(out: Path) -> None:
    (out / "rgb" / "notes.txt").write_text("mine")


def _marker_edited(out: Path) -> None:
    path = out / "export.json"
    path.write_text(path.read_text().replace('"images"', '"webdataset"', 1))


def _picture_edited(out: Path) -> None:
    with (out / "rgb" / "val" / "000002-000000.png").open("ab") as file:
        file.write(b"mine")


@pytest.mark.parametrize("change", [_foreign, _added, _marker_edited, _picture_edited])
def test_a_folder_that_is_not_ours_or_was_changed_is_refused_and_left_as_it_is(
    recording: Recording, tmp_path: Path, change: Any
) -> None:
    export(recording, "images", tmp_path / "out")
    change(tmp_path / "out")
    before = contents(tmp_path / "out")
    for format_name in ("images", "coco"):
        with pytest.raises(UserError, match=re.escape(str(tmp_path / "out")) + ".*Name another folder with --out"):
            export(recording, format_name, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_file_of_that_name_is_refused(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        export(recording, "images", tmp_path / "out")


# --- what goes wrong


@pytest.mark.parametrize(
    ("format_name", "asked", "message"),
    [
        ("webdatset", {}, "Unknown export format 'webdatset'. Did you mean webdataset"),
        ("images", {"splits": ["tset"]}, "Did you mean test"),
        ("images", {"modalities": ["detph"]}, "Did you mean depth"),
        ("nerfstudio", {"modalities": ["rgb", "normals"]}, "nerfstudio cannot hold normals: it takes rgb, depth"),
        ("nerfstudio", {"modalities": ["depth"]}, "nerfstudio cannot do without rgb: add --modality rgb"),
    ],
)
def test_what_a_format_cannot_do_is_said_and_leaves_nothing_behind(
    recording: Recording, tmp_path: Path, format_name: str, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        export(recording, format_name, tmp_path / "out", **asked)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("format_name", "asked"), [("coco", []), ("images", ["rgb", "semantic"])])
def test_labels_of_a_space_without_labels_are_refused_in_words(
    unlabelled: Recording, tmp_path: Path, format_name: str, asked: list[str]
) -> None:
    with pytest.raises(UserError, match="has no semantic: scan/room has no labels"):
        export(unlabelled, format_name, tmp_path / "out", modalities=asked)


def test_without_labels_the_other_formats_hold_what_there_is(unlabelled: Recording, tmp_path: Path) -> None:
    assert export(unlabelled, "webdataset", tmp_path / "out").modalities == ("rgb", "depth", "normals", "edges")


def test_a_failure_in_the_middle_keeps_the_export_that_was_there(recording: Recording, tmp_path: Path) -> None:
    export(recording, "images", tmp_path / "out")
    before = contents(tmp_path / "out")

    def interrupted(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(recording, "coco", tmp_path / "out", progress=interrupted)
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


EXPORT = (
    "from sim_envs.exports.export import export_recording\n"
    "from sim_envs.recordings.reader import Recording\n"
    "export = lambda folder, out, **k: export_recording(Recording.open(folder), 'webdataset', out, home=out, **k)\n"
)


def test_killed_in_the_middle_it_leaves_no_folder_and_is_repeated(recording: Recording, tmp_path: Path) -> None:
    kill = "lambda done, total: done == 7 and os.kill(os.getpid(), 9)"
    process = start(
        EXPORT + f"export(Path({str(recording.folder)!r}), Path({str(tmp_path / 'out')!r}), progress={kill})"
    )
    process.communicate(timeout=60)
    assert process.returncode == -9
    assert not (tmp_path / "out").exists()
    export(recording, "webdataset", tmp_path / "out")
    export(recording, "webdataset", tmp_path / "fresh")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "out"]


def test_a_disk_that_refuses_is_named_and_gets_its_room_back(recording: Recording, tmp_path: Path) -> None:
    process = start(
        "import resource\n"
        "from sim_envs.errors import UserError\n" + EXPORT + "resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        f"try: export(Path({str(recording.folder)!r}), Path({str(tmp_path / 'out')!r}))\n"
        "except UserError as error: print(error)\n"
    )
    output, errors = process.communicate(timeout=60)
    assert output.startswith(f"Cannot write {tmp_path / 'out'}: File too large"), errors
    assert "--out" in output
    assert not list(tmp_path.iterdir())


def test_two_exports_to_one_folder_do_not_mix(recording: Recording, tmp_path: Path) -> None:
    refused: list[str] = []

    def try_another(done: int, total: int) -> None:
        if done == 1:
            with pytest.raises(UserError) as error:
                export(recording, "images", tmp_path / "out")
            refused.append(str(error.value))

    export(recording, "coco", tmp_path / "out", progress=try_another)
    assert "Another process is exporting to the same folder" in refused[0]
    assert json.loads((tmp_path / "out" / "export.json").read_text())["format"] == "coco"


# --- which recording is meant


def test_every_format_says_what_it_takes() -> None:
    for name in EXPORTS:
        assert set(EXPORTS[name].needs) <= set(EXPORTS[name].takes)


def test_a_space_means_its_newest_recording_and_a_folder_means_itself(tmp_path: Path) -> None:
    old, new = record_room(tmp_path, seed=1), record_room(tmp_path, seed=2)
    assert old.folder != new.folder
    assert find_recording("scan/room", tmp_path).folder == new.folder
    assert find_recording(str(old.folder), tmp_path).folder == old.folder


def test_a_space_that_was_not_recorded_is_told_how(tmp_path: Path) -> None:
    save_space(labelled_room(), tmp_path / "spaces" / "scan" / "room")
    with pytest.raises(UserError, match="tst-bench generate --scene scan/room"):
        find_recording("scan/room", tmp_path)
    with pytest.raises(UserError, match="Did you mean scan/room"):
        find_recording("scan/roam", tmp_path)
    with pytest.raises(UserError, match="is no recording"):
        find_recording(str(tmp_path / "spaces"), tmp_path)
