"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from baselines.ledger import Track
from leaderboard.pages.tracks import LOOKS, looks, order
from leaderboard.pages.words import compact, day, duration, plural, sentence, task_title
from leaderboard.standings.rows import folded


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "–"), (0, "0"), (812, "812"), (1000, "1 k"), (1234, "1.23 k"), (999_600, "1 M"), (16_100_000, "16.1 M")],
)
def test_counts_in_three_digits(number: float | None, said: str) -> None:
    assert compact(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (48.4, "48 s"), (600, "10 min"), (5400, "1.5 h"), (12_240, "3.4 h"), (3_600_000, "1,000 h")],
)
def test_times_in_their_own_unit(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_days_are_those_of_utc() -> None:
    assert day(datetime(2026, 5, 4, 23, 30, tzinfo=timezone(timedelta(hours=-2)))) == "2026-05-05"


def test_words_around_numbers_and_names() -> None:
    assert (plural(1, "row"), plural(1204, "row")) == ("1 row", "1,204 rows")
    assert sentence("four spaces") == "Four spaces."
    assert (task_title("semseg"), task_title("from-elsewhere")) == ("Semantic segmentation", "from-elsewhere")


def test_every_track_has_a_look_of_its_own_in_shape_and_in_colour() -> None:
    assert set(LOOKS) == set(Track)
    assert len({look.shape for look in LOOKS.values()}) == len({look.colour for look in LOOKS.values()}) == len(Track)


def test_a_track_of_another_version_is_shown_last() -> None:
    assert looks("from-the-future").shape
    assert order("from-the-future") == len(Track) > order("task-expert")


def test_search_in_a_static_page_folds_as_the_server_does() -> None:
    assert folded("GRÖẞE") == folded("größe")
