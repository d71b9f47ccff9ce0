"""Run ``tst-bench`` in the process of a test, as its user would in a shell."""

from __future__ import annotations

import sys
from typing import NamedTuple
from unittest.mock import patch

import pytest

from benchmark.cli import main


class Done(NamedTuple):
    """What a command left behind: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """Run the entry point with these arguments."""
    with patch.object(sys, "argv", ["tst-bench", *map(str, arguments)]), pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    return Done(int(end.value.code or 0), captured.out, captured.err)
