"""Commands about pre-training alone."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Accumulate, Compile, Device, Home, Limit, Processes, home_of, weights_of

app = typer.Typer()


@app.command()
def pretrain(
    model: Annotated[str, typer.Option(help="A model of the zoo that is pre-trained here.")] = "tst",
    scene: Annotated[
        str | None, typer.Option(help="The test space.", metavar="SPACE", show_default="the suite's")
    ] = None,
    suite: Annotated[str, typer.Option(help="A suite by name, or a .yaml file.")] = "demo",
    seed: Annotated[int, typer.Option(help="Training seed: 0 is the first of a run.", min=0)] = 0,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL=PATH", help="Weights that an adapted model begins with."),
    ] = None,
    device: Device = "auto",
    processes: Processes = 1,
    accumulate: Accumulate = 1,
    compile_: Compile = False,
    home: Home = None,
    limit: Limit = None,
) -> None:
    """Pre-train one model for one seed of a run, which a later `tst-bench run` finds done.

    It goes on where it was stopped. On several machines, start it on each of them with the launcher they have, with a
    home that all of them share; the first process makes recordings that are missing.

    Examples: `tst-bench pretrain --model tst --scene scan/my-flat`, `tst-bench pretrain --processes 8`,
    `torchrun --nnodes 2 --nproc_per_node 8 --rdzv_backend c10d --rdzv_endpoint HOST:29400 --no-python
    tst-bench pretrain --suite my-flat.yaml`
    """
    from benchmark.commands.asked import Asked
    from benchmark.commands.pretraining import pretrain_one
    from benchmark.launching import Execution

    execution = Execution(processes, accumulate, compile_)
    asked = Asked(suite, scene, [model], weights=weights_of(weights or []), limit=limit)
    pretrain_one(asked, seed, device, execution, home_of(home))


@app.command()
def presets() -> None:
    """List the presets of pre-training: encoder, budget, and what they cost.

    A suite names one: `pretrain: {preset: small, steps: 20000}`. Example: `tst-bench presets`
    """
    from benchmark.commands.presets import show_presets

    show_presets()
