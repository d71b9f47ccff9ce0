"""Write a space, a recording or both for Rerun's viewer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import rerun as rr

from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from sim_envs.storage import digest_json, write_whole
from sim_envs.viewing.frames import frames_to_show, log_frames, log_paths
from sim_envs.viewing.layout import layout
from sim_envs.viewing.mesh import log_space

APPLICATION = "tst-bench"
Progress = Callable[[int, int], None]


def save_view(
    space: Space | None, recording: Recording | None, path: Path, frame_limit: int, progress: Progress
) -> None:
    """Write an ``.rrd`` file, which ``rerun FILE`` opens; it is held in memory until it is whole.

    Args:
        space: its mesh is shown, unless None.
        recording: its frames are shown, unless None.
        path: where to.
        frame_limit: frames to show at most.
        progress: called with (frames done, frames in all).

    Raises:
        UserError: the disk is full or not writable.
    """

    def write(beside: Path) -> None:
        stream = _stream(space, recording)
        # In memory, since Rerun's own writer of files logs that the disk refused, and then waits for ever. Read in
        # parts, the stream would have a table of contents after each, and readers refuse such files.
        encoded = stream.binary_stream()
        stream.send_blueprint(layout(space, recording.modalities if recording else ()))
        _log(stream, space, recording, frame_limit, progress)
        beside.write_bytes(encoded.read() or b"")

    write_whole(path, write)


def _stream(space: Space | None, recording: Recording | None) -> rr.RecordingStream:
    shown = {"space": space.digest if space else None, "recording": recording.meta.digest if recording else None}
    stream = rr.RecordingStream(APPLICATION, recording_id=digest_json(shown)[:32])
    stream.set_log_time_enabled(False)
    stream.set_log_tick_enabled(False)
    return stream


def _log(
    stream: rr.RecordingStream,
    space: Space | None,
    recording: Recording | None,
    frame_limit: int,
    progress: Progress,
) -> None:
    stream.send_recording_name(space.id if space else recording.meta.space.id if recording else APPLICATION)
    stream.log("world", rr.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    if space is not None:
        log_space(stream, space)
    if recording is not None:
        log_paths(stream, recording)
        log_frames(stream, recording, frames_to_show(recording, frame_limit), progress)
