"""Import a capture: read its files, make every frame that of one upright pinhole camera, keep it in the data home."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sim_envs.captures import CAPTURE_FORMATS, CaptureReader
from sim_envs.captures.camera import Camera
from sim_envs.captures.capture import Capture
from sim_envs.captures.convert import Converter
from sim_envs.captures.labels import ScanLabels, agreement_share, read_alignment
from sim_envs.captures.sequence import RawFrame, RawSequence
from sim_envs.captures.source import SOURCE, capture_folder, load_capture
from sim_envs.captures.store import CaptureDraft, put_in_place
from sim_envs.captures.upright import lying_cameras, turn_little, turned_upright, up_of_cameras
from sim_envs.errors import UserError
from sim_envs.recordings.lock import alone
from sim_envs.recordings.writer import start_over
from sim_envs.rig import SIZE_RANGE
from sim_envs.spaces import load_space
from sim_envs.spaces.scans.orientation import to_y_up
from sim_envs.storage import digest_file, digest_json

LONGEST = 640
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
Progress = Callable[[int, int], None]


def import_capture(
    path: Path,
    *,
    format_name: str,
    name: str,
    home: Path,
    up: str | None = None,
    longest: int = LONGEST,
    labels_from: str | None = None,
    align: Path | None = None,
    progress: Progress | None = None,
) -> Capture:
    """Read a capture, and keep it as ``capture/<name>``.

    Pictures are undistorted where their distortion is known, and depth is registered to the colour camera where the
    two are calibrated; the world is turned upright.

    Args:
        path: the folder or file of the capture.
        format_name: a row of :data:`~sim_envs.captures.CAPTURE_FORMATS`.
        name: what to call it; ``capture/NAME`` means the same.
        home: the data home.
        up: the axis of the source's world that points up (``y``, ``z``, ``-y`` …); default: as the format says, or
            as the cameras are held (:func:`~.upright.up_of_cameras`).
        longest: frames whose longer side has more pixels are stored smaller, with so many.
        labels_from: id of a labelled scan of the same place.
        align: JSON with the 4×4 ``capture_to_space``; default: the two share a world.
        progress: called with (frames stored, frames in all).

    Returns:
        The capture as kept. One that was imported from the same files in the same way is not imported again.

    Raises:
        UserError: wrong or missing input, named before any frame is decoded; a damaged frame; a full disk; a name
            that is taken. Nothing is left that counts.
    """
    space_id = f"{SOURCE}/{_checked(name)}"
    reader = CAPTURE_FORMATS[format_name]
    if not SIZE_RANGE[0] <= longest <= 8192:
        raise UserError(f"--size {longest} is out of range: {SIZE_RANGE[0]} to 8192 pixels.")
    if align is not None and labels_from is None:
        raise UserError("--align says where a capture lies in a scan: name the scan with --labels-from.")
    sequence, turn, up_from = _upright(_read(path, reader), up)
    labels = _labels(labels_from, align, home)
    colour = _pinhole(sequence.colour)
    target = colour.within(longest)
    conversions = {"up_from": up_from, "source_to_capture": turn.tolist()} | _conversions(sequence)
    source = _source(format_name, sequence, target, conversions, labels)

    folder = capture_folder(home, space_id)
    with alone(folder, "capture"):
        if (kept := _kept(folder, source, home)) is not None:
            return kept
        partial = folder.with_name(f".{folder.name}.part")
        start_over(partial)
        try:
            _fill(partial, space_id, sequence, colour, target, labels, source, progress)
            put_in_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return load_capture(space_id, home)


def _fill(
    partial: Path,
    space_id: str,
    sequence: RawSequence,
    colour: Camera,
    target: Camera,
    labels: ScanLabels | None,
    source: dict[str, Any],
    progress: Progress | None,
) -> None:
    """Write the whole capture into an empty folder."""
    poses = np.stack([frame.camera_to_world for frame in sequence.frames])
    draft = CaptureDraft(partial, target, len(sequence.frames))
    draft.allocate()
    measured = _store_frames(draft, sequence, colour, progress)
    names = [frame.name for frame in sequence.frames]
    times = np.array([frame.timestamp for frame in sequence.frames])
    provenance = source | {"measured_share": round(measured, 4), "notes": _notes(sequence, poses)}
    if labels is not None:
        share = agreement_share(labels, target, poses, draft.mapped("depth"), space_id)
        provenance["agreement_with_scan"] = round(share, 4)
    draft.finish(space_id, poses, times, names, labels, provenance)


def _checked(name: str) -> str:
    bare = name.removeprefix(f"{SOURCE}/")
    if not _NAME.fullmatch(bare):
        raise UserError(
            f"'{name}' cannot name a capture: give a --name of letters, digits, '.', '_' and '-' "
            "that begins with a letter or digit."
        )
    return bare


def _read(path: Path, reader: CaptureReader) -> RawSequence:
    """Return the frames of a download that can be used, as far as that shows before they are decoded."""
    if not path.exists():
        raise UserError(f"No such file or folder: {path}")
    sequence = _without_repeats(reader(path))
    if not sequence.frames:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sequence.left_out.items() if count)
        raise UserError(f"{path} holds no frame that can be used ({reasons or 'none at all'}).")
    for what, camera in (("colour", sequence.colour), ("depth", sequence.depth)):
        if camera is not None:
            _check_intrinsics(path, what, camera)
    return sequence


def _check_intrinsics(path: Path, what: str, camera: Camera) -> None:
    """Refuse intrinsics that are those of pictures of another size."""
    middle = (camera.cx / camera.width, camera.cy / camera.height)
    if not (all(0.25 < share < 0.75 for share in middle) and 0.2 < camera.fx / camera.fy < 5 and camera.fx > 0):
        raise UserError(
            f"{path}: the {what} camera has its optical centre at ({camera.cx:.1f}, {camera.cy:.1f}) and focal lengths "
            f"{camera.fx:.1f}, {camera.fy:.1f}, but its pictures have {camera.width} × {camera.height} pixels. Were "
            "they resized? Intrinsics must be for the size at hand."
        )


def _without_repeats(sequence: RawSequence) -> RawSequence:
    """Leave out frames whose pose equals an earlier one's: they show nothing new, and a pose names one frame."""
    first: dict[bytes, RawFrame] = {}
    for frame in sequence.frames:
        first.setdefault(frame.camera_to_world.tobytes(), frame)
    repeats = len(sequence.frames) - len(first)
    left_out = dict(sequence.left_out) | {"pose as before": repeats}
    return replace(sequence, frames=tuple(first.values()), left_out={k: n for k, n in left_out.items() if n})


