"""Recordings by a rig with a lens and noise: named, described, repeatable; without them, as they ever were."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sim_envs.distortion import RadialDistortion
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.generate import record
from sim_envs.recordings.format import CONVENTIONS, Recipe, modalities_of, recipe_hash
from sim_envs.recordings.reader import Recording
from sim_envs.recordings.verify import verify
from sim_envs.rig import NOISE_RANGES, Rig, SensorNoise
from sim_envs.sensors.device import stored_normals
from sim_envs.sensors.edges import edges_from_rgb
from sim_envs.sensors.lens import Lens
from tests.sim_envs.recording_kit import contents, install_engine, recipe, room, start
from tests.sim_envs.test_raycast import ROOM, make_space, pose, world_rays
from tests.sim_envs.test_raycast import room as box_room

LENS = RadialDistortion(-0.18, 0.05)
NOISE = SensorNoise(
    exposure_ev=-0.5,
    exposure_spread_ev=0.5,
    shutter=0.1,
    photons_at_white=400.0,
    gaussian_sigma=2.0,
    redwood_strength=1.0,
)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(room(), recipe(distortion=LENS, noise=NOISE), home=tmp_path_factory.mktemp("noisy"))


# --- without lens and noise


def test_a_plain_recipe_has_the_name_it_had_before_there_was_noise() -> None:
    """Computed by the version before."""
    plain = Recipe(space="builtin/flat-01", splits={"train": (3, 20), "val": (1, 20), "test": (1, 20)})
    assert recipe_hash(plain, "0" * 64, "1", ("rgb", "depth")) == "36124b5d59144a32"
    assert set(plain.described()) == {
        "space", "engine", "width", "height", "hfov", "trajectories", "splits", "seed",
    }  # fmt: skip


def test_a_plain_recording_says_nothing_of_noise(tmp_path: Path) -> None:
    found = record(room(), recipe(noise=SensorNoise()), home=tmp_path)
    meta = json.loads((found.folder / "meta.json").read_text())
    assert set(meta["rig"]) == {"width", "height", "hfov", "intrinsics"}
    assert meta["seeds"] == {"trajectories": 0}
    assert meta["conventions"] == CONVENTIONS


# --- what it is called


@pytest.mark.parametrize(
    "change",
    [{"distortion": LENS}, *({"noise": SensorNoise(**{name: 1.0})} for name in NOISE_RANGES)],
    ids=["distortion", *NOISE_RANGES],
)
def test_lens_and_each_kind_of_noise_change_the_name(change: dict[str, object]) -> None:
    names = modalities_of(room())
    assert recipe_hash(recipe(**change), "d", "1", names) != recipe_hash(recipe(), "d", "1", names)


def test_a_recipe_reads_back_from_what_it_says() -> None:
    noisy = recipe(distortion=LENS, noise=NOISE)
    assert Recipe.model_validate(noisy.described()) == noisy
    assert noisy.described()["noise"]["photons_at_white"] == 400
    assert recipe(noise=SensorNoise(shutter=0.5)).described()["noise"] == {"shutter": 0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distortion": {"k1": -0.3}}, "folds the picture"),
        ({"distortion": {"k1": 3.0}}, "k1 3 is out of range"),
        ({"noise": {"shutter": 1.5}}, "Noise shutter 1.5 is out of range"),
    ],
)
def test_a_rig_out_of_range_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        recipe(**change)


@pytest.mark.parametrize("change", [{"noise": {"shuter": 0.1}}, {"distortion": {"k3": 0.1}}])
def test_settings_that_do_not_exist_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"shuter|k3"):
        recipe(**change)


def test_a_table_counts_by_its_content_not_its_place_and_no_path_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, np.full((80, 80, 5), 0.9))
    np.save(tmp_path / "c.npy", rng.uniform(0.8, 1.2, (80, 80, 5)))
    recipes = {
        name: recipe(noise=SensorNoise(redwood_strength=1, redwood_table=str(tmp_path / name)))
        for name in ("a.npy", "b.npy", "c.npy")
    }
    hashes = {name: recipe_hash(value, "d", "1", ()) for name, value in recipes.items()}
    assert hashes["a.npy"] == hashes["b.npy"] != hashes["c.npy"]
    assert recipe_hash(recipe(noise=SensorNoise(redwood_strength=1)), "d", "1", ()) not in hashes.values()

    found = record(room(), recipes["a.npy"], home=tmp_path)
    assert str(tmp_path) not in (found.folder / "meta.json").read_text()
    assert found.rig.noise.redwood_table.startswith("a.npy sha256:")
    ideal = RaycastEngine(room(), recipe().rig()).render(found.poses[0])["depth"]
    assert np.median(found.array("depth")[0] / ideal) == pytest.approx(1 / 0.9, rel=0.02)


# --- what it holds


def test_it_says_its_rig_completely(noisy: Recording) -> None:
    assert noisy.rig == Rig(32, 32, 90.0, LENS, NOISE)
    meta = json.loads((noisy.folder / "meta.json").read_text())
    assert meta["rig"]["distortion"] == {"k1": -0.18, "k2": 0.05}
    assert meta["rig"]["noise"] == {
        "exposure_ev": -0.5, "exposure_spread_ev": 0.5, "shutter": 0.1, "photons_at_white": 400.0,
        "gaussian_sigma": 2.0, "redwood_strength": 1.0,
    }  # fmt: skip
    assert meta["seeds"] == {"trajectories": 0, "noise": 0}
    assert "k1" in meta["conventions"]["pixels"]
    assert "noisy" in meta["conventions"]["normals"]
    assert verify(noisy.folder) == []


def test_labels_are_those_of_the_ideal_picture_through_the_lens(noisy: Recording) -> None:
    engine = RaycastEngine(room(), Rig(32, 32, 90.0, LENS))
    for number in (0, 9, 23):
        ideal = engine.render(noisy.poses[number])
        for name in ("semantic", "instance"):
            np.testing.assert_array_equal(noisy.array(name)[number], ideal[name])
        assert (noisy.array("rgb")[number] != ideal["rgb"]).mean() > 0.5
        error = np.abs(noisy.array("depth")[number].astype(float) - ideal["depth"])
        assert 0 < np.median(error) < 100


def test_edges_and_normals_are_derived_from_what_was_sensed(noisy: Recording) -> None:
    for number in (0, 9):
        np.testing.assert_array_equal(noisy.array("edges")[number], edges_from_rgb(noisy.array("rgb")[number]))
        np.testing.assert_array_equal(
            noisy.array("normals")[number], stored_normals(noisy.array("depth")[number], noisy.rig)
        )


def test_noise_does_not_make_a_plain_wall_of_use(tmp_path: Path) -> None:
    """Frames that see one plain plane are not valid, whatever the noise on them."""
    grey = replace(room(), vertex_rgb=np.full_like(room().vertex_rgb, 128))
    poses = tmp_path / "poses.txt"
    views = [pose(2.5, 1.2, 0.3, yaw=0, pitch=0), pose(2.5, 1.2, 2.0, yaw=60)]
    np.savetxt(poses, np.stack(views).reshape(-1, 16))
    found = record(
        grey,
        recipe(splits={"train": (1, 2)}, trajectories=str(poses), noise=SensorNoise(gaussian_sigma=20)),
        home=tmp_path,
    )
    assert np.ptp(found.array("rgb")[0].astype(int)) > 40
    assert found.frames["valid"].tolist() == [False, True]


def test_engines_that_know_no_lens_record_through_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = install_engine(tmp_path / "site", "pass")
    (module,) = site.glob("third_*.py")
    module.write_text(module.read_text() + "    traces_lenses = False\n")
    monkeypatch.syspath_prepend(str(site))
    found = record(room(), recipe("third", distortion=LENS), home=tmp_path)
    lens = Lens.of(found.rig)
    engine = RaycastEngine(room(), lens.pinhole)
    for number in (0, 9, 23):
        bent = lens.picture(engine.render(found.poses[number]))
        for name, values in bent.items():
            np.testing.assert_array_equal(found.array(name)[number], values)


AHEAD = """
    def render_many(self, camera_to_world):
        self.ahead = True
        for pose in camera_to_world:
            yield RaycastEngine.render(self, pose)
        self.ahead = False
