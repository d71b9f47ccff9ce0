"""Frames per second of the raycast engine, every rendered and derived modality, one process on one core; and what
lens and noise take of them.

Run by ``make bench``. ``extra_info`` holds frames per second, by the clock and by the processor time this
process got (the same on an idle machine), and what was rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from time import process_time
from typing import Any

import cv2
import numpy as np
import pytest

from sim_envs.distortion import RadialDistortion
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.rig import Rig, SensorNoise
from sim_envs.sensors import DERIVED
from sim_envs.sensors.device import Device
from sim_envs.space import Space
from sim_envs.trajectories.plan import plan_trajectories

FRAMES = 40


@pytest.fixture(scope="module")
def poses(space: Space) -> np.ndarray:
    """Return (FRAMES, 4, 4) views as a recording would have them."""
    planned = plan_trajectories(space, Rig(), "auto", {"train": (4, FRAMES // 4)}, seed=0)
    return np.concatenate([trajectory.camera_to_world for trajectory in planned])


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread, as recording workers do."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("size", [64, 128, 256])
def test_all_modalities(benchmark: Any, space: Space, poses: np.ndarray, size: int) -> None:
    """Render FRAMES different views a round."""
    engine = RaycastEngine(space, Rig(size, size, 90.0))
    views = cycle(poses)
    seconds: list[float] = []

    def render_all() -> int:
        sensed, start = 0, process_time()
        for _ in range(FRAMES):
            frame = engine.render(next(views))
            frame |= {name: derive(frame) for name, derive in DERIVED.items()}
            sensed += int((frame["depth"] > 0).sum())
        seconds.append(process_time() - start)
        return sensed

    sensed = benchmark.pedantic(render_all, rounds=5, warmup_rounds=1)
    benchmark.extra_info |= {
        "space": space.id,
        "faces": len(space.faces),
        "frames_per_second": round(FRAMES / benchmark.stats.stats.median, 1),
        "frames_per_core_second": round(FRAMES / float(np.median(seconds)), 1),
        "sensed_share": round(sensed / (FRAMES * size * size), 3),
    }
    assert sensed > 0


RIGS = {
    "none": Rig(),
    "distortion": Rig(distortion=RadialDistortion(-0.18, 0.05)),
    **{
        f"{name}={value:g}": Rig(noise=SensorNoise(**{name: value}))
        for name, value in (
            ("exposure_spread_ev", 0.7),
            ("shutter", 0.1),
            ("photons_at_white", 500.0),
            ("gaussian_sigma", 5.0),
            ("redwood_strength", 1.0),
        )
    },
}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", RIGS)
def test_lens_and_noise(benchmark: Any, space: Space, poses: np.ndarray, name: str) -> None:
    """Sense FRAMES views of 128 × 128 a round, as workers do; rigs differ in one thing each."""
    rig = RIGS[name]
    engine = RaycastEngine(space, rig)
    trajectories = np.split(poses, 4)
    seconds: list[float] = []

    def sense_all() -> None:
        start = process_time()
        for number, trajectory in enumerate(trajectories):
            device = Device(rig, trajectory, number, 0, engine.render)
            for step, view in enumerate(trajectory):
                frame = device.sense(engine.render(view), step)
                frame |= {derived: derive(frame) for derived, derive in DERIVED.items()}
        seconds.append(process_time() - start)

    benchmark.pedantic(sense_all, rounds=3, warmup_rounds=1)
    benchmark.extra_info |= {
        "space": space.id,
        "rig": name,
        "frames_per_second": round(FRAMES / benchmark.stats.stats.median, 1),
        "frames_per_core_second": round(FRAMES / float(np.median(seconds)), 1),
    }


def test_open_space(benchmark: Any, space: Space) -> None:
    """Build the acceleration structure and the tables: what every worker does once."""
    benchmark.pedantic(lambda: RaycastEngine(space, Rig()), rounds=3)
    benchmark.extra_info |= {"space": space.id, "faces": len(space.faces)}
