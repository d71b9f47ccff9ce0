"""Where the runs of a data home and the recordings behind them lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.suites import load_suite
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording, list_recordings


def latest_run(suite: str | None, scene: str | None, home: Path) -> Path:
    """Return the folder of the run that is named, or of the latest.

    Args:
        suite: name, or the ``.yaml`` file of a suite.

    Raises:
        UserError: there is none.
    """
    name = load_suite(suite).name if suite and suite.endswith((".yaml", ".yml")) else suite
    runs = home / "runs"
    pattern = f"{name or '*'}/{scene.replace('/', '__') if scene else '*'}/results"
    found = sorted(runs.glob(pattern), key=lambda folder: folder.stat().st_mtime)
    if not found:
        asked = " and ".join(filter(None, [name and f"suite {name}", scene and f"space {scene}"]))
        raise UserError(
            f"No run{' of ' + asked if asked else ''} under {runs}. Make one: tst-bench run, or tst-bench demo."
        )
    return found[-1].parent


def runs_of(suite: str | None, scene: str | None, home: Path) -> list[Path]:
    """Return the folders of the suite that is named, or of the latest: one for every test space it was run in.

    Raises:
        UserError: there is none.
    """
    latest = latest_run(suite, scene, home)
    return [latest] if scene else sorted(folder.parent for folder in latest.parent.glob("*/results"))


def recording_opener(home: Path) -> Callable[[str, str], Recording | None]:
    """Return what finds a recording by its space and digest; each is opened once."""
    opened: dict[str, list[Recording]] = {}

    def open_recording(space: str, digest: str) -> Recording | None:
        if space not in opened:
            paths = [path for path in list_recordings(home) if path.parts[-3:-1] == tuple(space.split("/"))]
            opened[space] = [Recording.open(path) for path in paths]
        return next((recording for recording in opened[space] if recording.meta.digest == digest), None)

    return open_recording
