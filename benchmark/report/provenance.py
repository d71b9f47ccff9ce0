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
    """Return tables of code and machine, of inputs, of the time every stage took, and of how fast pre-training was."""
    results = all_results(tables)
    pretraining = pretraining_grid(results)
    grids = [environments_grid(results), _inputs(results), _timings(results)]
    return [*grids, pretraining] if pretraining.rows else grids


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


def environments_grid(results: Sequence[Result]) -> Grid:
    """Return every combination of code, machine, system and libraries."""
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
        note="One line for each combination that any result was made with.",
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


def pretraining_grid(results: Sequence[Result]) -> Grid:
    """Return a row for each pre-training: those of several tasks and protocols are one."""
    rows: dict[tuple[str, str, int], tuple[Cell, ...]] = {}
    for result in results:
        cost = result.compute.pretraining
        if cost is None:
            continue
        name = f"{result.model}, seed {result.seed}"
        on = f"{cost.processes} × {cost.device}" if cost.processes > 1 else cost.device
        used = cost.utilisation
        rows[result.test_space, result.model, result.seed] = (
            Cell(name, name),
            Cell(f"{on}, {cost.precision}"),
            Cell(f"{1000 * cost.step_seconds:,.0f}", cost.step_seconds),
            Cell(f"{cost.samples_per_second:,.0f}", cost.samples_per_second),
            Cell(f"{cost.gigaflops_per_step:,.1f}", cost.gigaflops_per_step),
            Cell("–") if used is None else Cell(f"{100 * used:.0f} %", used),
            Cell(f"{100 * cost.data_wait_share:.1f} %", cost.data_wait_share),
            Cell(f"{cost.peak_memory_bytes / 1e9:.2f}", cost.peak_memory_bytes),
        )
    return Grid(
        title="Speed of pre-training",
        columns=("run", "device", "ms a step", "frames/s", "GFLOP a step", "of peak", "waited for data", "peak GB"),
        rows=tuple(rows.values()),
        groups=tuple(space for space, _, _ in rows),
        note=(
            "Of peak: operations of a step, counted, over what the device could do in that time in matrix products of "
            "that precision (data sheet of a GPU; measured at the end on the threads of a CPU). Memory is that of the "
            "process on a CPU, of torch's allocator on a GPU."
        ),
        numeric=2,
    )