"""


@pytest.mark.parametrize("noise", [SensorNoise(gaussian_sigma=3), SensorNoise(shutter=0.2)], ids=["grain", "blur"])
def test_an_engine_that_works_ahead_is_not_asked_for_other_views_meanwhile(
    noise: SensorNoise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = install_engine(tmp_path / "site", "assert not getattr(self, 'ahead', False)")
    (module,) = site.glob("third_*.py")
    module.write_text(module.read_text() + AHEAD)
    monkeypatch.syspath_prepend(str(site))
    ahead = record(room(), recipe("third", noise=noise), home=tmp_path)
    plain = record(room(), recipe(noise=noise), home=tmp_path)
    np.testing.assert_array_equal(ahead.array("rgb"), plain.array("rgb"))


# --- repeatable


def test_two_workers_give_the_bytes_of_one(noisy: Recording, tmp_path: Path) -> None:
    other = record(room(), recipe(distortion=LENS, noise=NOISE), home=tmp_path, workers=2)
    assert contents(other.folder) == contents(noisy.folder)


def test_a_run_that_was_killed_continues_to_the_same_bytes(noisy: Recording, tmp_path: Path) -> None:
    code = (
        "from sim_envs.generate import record\n"
        "from tests.sim_envs.test_noisy_recordings import LENS, NOISE\n"
        f"record(room(), recipe(distortion=LENS, noise=NOISE), home=Path({str(tmp_path)!r}))\n"
    )
    process = start(code)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("recordings/test/room/*.partial/done/*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    again = record(room(), recipe(distortion=LENS, noise=NOISE), home=tmp_path)
    assert contents(again.folder) == contents(noisy.folder)


def test_another_seed_gives_other_noise_on_the_same_poses(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "poses.txt", np.stack([pose(1.5, 1.2, 2.0, yaw=y) for y in (0, 40, 80)]).reshape(-1, 16))
    fields = {
        "splits": {"train": (1, 3)},
        "trajectories": str(tmp_path / "poses.txt"),
        "noise": SensorNoise(gaussian_sigma=5),
    }
    one, two = (record(room(), recipe(seed=seed, **fields), home=tmp_path) for seed in (0, 1))
    np.testing.assert_array_equal(one.poses, two.poses)
    np.testing.assert_array_equal(one.array("depth"), two.array("depth"))
    assert (one.array("rgb") != two.array("rgb")).mean() > 0.8


# --- any size, any field of view


@pytest.mark.parametrize(("width", "height"), [(32, 32), (2048, 32), (32, 2048), (1024, 640)])
@pytest.mark.parametrize("hfov", [30.0, 150.0])
def test_rooms_have_the_depth_of_their_walls_at_every_size_and_field_of_view(
    width: int, height: int, hfov: float
) -> None:
    rig, camera = Rig(width, height, hfov), pose(0.3, 1.2, -0.5, yaw=25, pitch=-10)
    frame = RaycastEngine(box_room(), rig).render(camera)
    assert frame["rgb"].shape == (height, width, 3)
    rays = world_rays(rig, camera)[:: max(1, height // 64), :: max(1, width // 64)]
    seen = frame["depth"][:: max(1, height // 64), :: max(1, width // 64)]
    exits = (np.where(rays > 0, ROOM[1] - camera[:3, 3], ROOM[0] - camera[:3, 3]) / rays).min(axis=-1)
    np.testing.assert_allclose(seen, exits * 1000, atol=1)


def test_the_largest_frames_are_sensed_too() -> None:
    wall = make_space(np.array([[-9, -9, 0], [9, -9, 0], [9, 9, 0], [-9, 9, 0]]), np.array([[0, 1, 2], [0, 2, 3]]))
    frame = RaycastEngine(wall, Rig(2048, 2048, 90.0, LENS)).render(pose(z=1.5))
    assert frame["depth"].shape == (2048, 2048)
    assert (frame["depth"] == 1500).all()
