"""Pack a finished run: predictions and what they say of themselves go into the archive, nothing else does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from baselines.ledger import Ledger
from benchmark.manifest import PredictionFile, file_name, load_manifest
from benchmark.packed import packed_predictions
from benchmark.results import Result, Role, Score, collect
from benchmark.stages.folder import is_done
from benchmark.suites import Suite
from leaderboard.archive import write_archive
from leaderboard.frames import FramePack
from leaderboard.manifest import MANIFEST, About, Row, SpaceFile, Submission, SuiteId
from leaderboard.refusal import Refusal
from leaderboard.rules import check_rules
from leaderboard.suites import digest
from sim_envs.errors import UserError, unknown
from sim_envs.storage import digest_file


def pack_submission(
    run: Path,
    out: Path,
    suites: Mapping[str, Suite],
    model: str | None = None,
    about: About = About(),
    pack: FramePack | None = None,
) -> Submission:
    """Write the submission of one model of a run; the same run gives the same bytes.

    Args:
        run: folder of a run, or of all runs of a suite.
        suites: name → suite that is taken.
        model: needed where the run has several.
        pack: the frames whose predictions are packed, as ``tst-bench predict`` made them; None for those of the run.

    Raises:
        UserError: no results there, several models and none is named, or predictions that are gone or were changed.
        Refusal: the run could not be ranked, and why.
    """
    results = _of_model(collect(run), model, run)
    rows: list[Row] = []
    sources: dict[str, Path] = {}
    for result in sorted(results, key=lambda r: (r.task, r.protocol, r.test_space, r.seed)):
        row, paths = _row(result) if pack is None else _row_of_pack(result, pack)
        rows.append(row)
        sources |= paths
    if twice := next((a for a, b in pairwise(rows) if a.folder == b.folder), None):
        raise UserError(f"{run} holds two results for {twice.said}. Name the folder of one suite's runs.")
    fields = results[0].configuration["suite"]
    suite = SuiteId(name=fields["name"], version=fields["version"], digest=_one_suite(results, run))
    if pack is not None:
        pack.check_suite(suite, str(run))
    submission = Submission(
        suite=suite,
        model=results[0].model,
        track=rows[0].ledger.track.value,
        seeds=tuple(sorted({row.seed for row in rows})),
        about=about,
        rows=tuple(rows),
    )
    check_rules(submission, suites)
    files = [(name, sources[name]) for name, _, _ in submission.files()]
    write_archive(out, [(MANIFEST, submission.as_bytes()), *files])
    return submission


def _of_model(results: Iterable[Result], model: str | None, run: Path) -> list[Result]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.model, []).append(result)
    if model is None:
        if len(found) > 1:
            raise UserError(f"{run} has {', '.join(sorted(found))}: a submission is about one. Name it with --model.")
        return next(iter(found.values()))
    if model not in found:
        raise unknown("model", model, found, f"These have results in {run}.")
    return found[model]


def _one_suite(results: Iterable[Result], run: Path) -> str:
    digests = {digest(result.configuration["suite"]) for result in results}
    if len(digests) > 1:
        raise Refusal("suite", f"results under {run} are of several suites, or of one with several budgets.")
    return digests.pop()


def _row(result: Result) -> tuple[Row, dict[str, Path]]:
    """Return a row with the predictions and scores of its run, and name in the archive → file."""
    folder = result.file(result.prediction_folder)
    if folder is None:
        raise UserError(f"The predictions of {result.file_stem} are not there any more. Run the model again.")
    described = {file.space: file for file in load_manifest(folder).spaces}
    files = []
    for part in result.spaces:
        file = described.get(part.space)
        if file is None or file.sha256 != part.predictions:
            raise _changed(folder, part.space)
        files.append(_space_file(part.role, file, folder))
    return _row_of(result, files, result.scores, folder)


def _row_of_pack(result: Result, pack: FramePack) -> tuple[Row, dict[str, Path]]:
    """Return a row with predictions about a pack, which claims no scores, and name in the archive → file."""
    folder = packed_predictions(result, pack.spaces)
    if not is_done(folder):
        raise UserError(
            f"{result.file_stem} has not predicted the frames of {pack.path} yet: tst-bench predict RUN_DIR --pack "
            f"{pack.path}"
        )
    described = {file.space: file for file in load_manifest(folder).spaces}
    files = [_space_file(part.role, described[part.space], folder) for part in result.spaces]
    return _row_of(result, files, {}, folder)


def _row_of(
    result: Result, files: Sequence[SpaceFile], scores: dict[str, dict[str, Score]], folder: Path
) -> tuple[Row, dict[str, Path]]:
    row = Row(
        test_space=result.test_space,
        task=result.task,
        task_version=result.task_version,
        protocol=result.protocol,
        seed=result.seed,
        flags=result.flags,
        ledger=Ledger.model_validate(result.ledger),
        environment=result.environment,
        compute=result.compute,
        scores=scores,
        spaces=tuple(files),
    )
    return row, {row.path(file.space): folder / file_name(file.space) for file in files}


def _space_file(role: Role, file: PredictionFile, folder: Path) -> SpaceFile:
    if digest_file(folder / file.file) != file.sha256:
        raise _changed(folder, file.space)
    return SpaceFile(
        space=file.space,
        role=role,
        recording=file.recording,
        frames=file.frames,
        height=file.height,
        width=file.width,
        size=(folder / file.file).stat().st_size,
        sha256=file.sha256,
    )


def _changed(folder: Path, space: str) -> UserError:
    return UserError(f"{folder} does not hold the predictions for {space} that were made there. Run the model again.")
