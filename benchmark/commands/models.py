"""What ``tst-bench models`` does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from rich.table import Table

from baselines.ledger import Entry, Labels, Ledger, TaughtBy, Track
from baselines.sensor_inputs import RGB_ALONE
from baselines.teachers.table import PSEUDO_LABELLERS, teacher
from baselines.zoo import ADAPTED, FAMILIES, TAUGHT, ZOO, Model
from baselines.zoo.taught import ALIASES
from benchmark.commands.console import out

OF_SUITE = "the suite's ViT"
LABELS: dict[Labels, str] = {
    "": "",
    "texts": " + texts",
    "classes": " + classes",
    "pseudo": " + pseudo labels",
    "task": " + labels of a task",
}


def list_models(as_json: bool) -> None:
    """Print the zoo, one line a model, track by track."""
    rows = [_facts(ZOO[name]) for name in ZOO]
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    columns = ("model", "parameters", "runs here", "zero-shot", "learned from")
    lines = [(r["model"], _size(r), r["here"], ", ".join(r["zero_shot"]), "; ".join(r["learned_from"])) for r in rows]
    widths = [max(len(line[i]) for line in (columns, *lines)) for i in range(len(columns))]

    def show(line: Sequence[str]) -> None:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

    show(columns)
    for track in Track:
        mine = [line for line, row in zip(lines, rows, strict=True) if row["track"] == track.value]
        if mine:
            print(f"{track.value} ({len(mine)})")
            for line in mine:
                show(line)
    families = ", ".join(f"{family}:…" for family in FAMILIES)
    print(f"Also {families}, X{ADAPTED} for a plain ViT X of this list, and {TAUGHT}X, {TAUGHT}X+Y… for teachers X, Y:")
    short = ", ".join(f"{name} ({model})" for name, model in ALIASES.items())
    print(f"models of this list, {short}, {', '.join(PSEUDO_LABELLERS)}.")


def show_model(name: str, size: int, as_json: bool) -> None:
    """Print everything that is known of one model."""
    model = ZOO[name]
    row = describe(model, size)
    if as_json:
        print(json.dumps(row | {"ledger": ledger_of(model).model_dump(mode="json")}, indent=1, ensure_ascii=False))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, value in row.items():
        if value not in ("", None, []):
            table.add_row(key.replace("_", " "), _plain(value))
    out.print(table)


def describe(model: Model, size: int) -> dict[str, Any]:
    """Return everything that is known of a model, JSON-like.

    Args:
        size: pixels of a side of the frames that its tokens are counted for.
    """
    facts, network = _facts(model), model.network
    if network is None:
        return facts
    with torch.device("meta"):
        encoder = network.build(size, size)
        tokens = encoder(torch.zeros(1, 3, size, size))
    found = network.weights_at_hand()
    weights = str(found) if found else network.how_to_get_weights(model.name)
    return facts | {
        "parameters": encoder.parameter_count,
        "network": dict(network.identity),
        "frame_size": [size, size],
        "working_size": list(encoder.size or (size, size)),
        "token_grid": list(tokens.shape[1:3]),
        "token_width": tokens.shape[3],
        "licence_of_weights": network.licence,
        "weights": weights if network.needs_weights else "",
    }


def _facts(model: Model) -> dict[str, Any]:
    """Return what is known without building the network."""
    network = model.network
    usable = network is None or not network.needs_weights or network.weights_at_hand() is not None
    usable = usable and all(teacher(name).at_hand() for name in model.teachers)
    return {
        "model": model.name,
        "summary": model.summary,
        "track": ledger_of(model).track.value,
        "unranked": model.unranked,
        "reads": list(model.inputs) if model.inputs != RGB_ALONE else [],
        "learned_from": _learned_from(model),
        "network": OF_SUITE if network is None else type(network).__name__,
        "parameters": network.parameters if network else None,
        "here": "yes" if usable else "needs weights",
        "zero_shot": list(network.zero_shot_tasks) if network else [],
    }


def ledger_of(model: Model) -> Ledger:
    """Return the ledger that a run of the model would have, without its digests and frames of recordings."""
    entries = list(model.network.data if model.network else ())
    entries += [Entry(role=r, source=f"{r} spaces", modalities=model.modalities, frames=0) for r in model.sources or {}]
    if model.labels_from == "test":
        entries.append(Entry(role="test", source="test space", modalities=("rgb",), frames=0, labels="task"))
    return Ledger(entries=tuple(entries), teachers=tuple(_teacher(name) for name in model.teachers))


def _teacher(name: str) -> TaughtBy:
    data = teacher(name).data
    if name not in PSEUDO_LABELLERS and ZOO[name].pretrains:
        data = (*data, *ledger_of(ZOO[name]).entries)
    return TaughtBy(name=name, data=data)


def _learned_from(model: Model) -> list[str]:
    said = [
        f"{entry.source}{f' ({_count(entry.frames)})' if entry.frames else ''}{LABELS[entry.labels]}"
        for entry in (model.network.data if model.network else ())
    ]
    names = {"test": "test space", "transfer": "transfer spaces", "external": "external spaces"}
    shares = dict(model.sources or {})
    said += [f"answers of {name}" for name in model.teachers]
    said += [names[role] if share == 1 else f"{share:.0%} {names[role]}" for role, share in shares.items()]
    return said + (["labels of the test space"] if model.labels_from == "test" else []) or ["nothing"]


def _size(row: dict[str, Any]) -> str:
    """Return parameters in millions, or whose they are."""
    count = row["parameters"]
    return f"{count / 1e6:,.1f} M" if count else row["network"] if row["network"] == OF_SUITE else "–"


def _count(images: int) -> str:
    """Return a number of images as people say it: 1.28 million, 10 billion."""
    if images < 1e6:
        return f"{images:,}"
    return f"{images / 1e9:.3g} billion" if images >= 1e9 else f"{images / 1e6:.3g} million"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items() if each is not None)
    if isinstance(value, list):
        numbers = all(isinstance(each, int) for each in value)
        return (" × " if numbers else "; ").join(map(str, value))
    return str(value)
