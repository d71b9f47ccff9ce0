"""What the process that scores says is not taken on trust."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.worker.messages import OUTCOME, Line, Outcome, Refused, read_line, read_outcome, read_within


@given(st.binary(max_size=200))
def test_any_line_is_either_understood_or_ignored(line: bytes) -> None:
    said = read_line(line)
    assert said is None or said.stage in ("valid", "scoring")


def test_a_line_is_read_as_it_was_said() -> None:
    line = Line(stage="scoring", text="semseg frozen")
    assert read_line(line.model_dump_json().encode()) == line


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    outcome = Outcome(refused=Refused(reason="rows", message="Refused (rows): why."))
    (tmp_path / OUTCOME).write_text(outcome.model_dump_json(), encoding="utf-8")
    assert read_outcome(tmp_path) == outcome


@pytest.mark.parametrize("content", [b"", b"{", b'{"results": 3}', b'{"unknown": 1}', b"\xff" * 100])
def test_an_outcome_that_cannot_be_understood_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / OUTCOME).write_bytes(content)
    assert read_outcome(tmp_path) is None


def test_no_outcome_is_none(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None


def test_only_plain_files_of_a_fit_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_within(tmp_path / "file", 5) == b"12345"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name, most in (("file", 4), ("link", 5), ("pipe", 5)):
        with pytest.raises(OSError, match=r"."):
            read_within(tmp_path / name, most)
