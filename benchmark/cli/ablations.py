"""The command that runs an ablation and draws it."""

from __future__ import annotations

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
    workers_of,
)
from sim_envs.errors import UserError

app = typer.Typer()


@app.command()
def ablate(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="modalities, leave-one-out, add-one, spaces, frames, mask-ratio, steps or source-mix.",
        ),
    ],
    scene: Annotated[
        str | None, typer.Option(help="The test space.", metavar="SPACE", show_default="the suite's")
    ] = None,
    suite: Annotated[str, typer.Option(help="A suite by name, or a .yaml file.")] = "demo",
    model: Annotated[
        list[str] | None, typer.Option(help="The row to vary; may be given again.", show_default="tst")
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            help="Positions on the axis, e.g. 250,500,1000.", metavar="A,B,…", show_default="the ablation's own"
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=2, help="Most subsets of modalities to try, drawn by seed 0.", show_default="all")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="As in `run`.", show_default="the suite's")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="As in `run`.", show_default="finetune")] = None,
    seeds: Annotated[int | None, typer.Option(help="Training seeds.", show_default="the suite's")] = None,
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the grid and do nothing.")] = False,
) -> None:
    """Vary one thing of a pre-training, run the grid, and draw what it does to the scores.

    What was run before is kept, also by `run`; a grid that was interrupted goes on. `spaces` compares the specialists
    with models of 1, 2, 4 … external spaces and reads off how many one test space is worth.

    Examples: `tst-bench ablate modalities --scene builtin/flat-01`,
    `tst-bench ablate spaces --suite small --seeds 3`,
    `tst-bench ablate steps --model tst --model tst-mae --values 100,200,400`
    """
    from benchmark.commands.ablations import plan_ablation, run_ablation, show_ablation
    from benchmark.commands.asked import Asked
    from benchmark.launching import Execution
    from benchmark.machine import Resources

    asked = Asked(suite, scene, model or ["tst"], task or [], protocol or ["finetune"], seeds, head=head, limit=limit)
    ablation = plan_ablation(kind, asked, _numbers(values), sample, home_of(home))
    if dry_run:
        show_ablation(ablation, home_of(home))
    else:
        execution = Execution(processes, accumulate, compile_)
        resources = Resources(workers_of(workers), device, executor, address, execution, store)
        run_ablation(ablation, resources, home_of(home))


def _numbers(text: str | None) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--values {text}: give numbers separated by commas, e.g. 250,500,1000.") from None
