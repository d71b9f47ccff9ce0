"""The command line: instant help, one clear message for wrong input with exit code 2, and nothing half-written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
import yaml

import benchmark.suites
from tests.benchmark.model_kit import install_model
from tests.command_line import Done, run_command


@pytest.fixture
def tst_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run the entry point in this process, with an empty data home."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path))

    def run(*arguments: str) -> Done:
        return run_command(capsys, *arguments)

    return run


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are not what they should be."""
    folder = tmp_path_factory.mktemp("bad")
    trimesh.PointCloud(np.random.default_rng(0).random((20, 3))).export(folder / "points.ply")
    box = trimesh.creation.box((4, 2, 4))
    box.export(folder / "box.ply")
    (folder / "cut.ply").write_bytes((folder / "box.ply").read_bytes()[:300])
    (folder / "cut.glb").write_bytes(b"glTF\2\0\0\0")
    trimesh.creation.box((4000, 2000, 4000)).export(folder / "large.ply")
    demo = yaml.safe_load(Path(benchmark.suites.__file__).with_name("demo.yaml").read_text(encoding="utf-8"))
    for name, changes in (("encoder", {"pretrain": {"encoder": "tinny"}}), ("engine", {"engine": "raycats"})):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(demo | changes), encoding="utf-8")
    np.save(folder / "short.npy", np.ones(3, np.uint16))
    np.save(folder / "ids.npy", np.ones(len(box.vertices), np.uint16))
    (folder / "table.json").write_text('{"2": "chair"}', encoding="utf-8")
    (folder / "not.json").write_text("{", encoding="utf-8")
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    (folder / "poses.txt").write_text("1 2 3\n", encoding="utf-8")
    (folder / "empty").mkdir()
    return folder


WRONG: list[tuple[str, str]] = [
    ("generate --scene builtin/flat-1", "flat-01"),
    ("generate --scene builtn/flat-01", "builtin"),
    ("generate --scene flat", "flat"),
    ("generate --scene scan/none", "scan/none"),
    ("generate --scene builtin/flat-01 --frames 0", "frames"),
    ("generate --scene builtin/flat-01 --frames 100000000", "out of range"),
    ("generate --scene builtin/flat-01 --size 8", "out of range"),
    ("generate --scene builtin/flat-01 --size 100000", "out of range"),
    ("generate --scene builtin/flat-01 --size 64by64", "64by64"),
    ("generate --scene builtin/flat-01 --size 64x", "64x"),
    ("generate --scene builtin/flat-01 --hfov 200", "out of range"),
    ("generate --scene builtin/flat-01 --engine raycst", "raycast"),
    ("generate --scene builtin/flat-01 --trajectories wlak", "walk"),
    ("generate --scene builtin/flat-01 --trajectories {bad}/poses.txt", "poses.txt"),
    ("generate --scene builtin/flat-01 --workers 0", "workers"),
    ("spaces info builtin/castle-01", "builtin/"),
    ("rescore", "No run"),
    ("rescore --suite small --scene builtin/flat-02", "No run of suite small and space builtin/flat-02"),
    ("status --suite dmo", "demo"),
    ("status --scene builtin/flat-1", "flat-01"),
    ("status --limit 0", "--limit 0"),
    ("compare tst scratch", "No run"),
    ("compare tst x.result.json", "not one of each"),
    ("run --dry-run --limit 1", "--limit 1"),
    ("run --dry-run --scene scan/none", "scan/none"),
    ("suites info dmo", "demo"),
    ("suites validate {bad}/none.yaml", "none.yaml"),
    ("suites validate {bad}/engine.yaml", "raycast"),
    ("suites new --test-space scan/none", "scan/none"),
    ("suites new --test-space builtin/flat-02 --out {bad}/mine.txt", ".yaml"),
    ("spaces import {bad}/none.ply", "none.ply"),
    ("spaces import {bad}/notes.txt", "notes.txt"),
    ("spaces import {bad}/points.ply", "faces"),
    ("spaces import {bad}/cut.ply", "cut.ply"),
    ("spaces import {bad}/cut.glb", "cut short"),
    ("spaces import {bad}/large.ply", "4000 × 2000 × 4000 m"),
    ("spaces import {bad}/empty", "empty"),
    ("spaces import {bad}/box.ply --up sideways", "up"),
    ("spaces import {bad}/box.ply --unit mile", "unit"),
    ("spaces import {bad}/box.ply --name a/b", "a/b"),
    ("spaces import {bad}/box.ply --labels {bad}/short.npy", "short.npy"),
    ("spaces import {bad}/box.ply --labels {bad}/ids.npy --instances {bad}/table.json", "1"),
    ("spaces import {bad}/box.ply --labels {bad}/ids.npy --instances {bad}/not.json", "not.json"),
    ("run --model tsst", "tst"),
    ("run --suite dmo", "demo"),
    ("run --suite {bad}/encoder.yaml", "tiny"),
    ("run --suite {bad}/engine.yaml", "raycast"),
    ("run --task semsegg", "semseg"),
    ("run --protocol thawed", "frozen"),
    ("run --seeds 0", "seeds"),
    ("run --scene scan/none", "scan/none"),
    ("run --device tpu-9", "tpu-9"),
    ("run --model dinov2-s --weights dinov2-s", "MODEL=PATH"),
    ("run --model dinov2-s --weights dinov2-s={bad}/none.pth", "none.pth"),
    ("run --model dinov2-s --weights dinov2-s={bad}/notes.txt", "notes.txt"),
    ("run --model tst --weights dinov2-s={bad}/notes.txt", "not in this run"),
    ("run --model tst --weights tst={bad}/notes.txt", "from this run alone"),
    ("run --model mock --weights mock={bad}/notes.txt", "has no weights"),
    ("run --model tst-external:40", "more external spaces than the 6"),
    ("run --model tst-external:none", "number of external spaces"),
    ("models info tsst", "tst"),
    ("models info timm:resnet5", "resnet50"),
    ("report", "No run"),
    ("report --suite nope", "nope"),
    ("demo --preset huge", "small"),
]


