"""What each command does: read arguments that are already parsed, call the packages, print for people."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from sim_envs.errors import UserError

out = Console(soft_wrap=True)
note = Console(stderr=True, soft_wrap=True)


def list_all_spaces(home: Path) -> None:
    """Print one line a space; the built-in families as ranges."""
    from sim_envs.spaces import list_spaces

    names = list_spaces(home)
    builtin = [name for name in names if name.startswith("builtin/")]
    families = sorted({name.rpartition("-")[0] for name in builtin})
    for family in families:
        members = [name for name in builtin if name.startswith(family + "-")]
        out.print(f"{members[0]} … {members[-1].rpartition('/')[2]}   {len(members)} spaces, made when first used")
    for name in names:
        if not name.startswith("builtin/"):
            out.print(name)


def show_space(space_id: str, home: Path, as_json: bool) -> None:
    """Print what is known of a space."""
    from sim_envs.spaces import load_space
    from sim_envs.spaces.preview import space_info

    info = space_info(load_space(space_id, home))
    if as_json:
        print(json.dumps(info, indent=1, ensure_ascii=False))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, value in info.items():
        if key != "provenance":
            table.add_row(key.replace("_", " "), _plain(value))
    out.print(table)


def preview(space_id: str, home: Path, folder: Path | None) -> None:
    """Draw a space and name the pictures."""
    from sim_envs.spaces import load_space
    from sim_envs.spaces.preview import preview_space

    target = folder or home / "previews" / space_id
    with note.status(f"Drawing {space_id} …"):
        pictures = preview_space(load_space(space_id, home), target)
    for picture in pictures:
        print(picture)


def import_space(
    path: Path,
    labels: Path | None,
    instances: Path | None,
    up: str | None,
    unit: str | None,
    name: str | None,
    home: Path,
) -> None:
    """Import a scan and say what it became."""
    from sim_envs.spaces.scans.source import import_scan

    with note.status(f"Importing {path} …"):
        space = import_scan(path, name=name, labels=labels, instances=instances, up=up, unit=unit, home=home)
    for line in space.provenance.get("notes", ()):
        note.print(f"note: {line}")
    labelled = f"{len(space.categories)} categories" if space.has_labels else "no labels: it serves depth only"
    out.print(f"{space.id}: {len(space.faces):,} faces, {labelled}. Look at it: tst-bench spaces preview {space.id}")


def generate_recording(
    scene: str,
    frames: int,
    size: tuple[int, int],
    hfov: float,
    trajectories: str,
    engine: str,
    workers: int,
    seed: int,
    verify: bool,
    home: Path,
) -> None:
    """Make or continue a recording, and check it when asked to."""
    from sim_envs.generate import generate, split_counts
    from sim_envs.recordings.format import Recipe
    from sim_envs.recordings.verify import verify as check

    recipe = Recipe(
        space=scene,
        engine=engine,
        width=size[0],
        height=size[1],
        hfov=hfov,
        trajectories=trajectories,
        splits=split_counts(frames),
        seed=seed,
    )
    with tqdm(unit="frame", desc=scene, file=sys.stderr, dynamic_ncols=True, delay=1) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        recording = generate(recipe, home=home, workers=workers, progress=show)
    if verify:
        problems = check(recording.folder)
        if problems:
            raise UserError("\n".join([f"{recording.folder} is damaged:", *problems]))
        note.print("Every file matches its digest.")
    note.print(f"{len(recording)} frames of {', '.join(recording.modalities)}.")
    near = recording.meta.audit.test.translation_m
    if near:
        note.print(
            f"The train view nearest to a test view is {near['50']:.2f} m away (median; 1 %: {near['1']:.2f} m)."
        )
    if not recording.meta.audit.passed:
        note.print(f"note: {recording.meta.audit.complaint()}.")
    print(recording.folder)


def run_suite(
    suite_name: str,
    scene: str | None,
    models: Sequence[str],
    tasks: Sequence[str],
    protocols: Sequence[str],
    seeds: int | None,
    workers: int,
    device: str,
    home: Path,
) -> None:
    """Run a suite, print its table and write the report; failed jobs are listed at the end, with exit code 1."""
    from baselines.precision import pick_device
    from benchmark.plan import plan_run
    from benchmark.progress import run_with_progress
    from benchmark.runner import Machine, jobs_of, open_recordings, recording_jobs, run_folder, usable_tasks
    from benchmark.suites import load_suite

    plan = plan_run(load_suite(suite_name), scene, models, tasks, protocols, seeds)
    place = pick_device(device).type
    machine = Machine.of(workers, place, os.cpu_count() or 1)
    names = ", ".join(model.name for model in plan.models)
    note.print(f"[bold]{plan.suite.name}[/] in {plan.test_space}: {names}; seeds: {plan.suite.seeds}.")
    usable, notes = usable_tasks(plan, home)
    for line in notes:
        note.print(f"note: {line}")
    missing = run_with_progress(recording_jobs(plan, home), machine)
    if missing:
        raise UserError("\n".join(f"{failure.job}: {failure.message}" for failure in missing))
    recordings = open_recordings(plan, home)
    failures = run_with_progress(jobs_of(plan, recordings, usable, home, place), machine)
    if (run_folder(home, plan) / "results").is_dir():
        _report(run_folder(home, plan), open_page=False, home=home)
    if failures:
        for failure in failures:
            note.print(
                f"[red]failed[/] {failure.job}: {failure.message}" + (f"  (log: {failure.log})" if failure.log else "")
            )
        note.print("The same command runs again only what is missing.")
        sys.exit(1)


def write_report(suite: str | None, scene: str | None, open_page: bool, home: Path) -> None:
    """Write the report of a run: the one named, or the latest."""
    runs = home / "runs"
    pattern = f"{suite or '*'}/{scene.replace('/', '__') if scene else '*'}/results"
    found = sorted(runs.glob(pattern), key=lambda folder: folder.stat().st_mtime)
    if not found:
        asked = " and ".join(filter(None, [suite and f"suite {suite}", scene and f"space {scene}"]))
        raise UserError(
            f"No run{' of ' + asked if asked else ''} under {runs}. Make one: tst-bench run, or tst-bench demo."
        )
    _report(found[-1].parent, open_page, home)


def _report(folder: Path, open_page: bool, home: Path) -> None:
    from benchmark.report import build_report, print_report
    from benchmark.results import collect
    from sim_envs.recordings.reader import Recording, list_recordings

    def open_recording(space: str, digest: str) -> Recording | None:
        kept = (Recording.open(path) for path in list_recordings(home) if path.parts[-3:-1] == tuple(space.split("/")))
        return next((recording for recording in kept if recording.meta.digest == digest), None)

    files = build_report(collect(folder / "results"), folder / "report", open_recording=open_recording)
    print_report(files.tables)
    out.print(f"Report: {files.html}")
    if open_page:
        webbrowser.open(files.html.resolve().as_uri())


def list_models() -> None:
    """Print the zoo."""
    from baselines.zoo import ZOO

    table = Table("model", "pre-trained on", "what it is", box=None, padding=(0, 2, 0, 0))
    for name in ZOO:
        model = ZOO[name]
        where = ", ".join(f"{share:.0%} {role}" for role, share in (model.sources or {}).items()) or "nothing"
        table.add_row(name, where, model.summary)
    out.print(table)


def list_suites() -> None:
    """Print the suites."""
    from benchmark.suites import load_suite, suite_names

    table = Table("suite", "test space", "what it is", box=None, padding=(0, 2, 0, 0))
    for name in suite_names():
        suite = load_suite(name)
        table.add_row(f"{name} v{suite.version}", ", ".join(suite.test_spaces), suite.summary)
    out.print(table)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return str(value)
