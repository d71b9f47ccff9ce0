"""Commands about submissions: pack a run, check the file, and the packs that a board needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Database, Home, home_of

app = typer.Typer()
board = typer.Typer(no_args_is_help=True, help="What a leaderboard does with a submission.")

RunDir = Annotated[
    Path,
    typer.Argument(
        metavar="RUN_DIR", help="Folder of a run (`~/tst-bench/runs/SUITE/SPACE`), or of all runs of a suite."
    ),
]
OwnSuites = Annotated[
    list[str] | None,
    typer.Option(
        "--suite", help="A suite of one's own that is taken too.", metavar="FILE.yaml", show_default="the built-in ones"
    ),
]
FramesPack = Annotated[
    Path | None,
    typer.Option(
        "--pack",
        help="A public pack: its frames, as `tst-bench predict` predicted them, are what counts.",
        metavar="FILE",
        show_default="the frames of the run",
    ),
]


@app.command()
def submit(
    run: RunDir,
    board: Annotated[
        str | None,
        typer.Option(help="Where to: a board's address, or the folder of one on this machine.", metavar="URL|PATH"),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TST_BENCH_TOKEN",
            help="What lets your team submit at an address; better in the variable, where nobody else sees it.",
            metavar="TOKEN",
            show_default=False,
        ),
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="Who submits, to a board on this machine.", metavar="NAME", show_default=False)
    ] = None,
    database: Database = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the scores, and print them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Pack and check; send nothing.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Keep the file that is sent.", metavar="FILE", show_default="it is not kept")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Which model of the run.", show_default="the only one", metavar="NAME")
    ] = None,
    name: Annotated[str, typer.Option(help="What the submission is to be called.")] = "",
    description: Annotated[str, typer.Option(help="A sentence or two about it.")] = "",
    paper: Annotated[str, typer.Option(help="Link to a paper.", metavar="https://…")] = "",
    code: Annotated[str, typer.Option(help="Link to the code.", metavar="https://…")] = "",
    pack: FramesPack = None,
    suite: OwnSuites = None,
    home: Home = None,
) -> None:
    """Pack the predictions of one model into one file, check it with the code that a board runs, and send it there.

    The file holds predictions and `submission.json` (suite, ledger, track, seeds, code, hardware, cost, digests), no
    frames, labels or weights. The same run gives the same bytes, so the same command goes on where a broken one
    stopped, and what was sent before is not sent twice. Printed are the id of the submission and the address of its
    page; `tst-bench leaderboard status` says how it goes.

    With --pack the predictions are those of a public pack's frames, whose labels a board keeps; they claim no scores.

    Examples: `tst-bench submit ~/tst-bench/runs/demo --model tst --board https://board.example --wait`,
    `tst-bench submit ~/tst-bench/runs/demo --model tst --board ~/tst-bench/board --team Us`,
    `tst-bench submit ~/tst-bench/runs/demo --pack demo-v2-frames.zip --model tst --dry-run --out tst.zip`
    """
    from benchmark.commands.sending import Destination, submit_run
    from benchmark.commands.submissions import Packing

    about = {"name": name, "description": description, "paper": paper, "code": code}
    packing = Packing(run, model, about, tuple(suite or ()), pack, home_of(home))
    to = None if board is None else Destination(board, token, team, database)
    submit_run(packing, to, out, dry_run, wait)


@app.command()
def pack(
    run: RunDir,
    out: Annotated[Path, typer.Option(help="The file to write.", metavar="FILE")],
    public: Annotated[
        bool | None,
        typer.Option(
            "--public/--private",
            help="Test frames without labels, for everybody; or the truth about them, for who scores.",
            show_default=False,
        ),
    ] = None,
    suite: OwnSuites = None,
    home: Home = None,
) -> None:
    """Write the test frames of a run's spaces for others to predict on, or the truth that scores their predictions.

    A public pack has the RGB, number, trajectory and step of every test frame and nothing else of it. A private pack
    has all modalities and poses: keep it where scores are made.

    Examples: `tst-bench pack --public ~/tst-bench/runs/demo --out demo-frames.zip`,
    `tst-bench pack --private ~/tst-bench/runs/demo --out demo-truth.zip`
    """
    from benchmark.commands.submissions import pack_private, pack_public
    from sim_envs.errors import UserError

    if public is None:
        raise UserError("Say which pack: --public (frames without labels) or --private (the truth).")
    (pack_public if public else pack_private)(run, out, suite or [], home_of(home))


@board.command()
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `tst-bench submit` wrote.")],
    pack: FramesPack = None,
    suite: OwnSuites = None,
    code: Annotated[
        list[str] | None,
        typer.Option(
            help="Digest of code that the board accepts, as its guide says; once for each.",
            metavar="SHA256",
            show_default="any code",
        ),
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a submission offline, by the very code that a board runs; exit code 2 and a reason when it is refused.

    Checked are the archive, its manifest, digests, every prediction file, and the rules: the track that follows from
    the ledger, no labels of the test space, no --limit, a suite and task versions that are taken, all seeds and spaces.
    Whether these are exactly the frames that are scored is checked where --pack names them, and else left to scoring.

    Example: `tst-bench leaderboard validate tst.zip`
    """
    from benchmark.commands.submissions import validate_file

    validate_file(file, suite or [], code or [], as_json, pack, home_of(home))
