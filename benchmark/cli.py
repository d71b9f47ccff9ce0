"""The command line: the roof that alone knows everybody, and imports them only when they are asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim_envs.errors import UserError

app = typer.Typer(
    name="tst-bench",
    help="How good can a vision model get when it only ever has to work in one space?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
spaces = typer.Typer(no_args_is_help=True, help="Spaces: list them, look at them, import a scan.")
models = typer.Typer(no_args_is_help=True, help="Models: the zoo that `run --model` takes names from.")
suites = typer.Typer(no_args_is_help=True, help="Suites: which spaces, budgets and tasks a run has.")
app.add_typer(spaces, name="spaces")
app.add_typer(models, name="models")
app.add_typer(suites, name="suites")

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="TST_BENCH_HOME",
        help="Folder for spaces, recordings and runs.",
        show_default="~/tst-bench",
    ),
]
SpaceId = Annotated[str, typer.Argument(metavar="SPACE", help="`source/name`, e.g. builtin/flat-01.")]


def main() -> None:
    """Run the command; wrong input is one message and exit code 2, Ctrl-C is 130."""
    try:
        app()
    except UserError as error:
        print(f"tst-bench: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\ntst-bench: interrupted. The same command continues where this one stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tst-bench {version('tst-bench')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


def _home(home: Path | None) -> Path:
    from sim_envs.storage import data_home

    return (home or data_home()).expanduser().resolve()


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and (height or width).isdecimal()):
        raise UserError(f"--size {text} is not a size: give pixels, e.g. 128, or WIDTHxHEIGHT, e.g. 640x480.")
    return int(width), int(height or width)


def _workers(workers: int | None) -> int:
    import os

    if workers is not None and not 1 <= workers <= 256:
        raise UserError(f"--workers {workers} is out of range: 1 to 256.")
    return workers or min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)


@spaces.command("list")
def spaces_list(home: Home = None) -> None:
    """List the spaces that can be used now: the built-in ones and what was imported."""
    from benchmark.commands import list_all_spaces

    list_all_spaces(_home(home))


@spaces.command("info")
def spaces_info(
    space: SpaceId,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, provenance included.")] = False,
    home: Home = None,
) -> None:
    """Say what is in a space: size, faces, categories, what it lacks, where it came from."""
    from benchmark.commands import show_space

    show_space(space, _home(home), as_json)


@spaces.command("preview")
def spaces_preview(
    space: SpaceId,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures.", show_default="in the data home")] = None,
    home: Home = None,
) -> None:
    """Draw a labelled floor plan and a contact sheet of views."""
    from benchmark.commands import preview

    preview(space, _home(home), out)


@spaces.command("import")
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
    from benchmark.commands import import_space

    import_space(path, labels, instances, up, unit, name, _home(home))


@app.command()
def generate(
    scene: Annotated[str, typer.Option(help="The space to record.", metavar="SPACE")],
    frames: Annotated[int, typer.Option(help="Frames in all; about 80 % train, 5 % val, 15 % test.")] = 1000,
    size: Annotated[str, typer.Option(help="Pixels: 128 for a square, or WIDTHxHEIGHT.")] = "128",
    hfov: Annotated[float, typer.Option(help="Horizontal field of view, degrees.")] = 90.0,
    trajectories: Annotated[str, typer.Option(help="auto, walk, handheld, or a pose file.")] = "auto",
    engine: Annotated[str, typer.Option(help="What renders.")] = "raycast",
    workers: Annotated[int | None, typer.Option(help="Rendering processes.", show_default="one a core")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the trajectories.", min=0)] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every byte of the recording against its digests.")
    ] = False,
    home: Home = None,
) -> None:
    """Render what a device would sense in a space, and keep it as a recording.

    A recording that exists is not made again; one that was interrupted continues.

    Examples: `tst-bench generate --scene builtin/flat-01 --frames 2000 --size 128`,
    `tst-bench generate --scene scan/my-flat --trajectories poses/transforms.json --verify`
    """
    from benchmark.commands import generate_recording

    generate_recording(
        scene, frames, _size(size), hfov, trajectories, engine, _workers(workers), seed, verify, _home(home)
    )


@app.command()
def run(
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model of the zoo; may be given again.", show_default="the suite's"),
    ] = None,
    scene: Annotated[
        str | None, typer.Option(help="The test space.", metavar="SPACE", show_default="the suite's")
    ] = None,
    suite: Annotated[str, typer.Option(help="A suite by name, or a .yaml file.")] = "demo",
    task: Annotated[
        list[str] | None, typer.Option(help="semseg, depth; may be given again.", show_default="the suite's")
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="frozen, finetune; may be given again.", show_default="the suite's"),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Training seeds.", show_default="the suite's")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.", show_default="one a core")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    home: Home = None,
) -> None:
    """Pre-train, transfer, predict and score; what is missing is generated, what is done is kept.

    Examples: `tst-bench run --model tst --scene scan/my-flat`,
    `tst-bench run --model tst --model scratch --scene builtin/flat-02 --task depth --seeds 3`
    """
    from benchmark.commands import run_suite

    run_suite(suite, scene, model or [], task or [], protocol or [], seeds, _workers(workers), device, _home(home))


@app.command()
def report(
    suite: Annotated[str | None, typer.Option(help="Suite of the run.", show_default="the latest run's")] = None,
    scene: Annotated[
        str | None,
        typer.Option(help="Test space of the run.", metavar="SPACE", show_default="the latest run's"),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    home: Home = None,
) -> None:
    """Print the table of a run and write it as Markdown, CSV and one HTML page."""
    from benchmark.commands import write_report

    write_report(suite, scene, open_page, _home(home))


@app.command()
def demo(
    preset: Annotated[
        str, typer.Option(help="demo: minutes; small: three seeds, about an hour on two cores.")
    ] = "demo",
    workers: Annotated[int | None, typer.Option(help="Processes.", show_default="one a core")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    home: Home = None,
) -> None:
    """Run the whole benchmark in small: the table of specialization against generalization, and its report."""
    from benchmark.commands import run_suite

    if preset not in ("demo", "small"):
        from sim_envs.errors import unknown

        raise unknown("preset", preset, ("demo", "small"))
    run_suite(preset, None, [], [], [], None, _workers(workers), device, _home(home))


@models.command("list")
def models_list() -> None:
    """List the models and what they learn from."""
    from benchmark.commands import list_models

    list_models()


@suites.command("list")
def suites_list() -> None:
    """List the suites that come with the program."""
    from benchmark.commands import list_suites

    list_suites()
