"""Episode datasets of habitat-lab (``.json.gz``): PointNav, ObjectNav and what else has a start and goals.

Format: https://aihabitat.org/docs/habitat-lab/habitat.tasks.nav.nav.NavigationEpisode.html
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from sim_envs.errors import UserError
from sim_envs.space import Space

SUCCESS_RADIUS = 0.2  # metres; habitat-lab's success distance where a goal gives none
_SUFFIXES = (".glb", ".basis.glb", ".ply", ".obj", ".scene_instance.json", ".stage_config.json", ".basis")
_ANYWHERE = {"", "mesh", "mesh_semantic", "scene", "stage"}  # names of files that say nothing of the scene
_Vector = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
_Quaternion = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _AgentState(_Model):
    position: _Vector


class _ViewPoint(_Model):
    agent_state: _AgentState


class _Goal(_Model):
    position: _Vector
    radius: FiniteFloat | None = None
    view_points: tuple[_ViewPoint, ...] | None = None


class _Episode(_Model):
    episode_id: str | int
    scene_id: str
    start_position: _Vector
    start_rotation: _Quaternion
    goals: tuple[_Goal, ...] | None = None
    object_category: str | None = None


class _EpisodeFile(_Model):
    episodes: tuple[_Episode, ...]
    goals_by_category: dict[str, tuple[_Goal, ...]] = {}


@dataclass(frozen=True, eq=False)
class Episode:
    """Where an agent starts and where it is to go.

    Attributes:
        id: of the dataset.
        scene_id: of the dataset, often a path.
        start: (3,) of the agent's feet, metres, Y up.
        rotation: (4,) quaternion x, y, z, w, agent to world.
        goals: (G, 3); reaching one of them is success. For objects: where they are seen from.
        radius: metres from a goal that count as there.
    """

    id: str
    scene_id: str
    start: np.ndarray
    rotation: np.ndarray
    goals: np.ndarray
    radius: float


def read_episodes(path: Path) -> list[Episode]:
    """Return the episodes of a file, in its order.

    Raises:
        UserError: it is missing, is not such a dataset, or keeps its episodes in other files.
    """
    try:
        found = _EpisodeFile.model_validate(_json_of(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UserError(f"{path} is no episode dataset of habitat-lab: {field}: {first['msg']}.") from error
    if not found.episodes:
        raise UserError(_elsewhere(path))
    return [_episode(path, episode, found.goals_by_category) for episode in found.episodes]


def episodes_of(space: Space, episodes: Sequence[Episode], path: Path) -> list[Episode]:
    """Return the episodes of a space: those whose scene id holds its name, or that of the file it was imported from.

    Raises:
        UserError: there are none; the scenes that there are are named.
    """
    names = _names_of(space)
    chosen = [episode for episode in episodes if names & _names_in(episode.scene_id)]
    if not chosen:
        scenes = sorted({_scene_name(episode.scene_id) for episode in episodes})
        shown = ", ".join(scenes[:8]) + (", …" if len(scenes) > 8 else "")
        raise UserError(
            f"No episode of {path} is in {space.id}; its scenes are {shown}. A scan is found by its name: import the "
            "scene with --name."
        )
    return chosen


def _json_of(path: Path) -> Any:
    try:
        data = path.read_bytes()
        return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except FileNotFoundError as error:
        raise UserError(f"No episode dataset at {path}.") from error
    except OSError as error:
        raise UserError(f"Cannot read the episode dataset {path}: {error.strerror or error}.") from error
    except (EOFError, ValueError, zlib.error) as error:
        raise UserError(f"{path} is no episode dataset: it is not JSON, or cut short ({str(error)[:80]}).") from error


def _elsewhere(path: Path) -> str:
    """Say where the episodes of an empty file are: habitat-lab keeps large datasets in a file a scene."""
    others = sorted(file.name for file in (path.parent / "content").glob("*.json.gz"))
    if not others:
        return f"{path} holds no episode."
    shown = ", ".join(others[:6]) + (", …" if len(others) > 6 else "")
    return f"{path} keeps its episodes in a file a scene: name one of {path.parent / 'content'}: {shown}"


def _episode(path: Path, raw: _Episode, by_category: dict[str, tuple[_Goal, ...]]) -> Episode:
    goals = raw.goals or by_category.get(f"{PurePosixPath(raw.scene_id).name}_{raw.object_category}", ())
    if not goals:
        raise UserError(f"{path}: episode {raw.episode_id} has no goal.")
    if np.linalg.norm(raw.start_rotation) < 1e-6:
        raise UserError(f"{path}: episode {raw.episode_id} has a start_rotation of zeros.")
    places = [
        place
        for goal in goals
        for place in ([view.agent_state.position for view in goal.view_points or ()] or [goal.position])
    ]
    return Episode(
        id=str(raw.episode_id),
        scene_id=raw.scene_id,
        start=np.array(raw.start_position),
        rotation=np.divide(raw.start_rotation, np.linalg.norm(raw.start_rotation)),
        goals=np.array(places),
        radius=goals[0].radius or SUCCESS_RADIUS,
    )


def _names_of(space: Space) -> set[str]:
    """Return what a space may be called in a dataset of episodes."""
    said = space.provenance
    scene = str(said.get("scene") or str(said.get("source", "")).rpartition(", scene ")[2])
    meshes = [file["name"] for file in said.get("files", ()) if isinstance(file, dict) and file.get("role") == "mesh"]
    names = {space.id.partition("/")[2], scene, *(map(_scene_name, meshes) if len(meshes) == 1 else ())}
    return names - _ANYWHERE


def _names_in(scene_id: str) -> set[str]:
    """Return what a scene id calls its scene: the name of its file, or of a folder above it (Replica)."""
    return {_scene_name(scene_id), *PurePosixPath(scene_id).parent.parts[-2:]}


def _scene_name(scene_id: str) -> str:
    name = PurePosixPath(scene_id).name
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        name = name.removesuffix(suffix)
    return name
