"""The command line: the roof that alone knows everybody, and imports them only when they are asked for."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from benchmark.cli import (
    ablations,
    bench,
    board_admin,
    board_build,
    board_serve,
    board_status,
    board_work,
    captures,
    doctor,
    engines,
    exports,
    grid,
    hidden,
    look,
    models,
    pretraining,
    recordings,
    runs,
    spaces,
    submissions,
    tasks,
)
from sim_envs.errors import UserError

app = typer.Typer(
    name="tst-bench",
    help="How good can a vision model get when it only ever has to work in one space?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(captures.app)
app.add_typer(recordings.app)
app.add_typer(exports.app)
app.add_typer(look.app)
app.add_typer(runs.app)
app.add_typer(grid.app)
app.add_typer(ablations.app)
app.add_typer(pretraining.app)
app.add_typer(models.app, name="models")
app.add_typer(tasks.app, name="tasks")
app.add_typer(spaces.app, name="spaces")
app.add_typer(engines.app, name="engines")
app.add_typer(doctor.app)
app.add_typer(bench.app)
app.add_typer(hidden.app)
app.add_typer(submissions.app)
submissions.board.add_typer(board_work.app)
submissions.board.add_typer(board_admin.app, name="admin")
submissions.board.add_typer(hidden.board)
submissions.board.add_typer(board_build.app)
submissions.board.add_typer(board_serve.app)
submissions.board.add_typer(board_status.app)
app.add_typer(submissions.board, name="leaderboard")


EXTRAS = {
    "sqlalchemy": "leaderboard",
    "alembic": "leaderboard",
    "fastapi": "leaderboard",
    "uvicorn": "leaderboard",
    "ray": "cluster",
    "fsspec": "cluster",
}
"""Package → the optional extra that brings it, for commands that are of no use without."""


def main() -> None:
    """Run the command; wrong input is one message and exit code 2, Ctrl-C is 130."""
    try:
        app()
    except UserError as error:
        print(f"tst-bench: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        extra = EXTRAS[package]
        print(f"tst-bench: this needs {package}: pip install -c constraints.txt -e '.[{extra}]'.", file=sys.stderr)
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
