"""Lens and noise from the command line and from suites: read, refused in words, passed on to recordings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import benchmark.suites
from benchmark.cli import main
from benchmark.cli.sensors import distortion_of, noise_of
from benchmark.plan import plan_run
from benchmark.suites import load_suite, suite_names
from sim_envs.distortion import NO_DISTORTION, RadialDistortion
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording
from sim_envs.rig import NO_NOISE, SensorNoise

# --- the command line


def test_no_option_is_no_noise() -> None:
    assert distortion_of(None) == NO_DISTORTION
    assert noise_of(None, None, None, 0.0, None) == NO_NOISE


def test_options_are_read_as_they_are_documented() -> None:
    assert distortion_of("-0.18,0.05") == RadialDistortion(-0.18, 0.05)
    assert distortion_of("0.1") == RadialDistortion(0.1, 0.0)
    assert noise_of("redwood", None, None, 0.0, None) == SensorNoise(redwood_strength=1)
    assert noise_of("redwood:0.5", None, ["gaussian:3", "poisson:500"], 0.2, "-1:0.7") == SensorNoise(
        redwood_strength=0.5,
        gaussian_sigma=3,
        photons_at_white=500,
        shutter=0.2,
        exposure_ev=-1,
        exposure_spread_ev=0.7,
    )
    assert noise_of(None, None, [], 0.0, "1.5") == SensorNoise(exposure_ev=1.5)


WRONG = [
    ("--distortion -0.3", "folds the picture"),
    ("--distortion a,b", "'a' is not a number"),
    ("--distortion 1,2,3", "has 3 numbers"),
    ("--distortion 3", "out of range: -1 to 1"),
    ("--depth-noise redwod", "Did you mean redwood"),
    ("--depth-noise redwood:x", "'x' is not a number"),
    ("--depth-noise redwood:0", "would change nothing"),
    ("--depth-noise redwood:50", "out of range: 0 to 10"),
    ("--depth-noise-table t.npy", "--depth-noise redwood"),
    ("--depth-noise redwood --depth-noise-table none.npy", "habitat-sim has it"),
    ("--rgb-noise gaussian", "is not gaussian:NUMBER"),
    ("--rgb-noise gauss:3", "Did you mean gaussian"),
    ("--rgb-noise gaussian:3 --rgb-noise gaussian:4", "given twice"),
    ("--rgb-noise poisson:0.5", "out of range: 1 to 100000 photons"),
    ("--motion-blur 2", "out of range: 0 to 1"),
    ("--exposure bright", "'bright' is not a number"),
    ("--exposure 9", "out of range: -8 to 8 stops"),
    ("--exposure 0:-1", "out of range: 0 to 4 stops"),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Run a command in this process, with an empty data home, and return its exit code."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path))

    def call(command: str) -> int:
        monkeypatch.setattr(sys, "argv", ["tst-bench", *command.split()])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return call


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[options for options, _ in WRONG])
def test_wrong_options_are_refused_in_one_message_before_anything_is_made(
    options: str, message: str, run: Callable[[str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"generate --scene builtin/flat-01 {options}") == 2
    said = capsys.readouterr()
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_generate_records_what_the_options_ask_for(
    run: Callable[[str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "generate --scene builtin/flat-01 --frames 3 --size 48x32 --hfov 80 --workers 1 --distortion -0.18,0.05"
    assert run(command + " --depth-noise redwood --rgb-noise gaussian:3 --exposure -1 --verify") == 0
    rig = Recording.open(Path(capsys.readouterr().out.strip())).rig
    assert (rig.width, rig.height, rig.distortion) == (48, 32, RadialDistortion(-0.18, 0.05))
    assert rig.noise == SensorNoise(redwood_strength=1, gaussian_sigma=3, exposure_ev=-1)


# --- suites


def rewritten(tmp_path: Path, **rig: object) -> str:
    text = (Path(benchmark.suites.__file__).parent / "demo.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    values["rig"] |= rig
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(path)


def test_a_suites_lens_and_noise_reach_its_recordings(tmp_path: Path) -> None:
    suite = load_suite(
        rewritten(tmp_path, distortion={"k1": -0.1, "k2": 0.05}, noise={"shutter": 0.1, "redwood_strength": 1})
    )
    plan = plan_run(suite, None)
    for space in (plan.test_space, *plan.spaces("transfer")):
        assert plan.recipe(space).distortion == RadialDistortion(-0.1, 0.05)
        assert plan.recipe(space).noise == SensorNoise(shutter=0.1, redwood_strength=1)
    assert suite.model_dump(mode="json")["rig"]["noise"] == {"shutter": 0.1, "redwood_strength": 1.0}


@pytest.mark.parametrize(
    ("rig", "message"),
    [
        ({"noise": {"shutter": 3}}, "mine.yaml: rig: Noise shutter 3 is out of range"),
        ({"noise": {"shuter": 0.3}}, "rig.noise.shuter"),
        ({"distortion": {"k1": -0.3}}, "mine.yaml: rig: Distortion -0.3,0 folds the picture"),
        ({"height": 48}, "mine.yaml: rig: 64x48 is not square"),
    ],
)
def test_a_rig_that_does_not_fit_is_refused_by_name(tmp_path: Path, rig: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_suite(rewritten(tmp_path, **rig))


@pytest.mark.parametrize("name", suite_names())
def test_the_suites_that_ship_describe_their_rig_as_they_did_before_there_was_noise(name: str) -> None:
    rig = load_suite(name).rig
    assert rig.model_dump(mode="json") == {"width": rig.width, "height": rig.height, "hfov": rig.hfov}
