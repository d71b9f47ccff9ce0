"""Entries as files: whole, readable by gzip too, and one a submission."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from leaderboard.entries import Entry, read_entries, write_entry
from leaderboard.truth import Truth
from sim_envs.errors import UserError
from tests.leaderboard.entries_kit import entry_of


@pytest.fixture(scope="module")
def entry(submitted: Path, truth: Truth) -> Entry:
    return entry_of(submitted, truth)


def compress(path: Path) -> Path:
    out = path.with_name(f"{path.name}.gz")
    out.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return out


def test_an_entry_is_read_as_it_was_written(entry: Entry, tmp_path: Path) -> None:
    write_entry(tmp_path / "deep" / "down", entry)
    assert read_entries(tmp_path) == [entry]


def test_entries_may_be_compressed_and_come_in_the_order_of_their_submission(entry: Entry, tmp_path: Path) -> None:
    later = entry.model_copy(update={"id": "aaaa", "submitted": entry.scored})
    write_entry(tmp_path, later)
    compress(write_entry(tmp_path, entry))
    assert read_entries(tmp_path) == [entry, later]


def test_two_entries_of_one_submission_are_refused(entry: Entry, tmp_path: Path) -> None:
    compress(write_entry(tmp_path, entry))
    write_entry(tmp_path, entry)
    with pytest.raises(UserError, match=f"another entry of submission {entry.id}"):
        read_entries(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no gzip", id="other"),
        pytest.param(gzip.compress(b"{}")[:-9], id="cut"),
        pytest.param(gzip.compress(b"{}"), id="no entry"),
    ],
)
def test_what_is_no_compressed_entry_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.entry.json.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.entry\.json\.gz"):
        read_entries(tmp_path)


def test_a_folder_without_entries_says_what_writes_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="admin export"):
        read_entries(tmp_path / "nowhere")
