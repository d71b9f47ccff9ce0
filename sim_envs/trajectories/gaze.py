"""Where a camera looks along a path: with the travel, around, and rather at things than at bare walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sim_envs.trajectories.views import YAWS

WALK_PITCH = np.radians([-30.0, 20.0])
HAND_PITCH = np.radians([-50.0, 30.0])
MAX_ROLL = np.radians(2.0)
_BIN = 2 * np.pi / YAWS
_TURN_BINS = 2  # yaw bins a camera may turn from one frame to the next
_FORBIDDEN = 1e3


@dataclass(frozen=True, eq=False)
class Programme:
    """What the camera would do if every view were worth keeping; (N,) radians each.

    Yaw 0 looks along −z and turns left when it grows; pitch is up; roll turns the camera to its left.
    """

    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray


def rotations(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Return (N, 3, 3) camera-to-world rotations: roll about z, then pitch about x, then yaw about y."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    out = np.empty((len(yaw), 3, 3))
    out[:, 0] = np.stack([cy * cr + sy * sp * sr, sy * sp * cr - cy * sr, sy * cp], axis=1)
    out[:, 1] = np.stack([cp * sr, cp * cr, -sp], axis=1)
    out[:, 2] = np.stack([cy * sp * sr - sy * cr, sy * sr + cy * sp * cr, cy * cp], axis=1)
    return out


def walking(positions: np.ndarray, height: float, rng: np.random.Generator) -> Programme:
    """Look where one walks, with look-arounds of 35° to 110° to the sides every ten frames or so.

    Args:
        positions: (N, 3) metres.
        height: of the sensor above the floor, metres; a high sensor looks down more.
    """
    count = len(positions)
    ahead = gaussian_filter1d(np.gradient(positions, axis=0), 1.0, axis=0, mode="nearest")
    yaw = np.unwrap(np.arctan2(-ahead[:, 0], -ahead[:, 2]))
    frames = np.arange(count)
    for _ in range(1 + count // 10):
        centre, width = rng.uniform(0, count), rng.uniform(3, 7)
        swing = rng.choice([-1.0, 1.0]) * np.radians(rng.uniform(35, 110))
        phase = np.clip((frames - centre) / width, -1, 1)
        yaw = yaw + swing * 0.5 * (1 + np.cos(np.pi * phase))
    level = np.radians(-6 - 14 * (height - 1.0) + rng.normal(0, 4))
    pitch = np.clip(level + _wave(count, np.radians(9), rng), *WALK_PITCH)
    return Programme(yaw, pitch, _wave(count, MAX_ROLL, rng))


def hovering(towards: np.ndarray, rng: np.random.Generator) -> Programme:
    """Look towards the geometry and slowly sweep over it.

    Args:
        towards: (N, 3) unit directions from each position to where the geometry is.
    """
    count = len(towards)
    yaw = np.unwrap(np.arctan2(-towards[:, 0], -towards[:, 2])) + _wave(count, np.radians(50), rng)
    level = gaussian_filter1d(np.arcsin(np.clip(towards[:, 1], -1, 1)), 2.0, mode="nearest")
    pitch = np.clip(level + _wave(count, np.radians(6), rng), *HAND_PITCH)
    return Programme(yaw, pitch, _wave(count, MAX_ROLL, rng))


def _wave(count: int, amplitude: float, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth wobble within ±amplitude: three slow sines that never repeat within a trajectory."""
    period, phase = rng.uniform(9, 30, size=3), rng.uniform(0, 2 * np.pi, size=3)
    frames = np.arange(count)[:, None]
    return amplitude * np.sin(2 * np.pi * frames / period + phase).mean(axis=1)


def choose_yaw(programme: Programme, score: np.ndarray, forbidden: np.ndarray, obedience: float) -> np.ndarray:
    """Return the (N,) yaw that keeps near the programme, sees the most, and turns by at most 30° a frame.

    The best sequence over yaw bins of 10° is found exactly (Viterbi); then it is smoothed.

    Args:
        score: (N, YAWS) 0…1, how much the view at each yaw shows.
        forbidden: (N, YAWS) bool, views already found wanting.
        obedience: what 45° away from the programme costs, where a view's whole score is worth 1.
    """
    count = len(score)
    bins = np.arange(YAWS) * _BIN
    away = np.abs((bins[None] - programme.yaw[:, None] + np.pi) % (2 * np.pi) - np.pi)
    cost = obedience * (away / np.radians(45)) ** 2 + 1.5 * (1 - score) + _FORBIDDEN * forbidden
    turns = np.arange(-_TURN_BINS, _TURN_BINS + 1)
    source = (np.arange(YAWS)[:, None] - turns) % YAWS
    total, before = cost[0], np.zeros((count, YAWS), int)
    for i in range(1, count):
        options = total[source] + 0.08 * turns**2
        before[i] = options.argmin(axis=1)
        total = options.min(axis=1) + cost[i]
    state = int(total.argmin())
    yaw = np.empty(count)
    yaw[-1] = bins[state]
    for i in range(count - 1, 0, -1):
        turn = turns[before[i, state]]
        state = (state - turn) % YAWS
        yaw[i - 1] = yaw[i] - turn * _BIN
    within = (programme.yaw - yaw + np.pi) % (2 * np.pi) - np.pi
    return gaussian_filter1d(yaw + np.clip(within, -_BIN / 2, _BIN / 2), 0.8, mode="nearest")
