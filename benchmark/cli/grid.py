"""Commands about runs that exist, or are to be: how far they are, and their scores anew."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Head, Home, Limit, home_of, weights_of

app = typer.Typer()

RunSuite = Annotated[
    str | None, typer.Option("--suite", help="Suite of the run: a name or a .yaml file.", show_default="the latest's")
]
RunScene = Annotated[
    str | None,
    typer.Option("--scene", help="Test space of the run.", metavar="SPACE", show_default="all that were run"),
]


@app.command()
def status(
    suite: Annotated[str, typer.Option(help="A suite by name, or a .yaml file.")] = "demo",
    scene: Annotated[
        str | None, typer.Option(help="The test space.", metavar="SPACE", show_default="all of the suite's")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="As in `run`.", show_default="the suite's")] = None,
    task: Annotated[list[str] | None, typer.Option(help="As in `run`.", show_default="the suite's")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="As in `run`.", show_default="the suite's")] = None,
    seeds: Annotated[int | None, typer.Option(help="As in `run`.", show_default="the suite's")] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="As in `run`.", metavar="MODEL=FILE", show_default="looked for")
    ] = None,
    head: Head = None,
    limit: Limit = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object, a cell a job; a list of them for several test spaces."),
    ] = False,
    home: Home = None,
) -> None:
    """Show how far a run is: each recording, pre-training and row is done, half done, failed or missing.

    Nothing is changed. A suite that has never run is all missing.

    Example: `tst-bench status --suite small --scene builtin/flat-02`
    """
    from benchmark.commands.asked import Asked
    from benchmark.commands.status import show_status

    files = weights_of(weights or [])
    asked = Asked(suite, scene, model or [], task or [], protocol or [], seeds, files, head, limit)
    show_status(asked, as_json, home_of(home))


@app.command()
def rescore(suite: RunSuite = None, scene: RunScene = None, home: Home = None) -> None:
    """Compute every score of a run anew from its stored predictions and the recordings, and say what changed.

    Results of an older version of a task are brought to today's. A row whose predictions are missing or damaged is
    named, the others are rescored, and the exit code is 1.

    Example: `tst-bench rescore --suite demo --scene builtin/flat-01`
    """
    from benchmark.commands.rescore import rescore_run

    rescore_run(suite, scene, home_of(home))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A model of the run, or a result file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    suite: RunSuite = None,
    scene: RunScene = None,
    home: Home = None,
) -> None:
    """Say how A differs from B: paired differences with intervals in every measure, as a table and in words.

    Examples: `tst-bench compare tst scratch`,
    `tst-bench compare old/x.result.json new/x.result.json`
    """
    from benchmark.commands.compare import compare as compare_two

    compare_two(first, second, suite, scene, home_of(home))
