"""``tst-bench leaderboard admin``: for those who run a board, on the machine where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Data, Database, board_folder_of

app = typer.Typer(no_args_is_help=True, help="Run a board: tokens, suites, what is shown, backups. On its machine.")
tokens = typer.Typer(no_args_is_help=True, help="Tokens: the right to submit, or to administer over the network.")
suites = typer.Typer(
    no_args_is_help=True, help="Suites that the board takes submissions to, and the packs behind them."
)
app.add_typer(tokens, name="token")
app.add_typer(suites, name="suites")

Submission = Annotated[str, typer.Argument(metavar="ID", help="Of a submission, as its page and its log name it.")]
SuiteName = Annotated[str, typer.Argument(metavar="NAME", help="Of a suite on the board.")]
SuiteVersion = Annotated[int, typer.Argument(metavar="VERSION", help="Of that suite, e.g. 1.", min=1)]


@tokens.command("issue")
def issue_token(
    team: Annotated[str, typer.Argument(metavar="TEAM", help="Who it is for; a team that is new is added.")],
    scope: Annotated[str, typer.Option(help="submit, or admin: hide, show and rescore too.")] = "submit",
    days: Annotated[int, typer.Option(help="Until it expires.", min=1, max=3650, metavar="N")] = 365,
    label: Annotated[str, typer.Option(help="To tell it from others of the team.", metavar="TEXT")] = "",
    data: Data = None,
    database: Database = None,
) -> None:
    """Give a team a token, and print it: this once, since only its SHA-256 is kept.

    Example: `tst-bench leaderboard admin token issue "Flat Earthers" --days 90 > token.txt`
    """
    from benchmark.commands.board_admin import issue

    issue(board_folder_of(data), database, team, scope, days, label)


@tokens.command("list")
def list_tokens(data: Data = None, database: Database = None) -> None:
    """List all tokens by their first characters: whose they are, what for, until when, and when they were used.

    Example: `tst-bench leaderboard admin token list`
    """
    from benchmark.commands.board_admin import list_tokens

    list_tokens(board_folder_of(data), database)


@tokens.command("revoke")
def revoke_token(
    start: Annotated[
        str, typer.Argument(metavar="START", help="The first characters of the token, as the list has them.")
    ],
    data: Data = None,
    database: Database = None,
) -> None:
    """Take a token back, at once and for good.

    Example: `tst-bench leaderboard admin token revoke tstb_x4Kd2P`
    """
    from benchmark.commands.board_admin import revoke

    revoke(board_folder_of(data), database, start)


@suites.command("add")
def add_suite(
    private: Annotated[
        Path, typer.Argument(metavar="PRIVATE.zip", help="The truth: `tst-bench pack --private` made it.")
    ],
    public: Annotated[
        Path | None,
        typer.Option(
            help="The frames to predict on, which the board hands out.", metavar="PUBLIC.zip", show_default="none"
        ),
    ] = None,
    custody: Annotated[
        str, typer.Option(help="open: everybody can have these labels; hidden: they are on this board alone.")
    ] = "open",
    code: Annotated[
        list[str] | None,
        typer.Option(
            help="Digest of code that submissions may have been made with (`source` in each result's environment), "
            "`this` for the code that runs here, or `any`. May be given several times.",
            metavar="DIGEST|this|any",
            show_default="this",
        ),
    ] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Take submissions to a suite from now on. Its packs are copied into the board.

    Of each suite the newest version that is not closed is taken. What a version is never changes: another pack is
    another version.

    Example: `tst-bench leaderboard admin suites add demo-truth.zip --public demo-frames.zip`
    """
    from benchmark.commands.board_admin import add

    add(board_folder_of(data), database, private, public, custody, code or ["this"])


@suites.command("list")
def list_suites(data: Data = None, database: Database = None) -> None:
    """List the suites of the board: which are taken, with what custody and code, and how much was submitted.

    Example: `tst-bench leaderboard admin suites list`
    """
    from benchmark.commands.board_admin import list_suites

    list_suites(board_folder_of(data), database)


@suites.command("close")
def close_suite(name: SuiteName, version: SuiteVersion, data: Data = None, database: Database = None) -> None:
    """Take no more submissions to a version of a suite. Its table stays.

    Example: `tst-bench leaderboard admin suites close demo 1`
    """
    from benchmark.commands.board_admin import close

    close(board_folder_of(data), database, name, version)


@suites.command("accept-code")
def accept_code(
    name: SuiteName,
    version: SuiteVersion,
    digest: Annotated[str, typer.Argument(metavar="DIGEST|this", help="Of the code, `this` for that which runs here.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Take submissions made with one more version of the code, for instance after a release that changes no score.

    Example: `tst-bench leaderboard admin suites accept-code demo 1 this`
    """
    from benchmark.commands.board_admin import accept

    accept(board_folder_of(data), database, name, version, digest)


@app.command()
def hide(
    submission: Submission,
    why: Annotated[str, typer.Option(help="The reason, which its team reads.", metavar="TEXT")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Show a submission to nobody but its team, and rank the others without it.

    Example: `tst-bench leaderboard admin hide 7k2m0qx4c9ab --why "trained on test labels, as its authors found"`
    """
    from benchmark.commands.board_admin import hide_submission

    hide_submission(board_folder_of(data), database, submission, why)


@app.command()
def show(submission: Submission, data: Data = None, database: Database = None) -> None:
    """Show a submission again that was hidden.

    Example: `tst-bench leaderboard admin show 7k2m0qx4c9ab`
    """
    from benchmark.commands.board_admin import show_submission

    show_submission(board_folder_of(data), database, submission)


@app.command()
def rescore(
    submissions: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Submissions.", show_default=False)
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="All that were scored in this suite instead.", metavar="NAME", show_default=False),
    ] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Have submissions scored once more by the workers. The scores they have stay until the new ones are there.

    Examples: `tst-bench leaderboard admin rescore 7k2m0qx4c9ab`, `tst-bench leaderboard admin rescore --suite demo`
    """
    from benchmark.commands.board_admin import rescore_submissions

    rescore_submissions(board_folder_of(data), database, submissions or [], suite)


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(metavar="OUT.tar", help="The file to write.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Write a whole board into one file, while it goes on serving: settings, every row, every file a row names.

    What is in it belongs together, whatever is submitted or scored meanwhile. Uploads that are not complete are not in
    it. It holds private packs and digests of tokens: keep it as safe as the board.

    Example: `tst-bench leaderboard admin backup board-2026-03-01.tar`
    """
    from benchmark.commands.board_admin import write_backup

    write_backup(board_folder_of(data), database, out)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="What `backup` wrote.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Fill an empty board from a backup, whole or not at all. The database may be of another kind than it was.

    Example: `tst-bench leaderboard admin restore board-2026-03-01.tar --data /srv/board --database
    postgresql+psycopg:///board`
    """
    from benchmark.commands.board_admin import restore_backup

    restore_backup(board_folder_of(data), database, file)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the entries, one file a submission.")],
    hidden_labels: Annotated[
        bool, typer.Option("--hidden-labels", help="Also of suites whose labels are on this board alone.")
    ] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Write the entries of all submissions that are shown: scores with the sums they are made from, as JSON.

    Pages, tables and comparisons can be made from them again. The sums of each trajectory tell something about its
    labels, so those of suites with hidden labels are written only with --hidden-labels.

    Example: `tst-bench leaderboard admin export entries/`
    """
    from benchmark.commands.board_admin import export_all

    export_all(board_folder_of(data), database, out, hidden_labels)
