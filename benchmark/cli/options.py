"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sim_envs.errors import UserError

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="TST_BENCH_HOME",
        help="Folder for spaces, recordings and runs.",
        show_default="~/tst-bench",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="TST_BENCH_BOARD",
        help="Folder of the board: its settings, files and, unless --database says otherwise, its database.",
        metavar="DIR",
        show_default="~/tst-bench/board",
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="TST_BENCH_DATABASE",
        help="Where the board's database is, e.g. `postgresql+psycopg://tst-bench@localhost/board`. A password in it "
        "is seen by nobody else when the variable holds it.",
        metavar="URL",
        show_default="SQLite in DIR",
    ),
]
SpaceId = Annotated[str, typer.Argument(metavar="SPACE", help="`source/name`, e.g. builtin/flat-01.")]
Workers = Annotated[int | None, typer.Option(help="Processes.", show_default="one a core")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Processes = Annotated[
    int,
    typer.Option(
        help="Processes that share every batch of a pre-training: on GPUs one a GPU. The weights are the same but for "
        "rounding.",
        min=1,
        metavar="N",
    ),
]
Accumulate = Annotated[
    int,
    typer.Option(
        help="Parts that each process computes one after the other in a step, for batches that do not fit into memory. "
        "The weights are the same but for rounding.",
        min=1,
        metavar="N",
    ),
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile", help="Fuse the encoder's blocks with torch.compile, which takes a minute or more at the start."
    ),
]
Head = Annotated[
    str | None,
    typer.Option(
        help="linear or strong: what a task adds on the encoder. Results of another one than the suite's are kept "
        "apart under SUITE-HEAD-head.",
        metavar="HEAD",
        show_default="the suite's",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        help="A slice: at most so many frames a scored space, pre-training pool and training set. Its results are "
        "flagged, and kept apart under SUITE-limit-N.",
        metavar="N",
        show_default="no limit",
    ),
]


def home_of(home: Path | None) -> Path:
    """Return the data home that was asked for, as an absolute path."""
    from sim_envs.storage import data_home

    return (home or data_home()).expanduser().resolve()


def board_folder_of(data: Path | None) -> Path:
    """Return the folder of the board that was asked for, as an absolute path."""
    return data.expanduser().resolve() if data else home_of(None) / "board"


def size_of(text: str) -> tuple[int, int]:
    """Return (width, height) of ``128`` or ``640x480``.

    Raises:
        UserError: neither.
    """
    width, by, height = text.lower().partition("x")
    if not by:
        height = width
    if not (width.isdecimal() and height.isdecimal()):
        raise UserError(f"--size {text} is not a size: give pixels, e.g. 128, or WIDTHxHEIGHT, e.g. 640x480.")
    return int(width), int(height)


def weights_of(texts: Sequence[str]) -> dict[str, Path]:
    """Return model → file of texts such as ``dinov2-s=weights/model.safetensors``.

    Raises:
        UserError: not of this form, or two files for one model.
    """
    found: dict[str, Path] = {}
    for text in texts:
        model, equals, path = text.partition("=")
        if not (model and equals and path):
            raise UserError(f"--weights {text}: give MODEL=PATH, e.g. dinov2-s=model.safetensors.")
        if model in found:
            raise UserError(f"--weights names two files for {model}: {found[model]} and {path}.")
        found[model] = Path(path).expanduser().resolve()
    return found


def workers_of(workers: int | None) -> int:
    """Return the number of processes asked for, or one a core.

    Raises:
        UserError: out of range.
    """
    if workers is not None and not 1 <= workers <= 256:
        raise UserError(f"--workers {workers} is out of range: 1 to 256.")
    from benchmark.jobs import cores

    return workers or cores()


def refuse_with(what: str, **options: object) -> None:
    """Refuse options that do not go together with ``what``; capital names are arguments.

    Raises:
        UserError: one of them is given.
    """
    for name, value in options.items():
        if value is not None:
            raise UserError(f"{name if name.isupper() else f'--{name}'} does not go together with {what}.")
