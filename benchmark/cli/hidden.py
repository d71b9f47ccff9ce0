"""Commands about test frames whose labels a board keeps: predict them, and make the packs of a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Device, Home, Workers, home_of, weights_of, workers_of
from benchmark.cli.submissions import RunDir

app = typer.Typer()
board = typer.Typer()


@app.command()
def predict(
    run: RunDir,
    pack: Annotated[Path, typer.Option(help="A public pack: the frames to predict.", metavar="FILE")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model of the run; may be given again.", show_default="all that read RGB alone", metavar="NAME"
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=PATH",
            help="Weights that a task expert answered with in the run; may be given again.",
            show_default="the hub's cache, or the hub",
        ),
    ] = None,
    workers: Workers = None,
    device: Device = "auto",
    home: Home = None,
) -> None:
    """Predict the frames of a public pack with the trained models of a run; what is done is kept.

    Every result that the run has is predicted for: each test space, task, protocol and seed. The predictions lie beside
    those of the run, and `tst-bench submit RUN_DIR --pack FILE` packs them. A pack has no labels, so nothing is scored.

    Example: `tst-bench predict ~/tst-bench/runs/demo --pack demo-v2-frames.zip`
    """
    from benchmark.commands.predict import predict_pack

    predict_pack(run, pack, model or [], weights_of(weights or []), workers_of(workers), device, home_of(home))


@board.command()
def hidden_packs(
    suite: Annotated[str, typer.Option(help="A suite by name, or a .yaml file.")],
    secret: Annotated[
        Path,
        typer.Option(help="File of 256 secret bits; made, for its owner alone, when it is not there.", metavar="FILE"),
    ],
    out: Annotated[Path, typer.Option(help="Folder that the two packs are written to.", metavar="DIR")],
    workers: Workers = None,
    home: Home = None,
) -> None:
    """Record test trajectories that only the holder of a secret can plan, and write the packs of a board from them.

    SUITE-vN-frames.zip has the RGB of the frames, for everybody. SUITE-vN-truth.zip has their poses and labels: keep
    it, the secret, and the folder `hidden` in the data home where scores are made. The same secret gives the same
    packs; for another version of the suite it gives other trajectories.

    Example: `tst-bench leaderboard hidden-packs --suite demo --secret ~/board/secret --out ~/board/packs`
    """
    from benchmark.commands.hidden import make_hidden_packs

    make_hidden_packs(suite, secret, out, workers_of(workers), home_of(home))
