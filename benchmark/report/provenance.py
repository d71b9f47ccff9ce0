"""Where the numbers of a report came from: code, libraries, machines, inputs, configurations."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchmark.environment import Environment
from benchmark.report.evidence import Evidence
from benchmark.report.tables import Cell, Grid
from benchmark.results import Result


def all_results(tables: Sequence[Evidence]) -> list[Result]:
    """Return every result behind these tables, in their order."""
    return [result for evidence in tables for row in evidence.rows for result in row.results]


def provenance_grids(tables: Sequence[Evidence]) -> list[Grid]:
    """Return tables of code and machine, of inputs, and of the time every stage took."""
    results = all_results(tables)
    return [_environments(results), _inputs(results), _timings(results)]


def details(tables: Sequence[Evidence]) -> list[tuple[str, str]]:
    """Return (heading, JSON) of each row's ledger and configuration, seeds apart."""
    found: dict[str, str] = {}
    for result in all_results(tables):
        name = f"{result.model}, {result.task}, {result.protocol}, {result.test_space}, seed {result.seed}"
        content = {"track": result.track, "ledger": result.ledger, "configuration": result.configuration}
        found[f"Ledger and configuration of {name}"] = json.dumps(content, indent=1, ensure_ascii=False)
    return list(found.items())


def code_text(environment: Environment) -> str:
    """Return version, commit and whether the checkout was clean, in one phrase."""
    code = environment.code
    version = f"tst-bench {code.package or '(not installed)'}"
    if not code.commit:
        return f"{version}, no git checkout, source {code.source[:12]}"
    state = "with uncommitted changes" if code.dirty else "clean"
    return f"{version}, commit {code.commit[:12]} ({state}), source {code.source[:12]}"


def _environments(results: Sequence[Result]) -> Grid:
    rows: dict[str, tuple[Cell, ...]] = {}
    for result in results:
        environment = result.environment
        hardware = environment.hardware
        gpus = f", {', '.join(hardware.gpus)}" if hardware.gpus else ", no GPU"
        machine = f"{hardware.cpu}, {hardware.cores} cores, {hardware.memory_gb:g} GB{gpus}"
        libraries = ", ".join(f"{name} {version}" for name, version in environment.libraries.items())
        system = f"{environment.system}, Python {environment.python}"
        texts = (code_text(environment), machine, system, libraries)
        rows.setdefault(str(texts), tuple(Cell(text, text) for text in texts))
    return Grid(
        title="Code and machines",
        columns=("code", "machine", "system", "libraries"),
        rows=tuple(rows.values()),
        groups=("",) * len(rows),
        note="One line for each combination that any result of this report was made with.",
        numeric=4,
    )


def _inputs(results: Sequence[Result]) -> Grid:
    digests: dict[tuple[str, str], None] = {}
    for result in results:
        digests |= dict.fromkeys(result.inputs.items())
        digests |= {(f"recording of {part.space}", part.recording): None for part in result.spaces}
    rows = [(Cell(name, name), Cell(digest, digest)) for name, digest in sorted(digests)]
    return Grid(
        title="Digests of what was read (SHA-256)",
        columns=("input", "digest"),
        rows=tuple(rows),
        groups=("",) * len(rows),
        numeric=2,
    )


def _timings(results: Sequence[Result]) -> Grid:
    stages = list(dict.fromkeys(stage for result in results for stage in result.timings))
    rows = []
    for result in results:
        name = f"{result.model}, {result.task}, {result.protocol}, seed {result.seed}"
        seconds = [result.timings.get(stage) for stage in stages]
        speed = result.compute.predict_frames_per_second
        rows.append(
            (
                Cell(name, name),
                *(Cell("–") if s is None else Cell(f"{s:,.1f}", s) for s in seconds),
                Cell(f"{speed:,.0f}" if speed else "–", speed),
                Cell(f"{result.compute.parameters / 1e6:.2f}", result.compute.parameters),
            )
        )
    return Grid(
        title="Seconds of every stage",
        columns=("result", *stages, "predicted frames/s", "million parameters"),
        rows=tuple(rows),
        groups=tuple(result.test_space for result in results),
        note="Wall time on the machine above; other work on that machine slows it.",
    )
