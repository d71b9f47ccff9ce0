"""What ``tst-bench export`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from benchmark.commands.console import note
from sim_envs.errors import unknown


def export_as(
    source: str, format_name: str, out: Path | None, splits: Sequence[str], modalities: Sequence[str], home: Path
) -> None:
    """Export a recording and say what it became."""
    from sim_envs.exports import EXPORTS
    from sim_envs.exports.export import export_recording
    from sim_envs.recordings.find import find_recording

    if format_name not in EXPORTS:
        raise unknown(EXPORTS.kind, format_name, EXPORTS)
    recording = find_recording(source, home)
    meta = recording.meta
    folder = out or home / "exports" / meta.space.id / f"{meta.recipe_hash}-{format_name}"
    with tqdm(unit="frame", desc=format_name, file=sys.stderr, dynamic_ncols=True, delay=1) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        record = export_recording(
            recording, format_name, folder, home=home, splits=splits, modalities=modalities, progress=show
        )
    frames = ", ".join(f"{count} {split}" for split, count in record.frames.items())
    megabytes = sum(size.bytes for size in record.folders.values()) / 1e6
    files = sum(size.files for size in record.folders.values())
    left_out = {0: "", 1: " 1 frame that is not valid is left out."}.get(
        record.frames_left_out, f" {record.frames_left_out} frames that are not valid are left out."
    )
    note.print(f"{meta.space.id}: {frames} frames in {files:,} files, {megabytes:,.1f} MB.{left_out}")
    print(folder.expanduser().resolve())
