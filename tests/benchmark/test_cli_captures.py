"""Captures at the command line: imported, listed, looked at and recorded as spaces are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim_envs.recordings.reader import Recording
from tests.command_line import Done, run_command
from tests.sim_envs import capture_files as files

Command = Callable[..., Done]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home for the commands below, with a download beside it."""
    folder = tmp_path_factory.mktemp("captures")
    files.seven_scenes(folder / "download", files.shots(24))
    return folder / "home"


@pytest.fixture
def tst_bench(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the entry point in this process; the capture ``capture/room`` is there."""
    monkeypatch.setenv("TST_BENCH_HOME", str(home))

    def run(*arguments: str) -> Done:
        return run_command(capsys, *arguments)

    assert run("import-capture", "--format", "7scenes", str(home.parent / "download"), "--name", "room")[0] == 0
    return run


def test_what_up_was_told_by_is_said(tst_bench: Command, home: Path) -> None:
    arguments = ("--format", "7scenes", str(home.parent / "download"), "--name", "other")
    assert "told by how the cameras were held" in tst_bench("import-capture", *arguments)[2]


def test_a_capture_is_listed_and_described(tst_bench: Command) -> None:
    assert "capture/room" in tst_bench("spaces", "list")[1].splitlines()
    code, out, _ = tst_bench("spaces", "info", "capture/room", "--json")
    assert code == 0
    info = json.loads(out)
    assert (info["frames"], info["size"], info["labels"], info["measured_pixels"]) == (24, "64 × 48", False, 1.0)
    assert info["provenance"]["format"] == "7scenes"
    assert str(Path.home()) not in out
    shown = tst_bench("spaces", "info", "capture/room")[1]
    assert not {"None", "False", "{}", "[]"} & set(shown.split()), "for people, not in Python's own words"


def test_a_capture_is_drawn(tst_bench: Command) -> None:
    code, out, _ = tst_bench("spaces", "preview", "capture/room")
    assert code == 0
    path, sheet = (np.asarray(Image.open(line)) for line in out.splitlines())
    assert path.shape[0] > 200
    assert sheet.shape[1] > 600
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 1000


def test_without_further_options_a_recording_has_all_of_a_capture(tst_bench: Command) -> None:
    code, out, err = tst_bench("generate", "--scene", "capture/room", "--size", "32", "--workers", "1", "--verify")
    assert code == 0
    recording = Recording.open(Path(out.strip()))
    assert recording.meta.engine.name == "capture"
    assert recording.meta.rig.hfov == 46.82
    assert len(recording) >= 20
    assert recording.meta.audit.passed
    assert "Every file matches its digest." in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--frames", "100"), "has 24 frames, too few"),
        (("--hfov", "90"), "take --hfov 46.82 or less"),
        (("--engine", "raycast"), "no engine renders others"),
        (("--trajectories", "walk"), "only the views that were recorded"),
    ],
)
def test_what_a_capture_cannot_give_is_refused(tst_bench: Command, options: tuple[str, ...], message: str) -> None:
    code, out, err = tst_bench("generate", "--scene", "capture/room", "--size", "32", *options)
    assert (code, out) == (2, "")
    assert message in err
