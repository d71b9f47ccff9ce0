"""Endpoints about single submissions: how they stand, how two compare, and taking one back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import select

from benchmark.results import Score
from leaderboard.answers import Comparisons, ComparisonView, DifferenceView, Submissions, SubmissionView
from leaderboard.describing import submission_view, whole_view
from leaderboard.server.asking import owns, submission_of
from leaderboard.server.auth import Anybody, Submitter
from leaderboard.server.links import Links
from leaderboard.server.problems import Refused, described
from leaderboard.standings.comparison import TableComparison
from leaderboard.store.database import Store
from leaderboard.store.standings import comparison
from leaderboard.store.tables import Submitted
from leaderboard.withdrawal import withdraw
from sim_envs.errors import UserError

MOST = 500
"""Submissions of a team that are listed."""

SubmissionId = Annotated[str, Path(max_length=64, examples=["7w3k9m2c4x8a"])]


def submissions_api(store: Store) -> APIRouter:
    """Return the endpoints under ``/submissions``."""
    router = APIRouter(prefix="/submissions", responses=described(401, 403, 422, 429, 503))

    @router.get("", tags=["submitting"], summary="List your own")
    def own(caller: Submitter, links: Links) -> Submissions:
        """Return your team's submissions, whatever became of them."""
        mine = select(Submitted).where(Submitted.team_id == caller.team.id)
        with store.reading() as session:
            found = session.scalars(mine.order_by(Submitted.received.desc(), Submitted.id).limit(MOST)).all()
        return Submissions(submissions=[submission_view(submitted, links) for submitted in found])

    @router.get("/{submission}", tags=["reading"], responses=described(404), summary="See how one stands")
    def one(submission: SubmissionId, caller: Anybody, links: Links) -> SubmissionView:
        """Return a submission that is scored and shown; with its team's token also before that, and with its log."""
        with store.reading() as session:
            found = submission_of(session, submission, caller)
            return whole_view(session, found, links, with_log=owns(caller, found))

    @router.get(
        "/{submission}/compare/{other}", tags=["reading"], responses=described(404, 409), summary="Compare two, paired"
    )
    def compare(submission: SubmissionId, other: SubmissionId, caller: Anybody) -> Comparisons:
        """Return the first less the second in every table in which both were scored on the same frames."""
        with store.reading() as session:
            for each in (submission, other):
                submission_of(session, each, caller)
            try:
                found = comparison(session, store.files, submission, other)
            except UserError as error:
                raise Refused(409, "not-comparable", str(error)) from None
        return Comparisons(tables=[_comparison_view(each) for each in found])

    @router.delete(
        "/{submission}", tags=["submitting"], status_code=204, responses=described(404), summary="Take it back"
    )
    def take_back(submission: SubmissionId, caller: Submitter) -> None:
        """Show one of your team's submissions to nobody any more; if it waits, it is not scored."""
        with store.reading() as session:
            found = submission_of(session, submission, caller)
        if found.team_id != caller.team.id:
            raise Refused(403, "other-team", f"The submission {found.id} is another team's.")
        withdraw(store, found.id, caller.team.id)

    return router


def _comparison_view(compared: TableComparison) -> ComparisonView:
    return ComparisonView(
        task=compared.task.name,
        protocol=compared.protocol,
        space=compared.space,
        measure=compared.task.measures[0].key,
        words=compared.words,
        differences=[
            DifferenceView(
                role=part.role,
                difference=Score.of(part.difference),
                p_value=part.p_value,
                told_apart=part.told_apart,
            )
            for part in compared.parts
        ],
    )
