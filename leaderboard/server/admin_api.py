"""Endpoints of those who run the board, for tokens of the scope ``admin``."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from leaderboard.admin import LONGEST_REASON, hide, rescore, show
from leaderboard.answers import SubmissionView
from leaderboard.describing import PageLinks, submission_view
from leaderboard.server.asking import submission_of
from leaderboard.server.auth import Admin, Caller
from leaderboard.server.links import Links
from leaderboard.server.problems import Refused, described
from leaderboard.server.submissions_api import SubmissionId
from leaderboard.store.database import Store
from leaderboard.store.tables import Submitted
from sim_envs.errors import UserError


class Hiding(BaseModel):
    """Why a submission is hidden; its team reads it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"why": "Trained on the test space."}]})

    why: str = Field(min_length=1, max_length=LONGEST_REASON)


def admin_api(store: Store) -> APIRouter:
    """Return the endpoints under ``/admin``."""
    router = APIRouter(prefix="/admin/submissions/{submission}", tags=["running the board"])
    router.responses = described(401, 403, 404, 409, 413, 415, 422, 429, 503)

    def view(submission: str, caller: Caller, links: PageLinks) -> SubmissionView:
        with store.reading() as session:
            return submission_view(submission_of(session, submission, caller), links)

    def known(submission: str, caller: Caller) -> Submitted:
        with store.reading() as session:
            return submission_of(session, submission, caller)

    @router.post("/hide", summary="Show it to nobody but its team")
    def hide_one(submission: SubmissionId, hiding: Hiding, caller: Admin, links: Links) -> SubmissionView:
        """Take a submission out of every table; its team is told why."""
        try:
            hide(store, known(submission, caller).id, hiding.why)
        except UserError as error:
            raise Refused(422, "invalid", str(error)) from None
        return view(submission, caller, links)

    @router.post("/show", summary="Show it again")
    def show_one(submission: SubmissionId, caller: Admin, links: Links) -> SubmissionView:
        """Take back that a submission is hidden."""
        if known(submission, caller).hidden is None:
            raise Refused(409, "not-hidden", f"The submission {submission} is not hidden.")
        show(store, submission)
        return view(submission, caller, links)

    @router.post("/rescore", status_code=202, summary="Score it again")
    def rescore_one(submission: SubmissionId, caller: Admin, links: Links) -> SubmissionView:
        """Have a submission scored once more; it keeps its scores until the new ones are there."""
        rescore(store, [known(submission, caller).id])
        return view(submission, caller, links)

    return router
