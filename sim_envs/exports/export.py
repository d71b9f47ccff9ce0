"""Export a recording: choose its frames, write them beside, and give the folder its name once it is whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError, unknown
from sim_envs.exports import EXPORTS, Exporter, Progress, Selection
from sim_envs.exports.readme import readme
from sim_envs.exports.record import EXPORT_FILE, README_FILE, ExportRecord, describe, existing_export, request_digest
from sim_envs.modalities import MODALITIES, modality
from sim_envs.recordings.reader import Recording
from sim_envs.storage import write_json
from sim_envs.trajectories import SPLITS


def export_recording(
    recording: Recording,
    format_name: str,
    folder: Path,
    *,
    home: Path,
    splits: Sequence[str] = (),
    modalities: Sequence[str] = (),
    progress: Progress | None = None,
) -> ExportRecord:
    """Write a recording in another format, and return what was written.

    An equal export that is there already is left as it is; another one of this program is replaced. Killed at
    any time, this leaves no folder of that name that is not whole.

    Args:
        recording: to be exported.
        format_name: a row of :data:`~sim_envs.exports.EXPORTS`.
        folder: where to; made with its parents.
        home: the data home.
        splits: which splits; empty means all.
        modalities: which modalities; empty means all that the format takes and the recording holds.
        progress: called with (frames done, frames in all).

    Raises:
        UserError: an unknown name, something the recording does not hold, a folder that is not ours, a full disk.
    """
    exporter = EXPORTS[format_name]()
    folder = folder.expanduser().resolve()
    selection = select(recording, format_name, exporter, home, splits, modalities)
    there = existing_export(folder)
    if there is not None and there.request == request_digest(format_name, selection):
        return there
    beside = folder.with_name(f".{folder.name}.tst-bench-partial")
    try:
        with _alone(beside):
            _empty(beside)
            written = exporter.write(selection, beside, progress or _silent)
            (beside / README_FILE).write_text(readme(format_name, selection, written), encoding="utf-8")
            record = describe(format_name, selection, written, beside)
            write_json(beside / EXPORT_FILE, record.model_dump(mode="json"))
            _publish(beside, folder)
    except OSError as error:
        raise _refused(folder, error) from error
    return record


def select(
    recording: Recording,
    format_name: str,
    exporter: Exporter,
    home: Path,
    splits: Sequence[str],
    modalities: Sequence[str],
) -> Selection:
    """Check what is asked for against what the format takes and the recording holds.

    Raises:
        UserError: names what does not fit, and what would.
    """
    for name in splits:
        if name not in SPLITS:
            raise unknown("split", name, SPLITS)
    for name in modalities:
        modality(name)
        if name not in exporter.takes:
            takes = f"takes {', '.join(exporter.takes)}" if exporter.takes else "holds poses alone"
            raise UserError(f"{format_name} cannot hold {name}: it {takes}.")
    missing = [name for name in (*modalities, *exporter.needs) if name not in recording.modalities]
    if missing:
        raise _lacks(recording, format_name, missing[0])
    forgotten = [name for name in exporter.needs if modalities and name not in modalities]
    if forgotten:
        raise UserError(f"{format_name} cannot do without {forgotten[0]}: add --modality {forgotten[0]}.")
    split = recording.frames["split"]
    chosen = tuple(name for name in SPLITS if name in (splits or set(split)))
    frames = np.flatnonzero(split.isin(chosen) & recording.frames["valid"])
    if not len(frames):
        raise UserError(f"{recording.folder} has no valid frame of {' or '.join(chosen)}: nothing to export.")
    wanted = modalities or [name for name in exporter.takes if name in recording.modalities]
    return Selection(recording, home, chosen, frames, tuple(name for name in MODALITIES if name in wanted))


def _lacks(recording: Recording, format_name: str, name: str) -> UserError:
    space, holds = recording.meta.space.id, ", ".join(recording.modalities)
    if not MODALITIES[name].sensed:
        return UserError(
            f"{recording.folder} has no {name}: {space} has no labels. Leave labels out or export another format "
            f"than {format_name}; `tst-bench spaces import --labels` gives a scan labels."
        )
    return UserError(f"{recording.folder} has no {name}. It holds {holds}.")


def _silent(done: int, total: int) -> None:
    pass


@contextlib.contextmanager
def _alone(beside: Path) -> Iterator[None]:
    """Make the folder that is filled, and hold it against other processes; remove it where the export fails.

    The operating system frees the lock when its holder dies, and the next export clears what was left.

    Raises:
        UserError: another process is filling it.
    """
    beside.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(beside, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another process is exporting to the same folder ({beside}). Wait for it.") from None
        try:
            yield
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    """Remove what a killed export left."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _publish(beside: Path, folder: Path) -> None:
    """Give the finished export its name; the export it replaces goes only then."""
    old = folder.with_name(f".{folder.name}.tst-bench-old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _refused(folder: Path, error: OSError) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"The disk is full while exporting to {folder}. Free some space or name a folder with --out.")
    return UserError(f"Cannot write {folder}: {error.strerror or error}. Name a writable folder with --out.")
