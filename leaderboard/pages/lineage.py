"""What reached a model's weights, as a table: the evidence for its track."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from baselines.ledger import Entry as Data
from baselines.ledger import Ledger, TaughtBy
from benchmark.report.grids import Cell, Grid
from benchmark.results import Result

ROLES = {"test": "test space", "transfer": "transfer space", "external": "other space", "web": "collected elsewhere"}
LABELS = {
    "": "none",
    "texts": "texts that came with the images",
    "classes": "one class an image",
    "pseudo": "outputs of other networks",
    "task": "labels of a task",
}


def lineage_grid(results: Iterable[Result]) -> Grid | None:
    """Return what reached the weights, one line a body of data or network; None when nothing did.

    The rows of a submission learn each from its own test space; what several have in common is said once.
    """
    lines: dict[tuple[str, ...], tuple[Cell, ...]] = {}
    for result in results:
        ledger = Ledger.model_validate(result.ledger)
        for name, sha256 in sorted(ledger.weights.items()):
            _add(lines, _of_weights(name, sha256))
        for entry in ledger.entries:
            _add(lines, _of_data(entry, "–"))
        for teacher in ledger.teachers:
            for line in _of_teacher(teacher):
                _add(lines, line)
    if not lines:
        return None
    return Grid(
        title="What reached the weights before the transfer",
        columns=("source", "what it is", "by way of", "modalities", "labels", "frames"),
        rows=tuple(lines.values()),
        groups=tuple(row[2].text for row in lines.values()),
        note="As the submitters' own code wrote it down. Each row of the submission learned from its own test space.",
        numeric=5,
    )


def _add(lines: dict[tuple[str, ...], tuple[Cell, ...]], cells: Sequence[Cell]) -> None:
    lines.setdefault(tuple(cell.text for cell in cells), tuple(cells))


def _of_weights(name: str, sha256: str) -> list[Cell]:
    texts = (name, f"weights to start from, SHA-256 {sha256[:12] or 'unknown'}", "–", "–", "–", "–")
    return [Cell(text, text) for text in texts]


def _of_data(entry: Data, by_way_of: str) -> list[Cell]:
    texts = (entry.source, ROLES[entry.role], by_way_of, ", ".join(entry.modalities) or "–", LABELS[entry.labels])
    return [*(Cell(text, text) for text in texts), Cell(f"{entry.frames:,}" if entry.frames else "–", entry.frames)]


def _of_teacher(teacher: TaughtBy) -> list[list[Cell]]:
    way = f"teacher {teacher.name}"
    if teacher.data is None:
        return [[Cell(text, text) for text in ("unknown", "what the teacher was trained on", way, "–", "–", "–")]]
    if not teacher.data:
        return [[Cell(text, text) for text in ("nothing", "a network of random weights", way, "–", "–", "–")]]
    return [_of_data(entry, way) for entry in teacher.data]
