"""Panels: what the camera saw, what is true and what each model said, for a few frames nobody picked."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.forms import Answers
from benchmark.predictions import predicted_frames, read_prediction
from benchmark.report.evidence import Evidence
from benchmark.tasks import Task
from sim_envs.modalities import id_colours
from sim_envs.recordings.reader import Recording

OpenRecording = Callable[[str, str], "Recording | None"]
"""Takes a space's id and a recording's digest; returns it, or None where it is not on this machine."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One frame.

    Attributes:
        role: ``test`` or ``held_out``.
        frame: row in the recording.
        rgb: (H, W, 3) uint8.
        truth: of this one frame, as the task's targets.
        predictions: model → of this one frame, as the task stores them.
    """

    space: str
    role: str
    frame: int
    rgb: np.ndarray
    truth: Answers
    predictions: dict[str, Answers]


def collect_panels(
    evidence: Evidence, open_recording: OpenRecording, per_space: int = 3, held_out_spaces: int = 2
) -> list[Panel]:
    """Take frames from the test space and from the first held-out spaces, evenly spaced over the scored ones.

    Predictions are those of each model's lowest seed. Models whose predictions are not on this machine are left
    out, and so are spaces whose recording is not.
    """
    held_out = [part for part in evidence.spaces if part.role == "held_out"][:held_out_spaces]
    panels = []
    for part in (evidence.spaces[0], *held_out):
        recording = open_recording(part.space, part.recording)
        if recording is None:
            continue
        files = {row.model: row.results[0].file(row.results[0].prediction_folder) for row in evidence.rows}
        folders = {model: folder for model, folder in files.items() if folder is not None}
        if not folders:
            continue
        frames = np.sort(predicted_frames(next(iter(folders.values())), part.space, recording=part.recording))
        count = min(per_space, len(frames))
        chosen = frames[((np.arange(count) + 0.5) / count * len(frames)).astype(int)]
        stored = {
            model: read_prediction(folder, part.space, recording=part.recording, only=chosen)
            for model, folder in folders.items()
        }
        rgb = np.asarray(recording.array("rgb")[chosen])
        truth = evidence.task.targets(recording, chosen)
        for i, frame in enumerate(chosen):
            said = {model: p.values[np.flatnonzero(p.frames == frame)] for model, p in stored.items()}
            panels.append(Panel(part.space, part.role, int(frame), rgb[i], truth[np.array([i])], said))
    return panels


def category_colours(panels: Sequence[Panel], task: Task) -> np.ndarray:
    """Return (K + 1, 3) uint8 colours of the evaluation ids; those with most truth here differ most."""
    if not task.categories:
        return np.zeros((1, 3), np.uint8)
    order = np.argsort(-_truth(panels, task), kind="stable") + 1
    colours = np.zeros((len(task.categories) + 1, 3), np.uint8)
    colours[order] = id_colours(len(task.categories) + 1)[1:]
    return colours


def picture(values: Answers, panel: Panel, task: Task, colours: np.ndarray) -> np.ndarray:
    """Return an (h, w, 3) uint8 picture of the panel's truth or of a prediction.

    Args:
        colours: of the evaluation ids, see :func:`category_colours`.
    """
    return task.display(values, panel.truth, panel.rgb, colours)


def right_share(panel: Panel, model: str, task: Task) -> str:
    """Say in a few words how right a prediction is in this one frame."""
    if not task.has_truth(panel.truth).any():
        return "no truth in this frame"
    return task.in_words(panel.predictions[model], panel.truth)


def legend(panels: Sequence[Panel], task: Task, colours: np.ndarray) -> list[tuple[str, str]]:
    """Return (category, colour) of every category in the truth of these panels, most truth first."""
    if not task.categories:
        return []
    counts = _truth(panels, task)
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i]]
    return [(task.categories[i], "#{:02x}{:02x}{:02x}".format(*colours[i + 1])) for i in order]


def _truth(panels: Sequence[Panel], task: Task) -> np.ndarray:
    """Return how much truth of each category these panels show, (K,)."""
    return sum((task.count_categories(p.truth) for p in panels), np.zeros(len(task.categories), np.int64))


def data_uri(pixels: np.ndarray) -> str:
    """Return an (H, W, 3) uint8 picture as a PNG inside a URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
