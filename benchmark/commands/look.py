"""What ``tst-bench view`` does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from benchmark.commands.console import note
from sim_envs.errors import UserError

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording
    from sim_envs.space import Space


def view_in_rerun(source: str, save: Path | None, frame_limit: int, home: Path) -> None:
    """Show a space with its newest recording, or a recording with its space, in a window or in a file."""
    if frame_limit < 1:
        raise UserError(f"--frames {frame_limit} is out of range: 1 or more.")
    if save is not None and save.suffix != ".rrd":
        raise UserError(f"--save {save} must end in .rrd: Rerun knows its files by that.")
    if importlib.util.find_spec("rerun") is None:
        raise UserError("Rerun is not installed: pip install 'tst-bench[view]' (or rerun-sdk) brings it.")
    space, recording = _find(source, home)
    if save is None and not has_display():
        raise UserError("There is no screen here. Write a file with --save FILE.rrd and open it elsewhere: rerun FILE.")
    from sim_envs.viewing.view import save_view

    file = save or home / "views" / f"{recording.meta.space.id if recording else source}.rrd"
    with tqdm(unit="frame", desc=source, file=sys.stderr, dynamic_ncols=True, delay=1) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        save_view(space, recording, file, frame_limit, show)
        shown = bar.n
    if recording is not None and shown < len(recording):
        note.print(f"{shown} of {len(recording)} frames are shown; --frames asks for more.")
    if save is None:
        _open(file)
    else:
        note.print(f"{file.stat().st_size / 1e6:,.1f} MB. Open it: rerun {file}")
        print(file.resolve())


def _open(file: Path) -> None:
    """Run the viewer until its window is closed.

    Raises:
        UserError: it did not open, or it crashed.
    """
    code = subprocess.run([sys.executable, "-m", "rerun", "--bind", "127.0.0.1", str(file)], check=False).returncode
    if code:
        raise UserError(f"Rerun's viewer ended with exit code {code}; above is why. What it was to show is in {file}.")


def has_display() -> bool:
    """Return whether a window can be opened."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _find(source: str, home: Path) -> tuple[Space | None, Recording | None]:
    """Return the space and the recording that are meant, saying what of it is missing.

    Raises:
        UserError: there is neither a space nor a recording of that name.
    """
    from sim_envs.recordings.find import find_recording, newest_recording
    from sim_envs.spaces import list_spaces, load_space

    if source in list_spaces(home):
        recording = newest_recording(source, home)
        if recording is None:
            note.print(f"note: {source} is not recorded yet; its mesh is shown alone.")
            return load_space(source, home), None
    else:
        recording = find_recording(source, home)
    try:
        space = load_space(recording.meta.space.id, home)
    except UserError:
        note.print(f"note: there is no mesh of {recording.meta.space.id} here; the frames are shown alone.")
        return None, recording
    if space.digest != recording.meta.space.digest:
        note.print(f"note: {space.id} has changed since it was recorded; the mesh is the one of today.")
    return space, recording
