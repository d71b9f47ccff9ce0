"""``tst-bench engines``: what can render here, and whether two engines agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim_envs.habitat.interpreter import PYTHON_VARIABLE
from sim_envs.habitat.scene_files import write_scene_files
from sim_envs.spaces.scans.source import import_scan
from tests.command_line import Done, run_command
from tests.sim_envs.habitat_scene import cameras, tiny_room
from tests.sim_envs.recording_kit import install_engine


@pytest.fixture
def compare(tmp_path: Path) -> tuple[str, ...]:
    """The command that compares engines on three views of an imported room."""
    write_scene_files(tiny_room(), tmp_path)
    room, ply, names = tiny_room(), tmp_path / "scene_semantic.ply", tmp_path / "names.json"
    category = {i: int(room.instance_category[i]) for i in np.unique(room.face_instance).tolist() if i}
    names.write_text(json.dumps({str(i): room.categories[of - 1] for i, of in category.items()}))
    import_scan(ply, name="tiny", labels=ply, instances=names, up="z", home=tmp_path)
    np.savetxt(tmp_path / "poses.txt", cameras().reshape(-1, 16))
    poses = ("--trajectories", str(tmp_path / "poses.txt"))
    return ("engines", "compare", "--scene", "scan/tiny", "--frames", "3", "--size", "64", *poses)


@pytest.fixture
def tst_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run the entry point in this process, with an empty data home; exit code, output, messages."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Done:
        return run_command(capsys, *arguments)

    return run


def test_the_list_says_which_engines_can_run_here(
    tst_bench: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")
    code, out, _ = tst_bench("engines", "list")
    assert code == 0
    assert "raycast" in out
    assert "not here: TST_BENCH_HABITAT_PYTHON is /no/such/python" in " ".join(out.split())


def test_engines_that_agree_end_with_code_0_figures_and_pictures(
    tst_bench: Callable[..., Done], compare: tuple[str, ...], tmp_path: Path
) -> None:
    code, out, _ = tst_bench(*compare, "--engine", "raycast", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["frames"] == 3
    assert found["agreement"]["ids_equal"] == 1
    assert [run["engine"] for run in found["runs"]] == ["raycast", "raycast"]
    assert (tmp_path / "comparisons" / "scan" / "tiny" / "differences-00.png").is_file()


def test_engines_that_disagree_end_with_code_1_and_say_in_what(
    tst_bench: Callable[..., Done],
    compare: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = "camera_to_world = camera_to_world.copy()\ncamera_to_world[:3, 3] += 0.2"
    monkeypatch.syspath_prepend(str(install_engine(tmp_path / "site", body)))
    code, out, err = tst_bench(*compare, "--engine", "third", "--out", str(tmp_path / "pictures"))
    assert code == 1
    assert "of the pixels away from edges" in out
    assert "frames/s with all modalities" in out
    assert "The engines agree less than they should: ids agree on" in err
    assert (tmp_path / "pictures" / "differences-00.png").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "habitats"), "Unknown engine 'habitats'. Did you mean habitat?"),
        (("--frames", "0"), "--frames 0 is out of range: 1 to 1000."),
        (("--engine", "habitat"), "is not a program that can be run"),
    ],
)
def test_what_cannot_be_compared_is_one_message_and_code_2(
    options: tuple[str, ...],
    message: str,
    tst_bench: Callable[..., Done],
    compare: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")
    code, out, err = tst_bench(*compare, *options)
    assert (code, out) == (2, "")
    assert message in err
