"""Data sets of scans that are read as they were downloaded. A row is a class that fills :class:`ScanFormat`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from sim_envs.errors import UserError, unknown
from sim_envs.registry import Table
from sim_envs.space import Space
from sim_envs.spaces.scans.assemble import RawScan, assemble
from sim_envs.spaces.scans.orientation import metres_per, to_y_up
from sim_envs.spaces.scans.source import SOURCE, checked_name, keep_scan

_SHOWN_SCENES = 30


class ScanFormat(Protocol):
    """One data set's layout on disk and how its scenes are read. Rows take no arguments."""

    title: str
    """What the data set calls itself."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files of a scene, one line each, for people."""

    def scenes(self, root: Path) -> list[str]:
        """Return the ids of the scenes below a download's root, complete or not, sorted."""

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one scene.

        Raises:
            UserError: files are missing (all of them are named before any is read), or damaged.
        """


SCAN_FORMATS: Table[type[ScanFormat]] = Table(
    "scan format",
    {
        "3dfront": "sim_envs.spaces.formats.threedfront:ThreeDFront",
        "3rscan": "sim_envs.spaces.formats.scenezoo:ThreeRScan",
        "arkitscenes": "sim_envs.spaces.formats.scenezoo:ARKitScenes",
        "hm3d": "sim_envs.spaces.formats.hm3d:HM3D",
        "matterport3d": "sim_envs.spaces.formats.matterport3d:Matterport3D",
        "mp3d-habitat": "sim_envs.spaces.formats.matterport3d:MP3DHabitat",
        "multiscan": "sim_envs.spaces.formats.scenezoo:MultiScan",
        "replica": "sim_envs.spaces.formats.replica:Replica",
        "s3dis": "sim_envs.spaces.formats.s3dis:S3DIS",
        "scannet": "sim_envs.spaces.formats.scenezoo:ScanNet",
        "scannetpp": "sim_envs.spaces.formats.scenezoo:ScanNetPP",
        "scenenn": "sim_envs.spaces.formats.scenezoo:SceneNN",
        "structured3d": "sim_envs.spaces.formats.structured3d:Structured3D",
    },
    group="tst_bench.scan_formats",
)


def import_scene(
    format_name: str,
    root: Path,
    *,
    home: Path,
    scene: str | None = None,
    name: str | None = None,
    up: str | None = None,
    unit: str | None = None,
) -> Space:
    """Read a scene of a downloaded data set and keep it as ``scan/<name>``.

    Args:
        format_name: a row of :data:`SCAN_FORMATS`.
        root: the download's root, or the folder of one scene.
        home: the data home.
        scene: the scene's id; may be left out where there is only one.
        name: default: ``<format>-<scene>``.
        up, unit: instead of what the format prescribes.

    Raises:
        UserError: no such format, folder or scene, missing files, or a name that is taken by another scan.
    """
    row = SCAN_FORMATS[format_name]()
    metres_per(unit or "m")
    to_y_up(up or "y")
    chosen = choose_scene(format_name, row, root, scene)
    space_name = checked_name(name, re.sub(r"[^A-Za-z0-9._-]+", "-", f"{format_name}-{chosen}"))
    space = assemble(row.read(root, chosen), f"{SOURCE}/{space_name}", up, unit)
    keep_scan(space, home)
    return space


def choose_scene(format_name: str, row: ScanFormat, root: Path, scene: str | None) -> str:
    """Return the scene that was asked for, or the only one there is.

    Raises:
        UserError: there is none, none of that id, or several to choose from; they are listed.
    """
    if not root.is_dir():
        raise UserError(f"No such folder: {root}")
    scenes = row.scenes(root)
    if not scenes:
        raise UserError(f"{root} holds no scenes of {row.title}. A scene is made of: {'; '.join(row.files)}.")
    if scene is None and len(scenes) > 1:
        shown = ", ".join(scenes[:_SHOWN_SCENES]) + (", …" if len(scenes) > _SHOWN_SCENES else "")
        raise UserError(f"{root} holds {len(scenes)} scenes: {shown}. Name one with --scene.")
    chosen = scenes[0] if scene is None else scene
    if chosen not in scenes:
        raise unknown(f"{format_name} scene", chosen, scenes)
    return chosen
