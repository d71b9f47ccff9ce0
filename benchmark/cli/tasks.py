"""``tst-bench tasks …``: what ``run --task`` takes names from, and what predictions look like on disk."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Tasks: what models are asked, and how their answers are stored.")

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A name from `tasks list`.")]


@app.command("list")
def tasks_list() -> None:
    """List the tasks with their main measure and what a space must have for them.

    Example: `tst-bench tasks list`
    """
    from benchmark.commands.tasks import list_tasks

    list_tasks()


@app.command("info")
def tasks_info(task: TaskName) -> None:
    """Say what is asked, what is measured, and how answers are given, stored and learned.

    Example: `tst-bench tasks info retrieval`
    """
    from benchmark.commands.tasks import show_task

    show_task(task)


@app.command("schema")
def tasks_schema(task: TaskName) -> None:
    """Print the JSON schema of a task's predictions: the manifest, and the arrays of the file of each space.

    Example: `tst-bench tasks schema semseg > semseg.schema.json`
    """
    from benchmark.commands.tasks import print_schema

    print_schema(task)
