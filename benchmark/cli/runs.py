"""Commands that run the benchmark and report what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import (
    Accumulate,
    Address,
    Compile,
    Device,
    Executor,
    Head,
    Home,
    Limit,
    Processes,
    Store,
    Workers,
    home_of,
    weights_of,
    workers_of,
)
from sim_envs.errors import unknown

app = typer.Typer()
suites = typer.Typer(no_args_is_help=True, help="Suites: which spaces, budgets and tasks a run has.")
app.add_typer(suites, name="suites")

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A suite by name, or a .yaml file.")]


@app.command()
def run(
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model of the zoo; may be given again.", show_default="the suite's"),
    ] = None,
    scene: Annotated[
        str | None, typer.Option(help="The test space.", metavar="SPACE", show_default="all of the suite's")
    ] = None,
    suite: Annotated[str, typer.Option(help="A suite by name, or a .yaml file.")] = "demo",
    task: Annotated[
        list[str] | None, typer.Option(help="A task, see `tasks list`; may be given again.", show_default="the suite's")
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="frozen, finetune, or zero-shot: as it is, for task experts; may be given again.",
            show_default="the suite's",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Training seeds.", show_default="the suite's")] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=PATH",
            help="Weights of a model that was trained elsewhere (.safetensors, .pth; a folder for task experts); may "
            "be given again.",
            show_default="the hub's cache, or the hub",
        ),
    ] = None,
    head: Head = None,
    workers: Workers = None,
    device: Device = "auto",
    executor: Executor = "local",
    address: Address = None,
    store: Store = None,
    processes: Processes = 1,
    accumulate: Accumulate = 1,
    compile_: Compile = False,
    home: Home = None,
    limit: Limit = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")] = False,
) -> None:
    """Pre-train, transfer, predict and score; what is missing is generated, what is done is kept.

    Examples: `tst-bench run --model tst --scene scan/my-flat`,
    `tst-bench run --model tst --model scratch --scene builtin/flat-02 --task depth --seeds 3`,
    `tst-bench run --model dinov2-s --weights dinov2-s=model.safetensors --model tst`,
    `tst-bench run --suite my-flat.yaml --processes 8` on eight GPUs,
    `tst-bench run --suite builtin-v1 --executor ray --address auto --home /shared/tst-bench` on a Ray cluster,
    `tst-bench run --suite builtin-v1 --executor ray --address auto --store s3://bucket/tst-bench` on one without a
    shared disk,
    `tst-bench run --model mask2former --weights mask2former=FOLDER --protocol zero-shot`
    """
    from benchmark.commands.asked import Asked
    from benchmark.commands.forecast import show_plan
    from benchmark.commands.runs import run_suite
    from benchmark.launching import Execution
    from benchmark.machine import Resources

    files = weights_of(weights or [])
    asked = Asked(suite, scene, model or [], task or [], protocol or [], seeds, files, head, limit)
    if dry_run:
        show_plan(asked, home_of(home))
    else:
        execution = Execution(processes, accumulate, compile_)
        resources = Resources(workers_of(workers), device, executor, address, execution, store)
        run_suite(asked, resources, home_of(home))


@app.command()
def report(
    suite: Annotated[str | None, typer.Option(help="Suite of the run.", show_default="the latest run's")] = None,
    scene: Annotated[
        str | None,
        typer.Option(help="Test space of the run.", metavar="SPACE", show_default="all that were run"),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="html, markdown, latex, csv, parquet, figures (SVG and PNG); may be given again.",
            show_default="all",
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into.", metavar="FOLDER", show_default="the run's")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    home: Home = None,
) -> None:
    """Print the tables of a run and write them, with figures, in every format or in some.

    The HTML page has everything inside it and works offline. A suite that was run in several test spaces gets one
    report, with the space × space matrix.

    Examples: `tst-bench report --open`, `tst-bench report --suite small --format latex --format figures --out paper`
    """
    from benchmark.commands.runs import write_report

    write_report(suite, scene, formats or [], folder, open_page, home_of(home))


@app.command()
def demo(
    preset: Annotated[
        str, typer.Option(help="demo: minutes; small: three seeds, about an hour on two cores.")
    ] = "demo",
    workers: Workers = None,
    device: Device = "auto",
    home: Home = None,
) -> None:
    """Run the whole benchmark in small: the table of specialization against generalization, and its report.

    Example: `tst-bench demo --preset small`
    """
    from benchmark.commands.asked import Asked
    from benchmark.commands.runs import run_suite
    from benchmark.machine import Resources

    if preset not in ("demo", "small"):
        raise unknown("preset", preset, ("demo", "small"))
    run_suite(Asked(preset), Resources(workers_of(workers), device), home_of(home))


@suites.command("list")
def suites_list() -> None:
    """List the suites that come with the program.

    Example: `tst-bench suites list`
    """
    from benchmark.commands.runs import list_suites

    list_suites()


@suites.command("info")
def suites_info(suite: SuiteName, home: Home = None) -> None:
    """Show a suite: spaces, roles, budgets, and what of it is missing here: spaces, recordings, disk.

    Example: `tst-bench suites info small`
    """
    from benchmark.commands.suites import show_suite

    show_suite(suite, home_of(home))


@suites.command("validate")
def suites_validate(suite: SuiteName, home: Home = None) -> None:
    """Check that a suite can be run here; the exit code is 2, with a list, when it cannot.

    Example: `tst-bench suites validate my-flat.yaml`
    """
    from benchmark.commands.suites import validate_suite

    validate_suite(suite, home_of(home))


@suites.command("new")
def suites_new(
    test_space: Annotated[str, typer.Option(help="The space to specialise in.", metavar="SPACE")],
    out: Annotated[
        Path | None, typer.Option(help="File to write.", metavar="FILE.yaml", show_default="named by the space")
    ] = None,
    home: Home = None,
) -> None:
    """Write a suite of your own: your space, with the other roles as in `small`.

    Example: `tst-bench suites new --test-space scan/my-flat --out my-flat.yaml`
    """
    from benchmark.commands.suites import new_suite

    new_suite(test_space, out, home_of(home))
