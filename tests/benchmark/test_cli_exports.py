"""``tst-bench export`` and ``tst-bench view``: what comes of what a user types, and what is said when it is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim_envs.spaces.store import save_space
from tests.command_line import Done, run_command
from tests.sim_envs.export_kit import labelled_room, record_room


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with a scan and a recording of it, and a scan without one."""
    home = tmp_path_factory.mktemp("home")
    save_space(labelled_room(), home / "spaces" / "scan" / "room")
    save_space(labelled_room(), home / "spaces" / "scan" / "fresh")
    record_room(home)
    return home


@pytest.fixture
def tst_bench(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the entry point in this process, on a machine without a screen."""
    monkeypatch.setenv("TST_BENCH_HOME", str(home))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")

    def run(*arguments: str) -> Done:
        return run_command(capsys, *arguments)

    return run


def recording_of(home: Path) -> Path:
    return next((home / "recordings" / "scan" / "room").iterdir())


def test_an_export_lands_in_the_data_home_and_its_folder_is_printed(tst_bench: Callable[..., Done], home: Path) -> None:
    done = tst_bench("export", "scan/room", "--format", "nerfstudio")
    assert done.code == 0, done.err
    folder = Path(done.out.strip())
    assert folder.parent == home / "exports" / "scan" / "room"
    assert (folder / "transforms.json").is_file()
    assert "7 train, 4 val, 4 test frames" in done.err
    assert "1 frame that is not valid is left out" in done.err


def test_a_recording_is_taken_by_its_folder_and_cut_down_as_asked(
    tst_bench: Callable[..., Done], home: Path, tmp_path: Path
) -> None:
    line = f"export {recording_of(home)} --format images --out {tmp_path}/out --split test --modality depth"
    done = tst_bench(*line.split())
    assert done.code == 0, done.err
    assert done.out.strip() == str(tmp_path / "out")
    said = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (said["frames"], said["modalities"]) == ({"test": 4}, ["depth"])


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("export scan/roam --format images", "Did you mean scan/room"),
        ("export scan/fresh --format images", "tst-bench generate --scene scan/fresh"),
        ("export scan/room --format image", "Did you mean images"),
        ("export scan/room --format images --split tset", "Did you mean test"),
        ("export scan/room --format images --modality detph", "Did you mean depth"),
        ("export scan/room --format coco --modality rgb", "add --modality semantic"),
        ("export scan/room --format images --out {home}", "Name another folder with --out"),
        ("export {home} --format images", "meta.json is missing, so this is no recording"),
        ("view scan/room", "--save FILE.rrd"),
        ("view scan/room --save {home}/room.png", "must end in .rrd"),
        ("view scan/room --save {home}/room.rrd --frames 0", "out of range"),
        ("view scan/roam --save {home}/room.rrd", "Did you mean scan/room"),
        ("view scan/roam", "Did you mean scan/room"),
        ("view {home}/spaces --save {home}/room.rrd", "meta.json is missing, so this is no recording"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(
    tst_bench: Callable[..., Done], home: Path, line: str, named: str
) -> None:
    if line.startswith("view"):
        pytest.importorskip("rerun", reason="the extra `view` is not installed")
    before = sorted(home.rglob("*"))
    done = tst_bench(*line.format(home=home).split())
    assert done.code == 2, done.err
    assert named in done.err
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) <= 2
    assert sorted(home.rglob("*")) == before


def test_without_the_extra_view_says_how_to_install_it(
    tst_bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = tst_bench("view", "scan/room", "--save", "room.rrd")
    assert done.code == 2
    assert "pip install 'tst-bench[view]'" in done.err


def test_a_view_is_saved_without_a_screen(tst_bench: Callable[..., Done], home: Path, tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="the extra `view` is not installed")
    done = tst_bench("view", "scan/room", "--save", str(tmp_path / "room.rrd"), "--frames", "12")
    assert done.code == 0, done.err
    assert Path(done.out.strip()).stat().st_size > 10_000
    assert "12 of 16 frames are shown" in done.err
    done = tst_bench("view", "scan/fresh", "--save", str(tmp_path / "fresh.rrd"))
    assert done.code == 0, done.err
    assert "scan/fresh is not recorded yet" in done.err


def test_a_recording_whose_space_is_gone_is_shown_alone(tst_bench: Callable[..., Done], tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="the extra `view` is not installed")
    folder = record_room(tmp_path / "elsewhere", seed=3).folder
    (empty := tmp_path / "empty").mkdir()
    done = tst_bench("view", str(folder), "--save", str(tmp_path / "room.rrd"), "--home", str(empty))
    assert done.code == 0, done.err
    assert "there is no mesh of scan/room here" in done.err


@pytest.mark.parametrize("command", ["export", "view"])
def test_help_is_there_and_brings_no_heavy_library(command: str) -> None:
    code = (
        "import sys; sys.argv = ['tst-bench', *sys.argv[1:]]\n"
        "from benchmark.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code or 0\n"
        "heavy = {'torch', 'numpy', 'pandas', 'trimesh', 'cv2', 'rerun'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Examples" in done.stdout
