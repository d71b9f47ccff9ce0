"""``tst-bench spaces …``: list them, look at them, import a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Home, SpaceId, home_of

app = typer.Typer(no_args_is_help=True, help="Spaces: list them, look at them, import a scan.")


@app.command("list")
def spaces_list(home: Home = None) -> None:
    """List the spaces that can be used now: the built-in ones and what was imported."""
    from benchmark.commands.spaces import list_all_spaces

    list_all_spaces(home_of(home))


@app.command("info")
def spaces_info(
    space: SpaceId,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, provenance included.")] = False,
    home: Home = None,
) -> None:
    """Say what is in a space: size, faces, categories, what it lacks, where it came from."""
    from benchmark.commands.spaces import show_space

    show_space(space, home_of(home), as_json)


@app.command("preview")
def spaces_preview(
    space: SpaceId,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures.", show_default="in the data home")] = None,
    home: Home = None,
) -> None:
    """Draw a labelled floor plan (of a capture: where the camera went) and a contact sheet of views."""
    from benchmark.commands.spaces import preview

    preview(space, home_of(home), out)


@app.command("import")
def spaces_import(
    path: Annotated[Path, typer.Argument(help="A .ply, .glb, .gltf or .obj file, or a folder with one of them.")],
    labels: Annotated[
        Path | None, typer.Option(help="PLY with `object_id` per face, or .npy per vertex or face.")
    ] = None,
    instances: Annotated[Path | None, typer.Option(help="JSON: instance id → category name.")] = None,
    up: Annotated[
        str | None,
        typer.Option(help="Axis that points up: y, z, -y …", show_default="found from the geometry"),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the file: m, cm, mm, in, ft.", show_default="m")] = None,
    name: Annotated[str | None, typer.Option(help="It becomes scan/NAME.", show_default="the file's name")] = None,
    home: Home = None,
) -> None:
    """Import a scan as a space.

    Example: `tst-bench spaces import my-flat/mesh.ply --labels my-flat/ids.npy --instances my-flat/labels.json`
    """
    from benchmark.commands.spaces import import_space

    import_space(path, labels, instances, up, unit, name, home_of(home))
