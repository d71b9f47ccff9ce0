"""What ``tst-bench import-capture`` does."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from benchmark.commands.console import note, out


def import_one(
    path: Path,
    format_name: str,
    name: str,
    up: str | None,
    size: int,
    labels_from: str | None,
    align: Path | None,
    home: Path,
) -> None:
    """Import a capture and say what it became."""
    from sim_envs.captures.importing import import_capture

    with tqdm(unit="frame", desc=str(path), file=sys.stderr, dynamic_ncols=True, delay=1) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        capture = import_capture(
            path,
            format_name=format_name,
            name=name,
            home=home,
            up=up,
            longest=size,
            labels_from=labels_from,
            align=align,
            progress=show,
        )
    for line in capture.provenance.get("notes", ()):
        note.print(f"note: {line}")
    camera = capture.camera
    labelled = "no labels: it serves depth and normals only"
    if capture.labels:
        agree = 100 * capture.provenance["agreement_with_scan"]
        labelled = f"labels from {capture.labels.space.id} (where measured, {agree:.0f} % agree with it)"
    out.print(
        f"{capture.id}: {len(capture)} frames of {camera.width} × {camera.height}, depth on "
        f"{100 * capture.provenance['measured_share']:.0f} % of the pixels, {labelled}. "
        f"Look at it: tst-bench spaces preview {capture.id}"
    )
