"""Answers that say what went wrong (RFC 9457, problem details): a name for programs, a text for people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from leaderboard import uploads
from leaderboard.refusal import Refusal
from leaderboard.store.listing import NoSuchTable
from leaderboard.store.queue import now
from leaderboard.store.quotas import QuotaSpent

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why a request was not done.

    Attributes:
        error: the name of the reason, the same every time.
        message: what was wrong and what to do.
        offset: where an upload stands, when the request believed it to be elsewhere.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"error": "not-found", "message": "No such upload."}]})

    type: str = Field("about:blank", description="As RFC 9457 has it.")
    title: str
    status: int
    error: str
    message: str
    offset: int | None = None


class Refused(Exception):
    """A request that is not done, and the answer to it."""

    def __init__(self, status: int, error: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.headers = status, error, message, headers


NAMES: dict[type[Exception], tuple[int, str]] = {
    uploads.NoSuchUpload: (404, "not-found"),
    uploads.NotYours: (403, "other-team"),
    uploads.TooLarge: (413, "too-large"),
    uploads.WrongOffset: (409, "offset"),
    uploads.UploadRefused: (422, "refused"),
    uploads.AlreadySubmitted: (409, "already-submitted"),
    uploads.TooManyUploads: (429, "too-many-uploads"),
    uploads.NoRoom: (507, "no-room"),
    QuotaSpent: (429, "quota"),
    NoSuchTable: (404, "no-such-table"),
    Refusal: (422, "refused"),
}
"""Exception → status and name of what is answered. Of no other exception is any word given out."""

_STATUSES = {
    400: ("invalid", "The request cannot be read."),
    404: ("not-found", "There is nothing at that address."),
    405: ("method-not-allowed", "That cannot be done with what is at that address."),
}


def answer(
    status: int, error: str, message: str, headers: Mapping[str, str] | None = None, offset: int | None = None
) -> Response:
    """Return the answer that describes a problem."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, error=error, message=message, offset=offset)
    content = problem.model_dump_json(exclude_none=True)
    return Response(content, status, dict(headers or {}), media_type=MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Say for OpenAPI that these statuses are answered with a problem."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in statuses}


def add_problems(app: FastAPI, no_page: Callable[[Request], Response]) -> None:
    """Answer every exception of an app with a problem, and none with a traceback.

    Args:
        no_page: answers people who ask for a page that is not there.
    """

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404 and not request.url.path.startswith("/api/"):
            return no_page(request)
        name, text = _STATUSES.get(error.status_code, ("refused", str(error.detail)))
        return answer(error.status_code, name, text, error.headers)

    for kind in NAMES:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PoolTimeout, _busy)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(Exception, _unexpected)


def _known(_: Request, error: Exception) -> Response:
    status, name = next(NAMES[kind] for kind in type(error).__mro__ if kind in NAMES)
    headers = {}
    if isinstance(error, QuotaSpent):
        headers["Retry-After"] = str(max(1, int((error.again - now()).total_seconds()) + 1))
    return answer(status, name, str(error), headers, getattr(error, "offset", None))


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return answer(error.status, error.error, error.message, error.headers)


def _invalid(_: Request, error: Exception) -> Response:
    """Name the field and the rule, never the value, which is a stranger's."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part)[:60] for part in first["loc"][:6])
    return answer(422, "invalid", f"{where}: {str(first['msg'])[:200]}.")


def _busy(request: Request, error: Exception) -> Response:
    _log.warning("%s %s: the database refuses: %s", request.method, request.url.path, str(error).splitlines()[0])
    return answer(503, "busy", "The board has too much to do at the moment. Try again.", {"Retry-After": "2"})


def _unexpected(*_: Any) -> Response:
    return answer(500, "internal", "The board made a mistake; those who run it find it in its log. Try again later.")