@pytest.mark.parametrize(("line", "named"), WRONG)
def test_wrong_input_is_one_message_and_exit_code_2(
    tst_bench: Callable[..., Done], tmp_path: Path, bad: Path, line: str, named: str
) -> None:
    done = tst_bench(*line.format(bad=bad).split())
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert named in done.err
    assert len(done.err.strip().splitlines()) <= 4
    leftovers = [path for path in files(tmp_path) if "spaces/builtin" not in path.as_posix()]
    assert not leftovers


def test_a_space_without_labels_is_told_what_it_can_serve(tst_bench: Callable[..., Done], bad: Path) -> None:
    assert tst_bench("spaces", "import", str(bad / "box.ply")).code == 0
    done = tst_bench("run", "--scene", "scan/box")
    assert done.code == 2
    assert "semseg is left out: scan/box has no labels" in done.err
    assert "--task depth" in done.err


@pytest.mark.parametrize(
    "command", ["", "generate", "run", "report", "demo", "doctor", "spaces", "spaces import", "models", "suites"]
)
def test_help_is_there_and_brings_no_heavy_library(tmp_path: Path, command: str) -> None:
    code = (
        "import sys; sys.argv = ['tst-bench', *sys.argv[1:]]\n"
        "from benchmark.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code or 0\n"
        "heavy = {'torch', 'numpy', 'pandas', 'trimesh', 'matplotlib', 'timm'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)"
    )
    arguments = [sys.executable, "-c", code, *command.split(), "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_lists_name_models_suites_and_spaces(tst_bench: Callable[..., Done]) -> None:
    models = tst_bench("models", "list").out
    assert "tst-external" in models
    assert re.search(r"generalist \(\d+\)\n.*  dinov2-b +85\.7 M +\S.*  LVD-142M \(142 million\)\n", models, re.DOTALL)
    assert re.search(r"task-expert \(4\)\n  mask2former +201\.0 M +.*  semseg +ImageNet-22k", models)
    assert "demo v" in tst_bench("suites", "list").out
    assert "builtin/flat-01" in tst_bench("spaces", "list").out


def test_a_model_of_another_package_is_listed_and_described(
    tst_bench: Callable[..., Done], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install_model(tmp_path_factory.mktemp("site"))))
    assert re.search(r"colours +– +yes +a colour chart \(3\)", tst_bench("models", "list").out)
    row = json.loads(tst_bench("models", "info", "colours", "--json").out)
    assert (row["token_grid"], row["token_width"], row["parameters"]) == ([16, 16], 3, 0)


def test_models_info_says_everything_of_a_model_as_text_and_as_json(tst_bench: Callable[..., Done]) -> None:
    text = tst_bench("models", "info", "deit3-s").out
    assert "ImageNet-22k" in text
    assert "224 × 224" in text
    row = json.loads(tst_bench("models", "info", "timm:test_vit", "--size", "256", "--json").out)
    assert (row["track"], row["token_grid"], row["token_width"]) == ("generalist", [16, 16], 64)
    assert row["ledger"]["entries"][0]["role"] == "web"
    rows = json.loads(tst_bench("models", "list", "--json").out)
    assert {"model", "track", "parameters", "learned_from", "here"} <= rows[0].keys()


WITHOUT = "import sys; sys.modules.update(dict.fromkeys(('sqlalchemy', 'alembic', 'fastapi', 'uvicorn'), None));"


def test_a_command_of_an_extra_that_is_not_installed_names_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"{WITHOUT} from benchmark.cli import main; main()"]
    arguments = ["leaderboard", "serve", "--data", str(tmp_path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "tst-bench: this needs uvicorn: pip install -c constraints.txt -e '.[leaderboard]'.\n"


def test_submitting_to_a_server_needs_no_extra() -> None:
    code = f"{WITHOUT} import benchmark.commands.sending, leaderboard.client, leaderboard.validation"
    subprocess.run([sys.executable, "-c", code], check=True)
