"""``tst-bench doctor``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of

app = typer.Typer()


@app.command()
def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for a bug report, without names of hosts and people.")
    ] = False,
    home: Home = None,
) -> None:
    """Say what works on this machine, what does not, and what to do about it.

    Looks at Python, torch, GPUs, memory, disk, EGL, drivers and habitat, and lets every engine draw a room whose
    picture is known. The exit code is 0 when the main job (`run`, `demo`) can run, else 1; what is optional only
    warns.

    Examples: `tst-bench doctor`, `tst-bench doctor --json > report.json`
    """
    try:
        from benchmark.commands.doctor import examine
    except ImportError as error:
        print(
            f"tst-bench: the doctor itself cannot start: {error}. Run `pip install -c constraints.txt -e .` in the "
            "checkout, or `make setup`.",
            file=sys.stderr,
        )
        raise typer.Exit(1) from error
    examine(home_of(home), as_json)
