"""How far scores can be trusted: intervals, paired differences, ranks, and the smallest difference a table can show."""

from __future__ import annotations

from benchmark.statistics.bootstrap import (
    LEVEL,
    RESAMPLES,
    Estimate,
    Metrics,
    Sample,
    bootstrap,
    interval,
    mean_estimate,
)
from benchmark.statistics.comparisons import POWER, detectable, holm, rank_intervals
from benchmark.statistics.words import rests_on

__all__ = [
    "LEVEL",
    "POWER",
    "RESAMPLES",
    "Estimate",
    "Metrics",
    "Sample",
    "bootstrap",
    "detectable",
    "holm",
    "interval",
    "mean_estimate",
    "rank_intervals",
    "rests_on",
]
