"""``tst-bench leaderboard build``: from entries or from a board, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.entries import Entry, write_entry
from leaderboard.store.from_entries import board_of_entries
from leaderboard.truth import Truth
from tests.command_line import run_command
from tests.leaderboard.entries_kit import entry_of


@pytest.fixture(scope="module")
def entry(submitted: Path, truth: Truth) -> Entry:
    return entry_of(submitted, truth)


def test_a_folder_of_entries_and_the_board_made_of_it_give_the_same_site(
    entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_entry(tmp_path / "entries", entry)
    board_of_entries([entry], tmp_path / "board").engine.dispose()
    sources = {"one": ("--entries", tmp_path / "entries"), "two": ("--data", tmp_path / "board")}
    pages = {}
    for name, source in sources.items():
        done = run_command(capsys, "leaderboard", "build", tmp_path / name, *source)
        assert (done.code, done.out) == (0, f"{tmp_path / name / 'index.html'}\n")
        assert done.err.startswith("1 submission in 4 tables")
        pages[name] = {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*")}
    assert pages["one"] == pages["two"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "nowhere"), "no board at"),
        (("--entries", "nowhere"), "admin export writes them"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_written(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_command(capsys, "leaderboard", "build", "out", *arguments)
    assert done.code == 2
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none_is_refused(entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_entry(tmp_path / "entries", entry)
    done = run_command(
        capsys, "leaderboard", "build", tmp_path / "out", "--entries", tmp_path / "entries", "--url", "javascript:x"
    )
    assert done.code == 2
    assert "no address" in done.err
    assert not (tmp_path / "out").exists()
