"""What ``tst-bench spaces`` does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmark.commands.console import note, out

if TYPE_CHECKING:
    from sim_envs.space import Space


def list_all_spaces(home: Path) -> None:
    """Print one line a space; the built-in families as ranges."""
    from sim_envs.spaces import list_spaces

    names = list_spaces(home)
    builtin = [name for name in names if name.startswith("builtin/")]
    families = sorted({name.rpartition("-")[0] for name in builtin})
    for family in families:
        members = [name for name in builtin if name.startswith(family + "-")]
        out.print(f"{members[0]} … {members[-1].rpartition('/')[2]}   {len(members)} spaces, made when first used")
    for name in names:
        if not name.startswith("builtin/"):
            out.print(name)


def show_space(space_id: str, home: Path, as_json: bool) -> None:
    """Print what is known of a space."""
    from sim_envs.captures.preview import capture_info
    from sim_envs.captures.source import load_capture
    from sim_envs.spaces import is_capture, load_space
    from sim_envs.spaces.preview import space_info

    captured = is_capture(space_id)
    info = capture_info(load_capture(space_id, home)) if captured else space_info(load_space(space_id, home))
    if as_json:
        print(json.dumps(info, indent=1, ensure_ascii=False))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, value in info.items():
        if key != "provenance":
            table.add_row(key.replace("_", " "), _present(value) if key == "categories" else _plain(value))
    out.print(table)


def preview(space_id: str, home: Path, folder: Path | None) -> None:
    """Draw a space and name the pictures."""
    from sim_envs.captures.preview import preview_capture
    from sim_envs.captures.source import load_capture
    from sim_envs.spaces import is_capture, load_space
    from sim_envs.spaces.preview import preview_space

    target = folder or home / "previews" / space_id
    with note.status(f"Drawing {space_id} …"):
        if is_capture(space_id):
            pictures = preview_capture(load_capture(space_id, home), target)
        else:
            pictures = preview_space(load_space(space_id, home), target)
    for picture in pictures:
        print(picture)


def import_space(
    path: Path,
    labels: Path | None,
    instances: Path | None,
    up: str | None,
    unit: str | None,
    name: str | None,
    home: Path,
) -> None:
    """Import a scan and say what it became."""
    from sim_envs.spaces.scans.source import import_scan

    with note.status(f"Importing {path} …"):
        space = import_scan(path, name=name, labels=labels, instances=instances, up=up, unit=unit, home=home)
    _say_what_it_became(space)


def import_habitat_scene(config: Path, scene: str | None, name: str | None, home: Path) -> None:
    """Import a scene of a habitat dataset and say what it became."""
    from sim_envs.spaces.habitat.source import import_scene

    with note.status(f"Importing {scene or 'the scene'} of {config} …"):
        space = import_scene(config, scene=scene, name=name, home=home)
    _say_what_it_became(space)


def import_downloaded(
    format_name: str,
    root: Path,
    scene: str | None,
    up: str | None,
    unit: str | None,
    name: str | None,
    home: Path,
) -> None:
    """Import a scene of a downloaded data set and say what it became."""
    from sim_envs.spaces.formats import import_scene

    with note.status(f"Importing {scene or root} …"):
        space = import_scene(format_name, root, home=home, scene=scene, name=name, up=up, unit=unit)
    _say_what_it_became(space)


def list_formats() -> None:
    """Print each format's name and the files of a scene."""
    from sim_envs.spaces.formats import SCAN_FORMATS

    for name in SCAN_FORMATS:
        row = SCAN_FORMATS[name]()
        out.print(f"{name}   {row.title}", highlight=False)
        for line in row.files:
            out.print(f"   {line}", highlight=False, markup=False)


def _say_what_it_became(space: Space) -> None:
    for line in space.provenance.get("notes", ()):
        note.print(f"note: {line}")
    labelled = (
        f"{len(space.categories)} categories" if space.has_labels else "no labels: it serves depth and normals only"
    )
    out.print(f"{space.id}: {len(space.faces):,} faces, {labelled}. Look at it: tst-bench spaces preview {space.id}")


def _present(categories: dict[str, dict[str, Any]] | list[str]) -> str:
    """Return a space's categories, the largest surface first, or the names a capture has."""
    if isinstance(categories, list):
        return _plain(categories)
    return _plain([f"{name} ({row['instances']}; {row['surface_m2']:g} m²)" for name, row in categories.items()])


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == [] or value == {}:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return str(value)
