"""``tst-bench models …``: the zoo that ``run --model`` takes names from."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Models: the zoo that `run --model` takes names from.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def models_list(as_json: Json = False) -> None:
    """List the models: track, size, what they learned from, and whether they can run here.

    Example: `tst-bench models list`
    """
    from benchmark.commands.models import list_models

    list_models(as_json)


@app.command("info")
def models_info(
    model: Annotated[
        str, typer.Argument(help="A name of the zoo, `timm:NAME` for any network of timm, or `tst+TEACHER`.")
    ],
    as_json: Json = False,
    size: Annotated[int, typer.Option(help="Pixels of a side of the frames.", min=32, max=2048)] = 64,
) -> None:
    """Say everything that is known of a model: data, track, weights, licence, and its tokens for a frame size.

    Examples: `tst-bench models info dinov2-b`, `tst-bench models info timm:resnet50.a1_in1k --size 256`
    """
    from benchmark.commands.models import show_model

    show_model(model, size, as_json)