def _upright(sequence: RawSequence, up: str | None) -> tuple[RawSequence, np.ndarray, str]:
    """Turn the world so that Y is up; return by which (4, 4) matrix, and by what that was known."""
    poses, notes = np.stack([frame.camera_to_world for frame in sequence.frames]), sequence.notes
    if up is not None:
        turn, up_from = np.eye(4), f"--up {up}"
        turn[:3, :3] = to_y_up(up)
    elif sequence.world_to_yup is not None:
        turn, up_from = sequence.world_to_yup, "the format"
    else:
        turn, up_from = turned_upright(up_of_cameras(poses)), "the cameras"
        doubt = "these turn so little that it may be off by 10° and more" if turn_little(poses) else "to a few degrees"
        notes = (*notes, f"what is up was told by how the cameras were held, {doubt}; --up names an axis instead")
    frames = (replace(f, camera_to_world=turn @ f.camera_to_world) for f in sequence.frames)
    return replace(sequence, frames=tuple(frames), notes=notes), turn, up_from


def _labels(labels_from: str | None, align: Path | None, home: Path) -> ScanLabels | None:
    if labels_from is None:
        return None
    space = load_space(labels_from, home)
    if not space.has_labels:
        raise UserError(f"{labels_from} has no labels to give. Import it with --labels and --instances.")
    return ScanLabels(space, np.eye(4) if align is None else read_alignment(align))


def _pinhole(colour: Camera) -> Camera:
    """Return the pinhole camera whose pictures lie wholly within those of a camera with distortion."""
    if not colour.distortion:
        return colour
    size = (colour.width, colour.height)
    matrix, _ = cv2.getOptimalNewCameraMatrix(colour.opencv_intrinsics, np.array(colour.distortion), size, alpha=0)
    return Camera.opencv(size, matrix)


def _source(
    format_name: str,
    sequence: RawSequence,
    target: Camera,
    conversions: dict[str, Any],
    labels: ScanLabels | None,
) -> dict[str, Any]:
    """Say where a capture comes from and what is done to it, without paths of the machine it is imported on."""
    frames = [
        [f.name, f.size, f.camera_to_world.tolist(), None if np.isnan(f.timestamp) else f.timestamp,
         f.colour.described() if f.colour else None]
        for f in sequence.frames
    ]  # fmt: skip
    return {
        "source": "imported capture",
        "format": format_name,
        "files": [{"name": file.name, "sha256": digest_file(file)} for file in sequence.files],
        "frames_sha256": digest_json(frames),
        "colour_camera": sequence.colour.described(),
        "stored_size": [target.width, target.height],
        "conversions": conversions,
        "labels_from": labels.described() if labels else None,
        "left_out": dict(sequence.left_out),
    }


def _conversions(sequence: RawSequence) -> dict[str, Any]:
    """Say what is done to the pictures of a sequence."""
    done: dict[str, Any] = {}
    if sequence.colour.distortion or any(frame.colour for frame in sequence.frames):
        done["undistorted"] = "colour bilinear, depth nearest, to the pinhole within the picture"
    if sequence.depth is not None:
        done["depth_registered"] = {
            "depth_camera": sequence.depth.described(),
            "depth_to_colour": sequence.depth_to_colour.tolist(),
        }
    return done


def _kept(folder: Path, source: dict[str, Any], home: Path) -> Capture | None:
    """Return the capture that is there already, if it was imported from the same files in the same way.

    Raises:
        UserError: another capture has the name.
    """
    try:
        kept = load_capture(f"{SOURCE}/{folder.name}", home)
    except UserError:
        return None  # none there, or one that its message advises to import again
    if {key: kept.provenance.get(key) for key in source} != source:
        raise UserError(
            f"{SOURCE}/{folder.name} exists and is another capture, or was imported another way. Give this one "
            f"another --name, or remove {folder}."
        )
    return kept


def _store_frames(draft: CaptureDraft, sequence: RawSequence, colour: Camera, progress: Progress | None) -> float:
    """Decode, convert and write every frame; return the share of pixels that have a depth."""
    convert = Converter.of(sequence, colour, draft.camera)
    measured = 0.0
    for i, frame in enumerate(sequence.frames):
        rgb, depth_mm = convert(frame)
        draft.write(rgb, depth_mm)
        measured += float((depth_mm > 0).mean())
        if progress:
            progress(i + 1, draft.count)
    return measured / draft.count


def _notes(sequence: RawSequence, poses: np.ndarray) -> list[str]:
    notes = list(sequence.notes)
    notes += [f"{count} frames left out: {reason}" for reason, count in sequence.left_out.items()]
    hint = lying_cameras(poses)
    return [*notes, hint] if hint else notes
