"""``tst-bench spaces …``: list them, look at them, import a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Home, SpaceId, home_of, refuse_with
from sim_envs.errors import UserError

app = typer.Typer(no_args_is_help=True, help="Spaces: list them, look at them, import a scan.")


@app.command("list")
def spaces_list(home: Home = None) -> None:
    """List the spaces that can be used now: the built-in ones and what was imported.

    Example: `tst-bench spaces list`
    """
    from benchmark.commands.spaces import list_all_spaces

    list_all_spaces(home_of(home))


@app.command("info")
def spaces_info(
    space: SpaceId,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, provenance included.")] = False,
    home: Home = None,
) -> None:
    """Say what is in a space: size, faces, categories, what it lacks, where it came from.

    Example: `tst-bench spaces info builtin/flat-01 --json`
    """
    from benchmark.commands.spaces import show_space

    show_space(space, home_of(home), as_json)


@app.command("preview")
def spaces_preview(
    space: SpaceId,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures.", show_default="in the data home")] = None,
    home: Home = None,
) -> None:
    """Draw a labelled floor plan (of a capture: where the camera went) and a contact sheet of views.

    Example: `tst-bench spaces preview scan/my-flat --out pictures`
    """
    from benchmark.commands.spaces import preview

    preview(space, home_of(home), out)


@app.command("formats")
def spaces_formats() -> None:
    """List the data sets of scans that are read as they were downloaded, and the files they need.

    Example: `tst-bench spaces import --format replica ~/data/replica --scene room_0`
    """
    from benchmark.commands.spaces import list_formats

    list_formats()


@app.command("import")
def spaces_import(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A .ply, .glb, .gltf or .obj file, or a folder with one of them; with --format, a download's root."
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="PLY with `object_id` per face, or .npy per vertex or face.")
    ] = None,
    instances: Annotated[Path | None, typer.Option(help="JSON: instance id → category name.")] = None,
    up: Annotated[
        str | None,
        typer.Option(help="Axis that points up: y, z, -y …", show_default="found from the geometry"),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the file: m, cm, mm, in, ft.", show_default="m")] = None,
    name: Annotated[
        str | None, typer.Option(help="It becomes scan/NAME.", show_default="name of the file or scene")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="The data set that PATH is a download of: see `spaces formats`."),
    ] = None,
    habitat_dataset: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="Instead of PATH: a habitat *.scene_dataset_config.json."),
    ] = None,
    scene: Annotated[
        str | None,
        typer.Option(help="With --format or --habitat-dataset: the scene's id.", show_default="the only one"),
    ] = None,
    home: Home = None,
) -> None:
    """Import a scan, or a scene of a habitat dataset, as a space.

    Example: `tst-bench spaces import my-flat/mesh.ply --labels my-flat/ids.npy --instances my-flat/labels.json`

    Example: `tst-bench spaces import --format replica ~/data/replica --scene room_0`

    Example: `tst-bench spaces import --habitat-dataset replica_cad/replicaCAD.scene_dataset_config.json --scene apt_0`
    """
    from benchmark.commands.spaces import import_downloaded, import_habitat_scene, import_space

    if habitat_dataset is not None:
        said = {"PATH": path, "labels": labels, "instances": instances, "up": up, "unit": unit, "format": format_name}
        refuse_with("--habitat-dataset", **said)
        import_habitat_scene(habitat_dataset, scene, name, home_of(home))
        return
    if path is None:
        raise UserError("Name a scan to import, or a dataset with --habitat-dataset.")
    if format_name is not None:
        if labels is not None or instances is not None:
            raise UserError("--format knows where its labels are: leave --labels and --instances out.")
        import_downloaded(format_name, path, scene, up, unit, name, home_of(home))
        return
    if scene is not None:
        raise UserError(
            "--scene names a scene of a data set: give its --format (`tst-bench spaces formats`) or its "
            "--habitat-dataset too."
        )
    import_space(path, labels, instances, up, unit, name, home_of(home))
