"""Commands about runs that exist: their scores anew."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of

app = typer.Typer()

RunSuite = Annotated[
    str | None, typer.Option("--suite", help="Suite of the run: a name or a .yaml file.", show_default="the latest's")
]
RunScene = Annotated[
    str | None,
    typer.Option("--scene", help="Test space of the run.", metavar="SPACE", show_default="the latest's"),
]


@app.command()
def rescore(suite: RunSuite = None, scene: RunScene = None, home: Home = None) -> None:
    """Compute every score of a run anew from its stored predictions and the recordings, and say what changed.

    Results of an older version of a task are brought to today's. A row whose predictions are missing or damaged is
    named, the others are rescored, and the exit code is 1.

    Example: `tst-bench rescore --suite demo --scene builtin/flat-01`
    """
    from benchmark.commands.rescore import rescore_run

    rescore_run(suite, scene, home_of(home))
