"""From entries to tables: estimates, ranks, comparisons and records. Values in, values out; nothing is stored here."""

from __future__ import annotations

from leaderboard.standings.comparison import Pair, TableComparison, compare
from leaderboard.standings.estimates_file import estimates_bytes, read_estimates
from leaderboard.standings.placing import MEAN, Placed, SpaceScore, place
from leaderboard.standings.ranking import ranks
from leaderboard.standings.rows import Dot, Latest, Ranked, TableKey, TablePage, TableQuery, TableRow

__all__ = [
    "MEAN",
    "Dot",
    "Latest",
    "Pair",
    "Placed",
    "Ranked",
    "SpaceScore",
    "TableComparison",
    "TableKey",
    "TablePage",
    "TableQuery",
    "TableRow",
    "compare",
    "estimates_bytes",
    "place",
    "ranks",
    "read_estimates",
]
