"""What ``tst-bench pack`` and ``leaderboard validate`` do, and the packing of ``tst-bench submit``."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmark.commands.console import note, out
from benchmark.commands.finding import recording_opener
from benchmark.suites import Suite
from leaderboard.frames import FramePack, open_frames, validate_with
from leaderboard.manifest import About, Submission
from leaderboard.packs import Pack, write_private_pack, write_public_pack
from leaderboard.refusal import Refusal
from leaderboard.submission import pack_submission
from leaderboard.suites import known_suites
from leaderboard.validation import validate
from sim_envs.errors import UserError
from sim_envs.storage import digest_file


@dataclass(frozen=True)
class Packing:
    """What is to be packed.

    Attributes:
        run: folder of a run, or of all runs of a suite.
        model: which one; the only one when None.
        about: what its submitters say of it.
        suites: files of further suites.
        frames: public pack whose frames were predicted; None for the frames of the run.
    """

    run: Path
    model: str | None
    about: Mapping[str, str]
    suites: tuple[str, ...]
    frames: Path | None
    home: Path


def pack_checked(packing: Packing, file: Path) -> Submission:
    """Pack one model of a run. What a board would refuse does not get the name that was asked for.

    Raises:
        UserError: the run cannot be packed or would be refused.
    """
    suites = known_suites(packing.suites)
    try:
        said = About(**packing.about)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"--{first['loc'][0]}: {first['msg']}.") from None
    if file.is_dir():
        raise UserError(f"--out {file} is a folder; name a file, e.g. {file / 'submission.zip'}.")
    frames = _frames(packing.frames, packing.home)
    folder = file.parent if file.parent.is_dir() else None
    with tempfile.TemporaryDirectory(prefix=".tst-bench-", dir=folder) as scratch:
        packed = Path(scratch) / file.name
        pack_submission(packing.run, packed, suites, packing.model, said, frames)
        submission = _validated(packed, suites, frames)
        file.parent.mkdir(parents=True, exist_ok=True)
        packed.replace(file)
    note.print(_in_words(submission), highlight=False, markup=False)
    return submission


def validate_file(
    file: Path, suite_files: Sequence[str], code: Sequence[str], as_json: bool, pack: Path | None, home: Path
) -> None:
    """Say whether a file would be taken; exit code 2 when it is refused.

    Args:
        code: digests of the code that is accepted; empty takes any.
        pack: public pack of the frames that it must be about, None where that is left to scoring.

    Raises:
        Refusal, UserError: why not; with ``as_json`` a refusal is printed instead.
    """
    suites, frames = known_suites(suite_files), _frames(pack, home)
    try:
        submission = _validated(file, suites, frames, code)
    except Refusal as refusal:
        if not as_json:
            raise
        print(json.dumps({"valid": False, "reason": refusal.reason, "message": str(refusal)}, ensure_ascii=False))
        sys.exit(2)
    if as_json:
        print(json.dumps({"valid": True, "sha256": digest_file(file)} | _summary(submission), ensure_ascii=False))
    else:
        out.print(f"{_in_words(submission)}\nIt would be taken, and scored.", highlight=False, markup=False)


def pack_public(run: Path, file: Path, suite_files: Sequence[str], home: Path) -> None:
    """Write the test frames of a run's spaces without labels, and say what was written."""
    say_pack(write_public_pack(run, file, known_suites(suite_files), recording_opener(home)), file)


def pack_private(run: Path, file: Path, suite_files: Sequence[str], home: Path) -> None:
    """Write the truth about the test frames of a run's spaces, and say what was written."""
    pack = write_private_pack(run, file, known_suites(suite_files), recording_opener(home))
    say_pack(pack, file)
    note.print(
        f"Serves {', '.join(pack.tasks)}. Keep it where scores are made: it holds every label.",
        highlight=False,
        markup=False,
    )


def say_pack(pack: Pack, file: Path) -> None:
    """Print what was written."""
    frames = sum(space.frames for space in pack.spaces)
    what = f"{pack.kind} pack of {pack.suite.name} v{pack.suite.version}: {frames} frames of {len(pack.spaces)} spaces"
    out.print(f"{file}  {file.stat().st_size / 1e6:.1f} MB  {what}", highlight=False, markup=False)


def _frames(pack: Path | None, home: Path) -> FramePack | None:
    return None if pack is None else open_frames(pack, home / "packs")


def _validated(
    file: Path, suites: Mapping[str, Suite], frames: FramePack | None, code: Sequence[str] = ()
) -> Submission:
    accepted = dict.fromkeys(suites, code)
    if frames is None:
        return validate(file, suites, code=accepted)
    return validate_with(frames, file, suites, accepted)


def _summary(submission: Submission) -> dict[str, Any]:
    return {
        "suite": submission.suite.model_dump(mode="json"),
        "model": submission.model,
        "track": submission.track,
        "tasks": sorted({row.task for row in submission.rows}),
        "protocols": sorted({row.protocol for row in submission.rows}),
        "seeds": list(submission.seeds),
        "rows": len(submission.rows),
        "files": sum(len(row.spaces) for row in submission.rows),
        "cost": submission.cost.model_dump(mode="json"),
        "about": submission.about.model_dump(mode="json"),
    }


def _in_words(submission: Submission) -> str:
    said, cost = _summary(submission), submission.cost
    return (
        f"{submission.model} in {submission.suite.name} v{submission.suite.version}, track {submission.track}: "
        f"{', '.join(said['tasks'])}; {', '.join(said['protocols'])}; {len(submission.seeds)} seeds; "
        f"{said['files']} prediction files.\n"
        f"Cost: {cost.parameters / 1e6:.1f} M parameters, pre-training on {cost.frames:,} frames in {cost.steps:,} "
        f"steps, {cost.gpu_seconds:,.0f} s with and {cost.cpu_seconds:,.0f} s without a GPU."
    )
