"""Pages that are kept for a moment: made once for all who ask at once, anew when they are old."""

from __future__ import annotations

import threading
import time

import pytest

from leaderboard.pages.kept import Kept


class Maker:
    """Counts how often it was asked to make a page."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.times, self.seconds = 0, seconds

    def __call__(self) -> str:
        self.times += 1
        time.sleep(self.seconds)
        return f"page {self.times}"


def test_a_page_is_made_anew_when_it_is_old_and_not_before() -> None:
    now = [0.0]
    kept, maker = Kept(seconds=1.0, clock=lambda: now[0]), Maker()
    shown = []
    for now[0] in (0.0, 0.9, 1.1, 2.0, 2.2):
        shown.append(kept.page("home", maker))
    assert shown == ["page 1", "page 1", "page 2", "page 2", "page 3"]


def test_different_pages_are_kept_apart_and_the_oldest_is_dropped() -> None:
    kept, maker = Kept(seconds=100, most=2), Maker()
    assert [kept.page(key, maker) for key in "abab"] == ["page 1", "page 2", "page 1", "page 2"]
    kept.page("c", maker)
    assert kept.page("b", maker) == "page 2"
    assert kept.page("a", maker) == "page 4"


def test_all_who_ask_at_once_get_the_page_that_one_of_them_made() -> None:
    kept, maker, shown = Kept(seconds=100), Maker(seconds=0.05), []
    readers = [threading.Thread(target=lambda: shown.append(kept.page("home", maker))) for _ in range(20)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert shown == ["page 1"] * 20


def test_what_went_wrong_is_not_kept() -> None:
    kept, maker = Kept(seconds=100), Maker()

    def fail() -> str:
        raise ValueError("no such table")

    with pytest.raises(ValueError, match="no such table"):
        kept.page("home", fail)
    assert kept.page("home", maker) == "page 1"
