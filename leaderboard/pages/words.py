"""How pages put numbers, times and names into words."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from benchmark.results import Score
from benchmark.tasks import Measure

TITLES = {
    "semseg": "Semantic segmentation",
    "detection": "Object detection",
    "captioning": "Captioning",
    "depth": "Depth",
    "normals": "Surface normals",
    "retrieval": "Place retrieval",
}
PROTOCOLS = {"frozen": "frozen encoder", "finetune": "fine-tuned encoder", "zero-shot": "zero-shot"}


def task_title(task: str) -> str:
    """Return a task's name for a heading; one from elsewhere keeps its own."""
    return TITLES.get(task, task)


def task_order(task: str) -> tuple[int, str]:
    """Return a task's place in lists; those from elsewhere come last, by name."""
    return list(TITLES).index(task) if task in TITLES else len(TITLES), task


def protocol_title(protocol: str) -> str:
    """Return a protocol's name for a heading."""
    return PROTOCOLS.get(protocol, protocol)


def day(time: datetime) -> str:
    """Return ``2026-11-24``, in UTC as all times are."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%d")


def moment(time: datetime) -> str:
    """Return ``2026-11-24 13:05 UTC``."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def plural(count: int, noun: str) -> str:
    """Return ``1 submission``, ``1,204 submissions``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def compact(number: float | None) -> str:
    """Return a number in three digits: ``812``, ``16.1 M``, ``1.20 G``; ``–`` where there is none."""
    if number is None:
        return "–"
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= 0.9995 * size:
            return _three_digits(number / size) + letter
    return _three_digits(number)


def duration(seconds: float | None) -> str:
    """Return a time in its own unit: ``48 s``, ``12 min``, ``3.4 h``, ``120 h``; ``–`` where there is none."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"


def score_text(score: Score, measure: Measure, *, signed: bool = False) -> str:
    """Return ``12.0 [10.9, 13.3]``, or the value alone where there is no interval."""
    if score.value is None:
        return "–"
    return f"{measure.text(score.value, signed)} {interval_text(score, measure, signed=signed)}".rstrip()


def interval_text(score: Score, measure: Measure, *, signed: bool = False) -> str:
    """Return ``[10.9, 13.3]``, or nothing where there is no interval."""
    if score.value is None or score.low is None or score.high is None:
        return ""
    return f"[{measure.text(score.low, signed)}, {measure.text(score.high, signed)}]"


def _three_digits(number: float) -> str:
    shown = f"{number:.{max(0, 2 - math.floor(math.log10(abs(number) or 1)))}f}"
    return shown.rstrip("0").rstrip(".") if float(shown).is_integer() and "." in shown else shown
