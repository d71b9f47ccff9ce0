"""WebDataset: one folder of tar shards a modality; shards of the same name hold the same frames in the same order.

Members are called ``<stem>.<modality>.png``, so a frame keeps one key in all modalities and samples of several
tars can be joined into one dictionary. The cameras are a folder of shards like the others.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from sim_envs.exports import Progress, Selection, Written
from sim_envs.exports.frames import Camera, Frame, camera_of, categories_of, frames_of
from sim_envs.exports.pictures import png
from sim_envs.modalities import MODALITIES

SHARD_FRAMES = 1000
CAMERA = "camera"
CONVENTIONS = {
    "shards": f"<modality>/<split>-<number>.tar, up to {SHARD_FRAMES} frames; equal names hold the same frames in the "
    "same order, and equal recordings give equal bytes",
    "members": "<trajectory>-<step>.<modality>.png, the stored values, 8 or 16 bits, without loss",
    "camera.json": "camera_to_world 4×4; intrinsics in the OpenCV sense (pixels, x right, y down)",
    "reading": "webdataset's image decoders turn everything into 8 bits: give a modality of 16 bits a decoder of its "
    'own, e.g. wds.handle_extension("depth.png", lambda data: np.array(PIL.Image.open(io.BytesIO(data))))',
}


class WebDatasetExporter:
    """See :class:`sim_envs.exports.Exporter`."""

    takes = tuple(MODALITIES)
    needs: tuple[str, ...] = ()

    def write(self, selection: Selection, folder: Path, progress: Progress) -> Written:
        """Write shard after shard, in all modalities at once."""
        recording, camera = selection.recording, camera_of(selection.recording)
        for name in (CAMERA, *selection.modalities):
            (folder / name).mkdir()
        shards: dict[str, int] = {}
        done = 0
        for shard, frames in _shards(selection):
            tars = {name: _open(folder / name / f"{shard}.tar") for name in (CAMERA, *selection.modalities)}
            try:
                for frame in frames:
                    _add(tars[CAMERA], f"{frame.stem}.{CAMERA}.json", _camera_json(frame, camera))
                    for name in selection.modalities:
                        _add(tars[name], f"{frame.stem}.{name}.png", png(recording.array(name)[frame.number]))
                    done += 1
                    progress(done, len(selection.frames))
            finally:
                for tar in tars.values():
                    tar.close()
            shards[shard] = len(frames)
        categories = [asdict(category) for category in categories_of(recording)]
        return Written(CONVENTIONS, {"shards": shards, "categories": categories})


def _shards(selection: Selection) -> Iterator[tuple[str, list[Frame]]]:
    """Deal the frames of each split out to shards, in order."""
    by_split: dict[str, list[Frame]] = {split: [] for split in selection.splits}
    for frame in frames_of(selection):
        by_split[frame.split].append(frame)
    for split, frames in by_split.items():
        for number, start in enumerate(range(0, len(frames), SHARD_FRAMES)):
            yield f"{split}-{number:06d}", frames[start : start + SHARD_FRAMES]


def _camera_json(frame: Frame, camera: Camera) -> bytes:
    said = {
        "split": frame.split,
        "trajectory": frame.trajectory,
        "step": frame.step,
        "camera_to_world": frame.camera_to_world.tolist(),
        "intrinsics": asdict(camera),
    }
    return json.dumps(said).encode()


def _open(path: Path) -> tarfile.TarFile:
    return tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a member without owner and clock: TarInfo's own are 0."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
