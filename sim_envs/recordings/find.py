"""Find the recording a command means: a folder, or the newest one of a space."""

from __future__ import annotations

from pathlib import Path

from sim_envs.errors import UserError
from sim_envs.recordings.format import META_FILE
from sim_envs.recordings.reader import Recording, list_recordings, recordings_home
from sim_envs.spaces import list_spaces, unknown_space


def find_recording(space_or_folder: str, home: Path) -> Recording:
    """Open the recording in a folder, or the newest finished recording of a space.

    Args:
        space_or_folder: a path that is a folder, or ``source/name``. A folder in the current directory that is
            called like a space is meant only if it holds a recording.
        home: the data home.

    Raises:
        UserError: neither, no finished recording of that space, or one that is damaged.
    """
    recording = newest_recording(space_or_folder, home)
    folder = Path(space_or_folder).expanduser()
    if (folder / META_FILE).is_file() or (recording is None and folder.is_dir()):
        return Recording.open(folder.resolve())
    if recording is None:
        raise no_recording(space_or_folder, home)
    return recording


def newest_recording(space_id: str, home: Path) -> Recording | None:
    """Return the finished recording of a space that was finished last, or None where there is none.

    Raises:
        UserError: it is damaged.
    """
    root = recordings_home(home) / space_id
    found = [folder for folder in list_recordings(home) if folder.parent == root]
    return Recording.open(max(found, key=lambda folder: (folder / META_FILE).stat().st_mtime_ns)) if found else None


def no_recording(space_id: str, home: Path) -> UserError:
    """Return the error for a space that was not recorded yet, or for what is no space at all."""
    if space_id not in list_spaces(home):
        return unknown_space(space_id, home)
    return UserError(
        f"There is no finished recording of {space_id}. Make one: tst-bench generate --scene {space_id} "
        "(the folder of a recording elsewhere is taken too)."
    )
