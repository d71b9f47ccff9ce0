"""The application: every endpoint and page, and what stands in front of them.

A request passes, from outside in: security headers, HEAD, the limits on bodies, the look-up of its token with the
rate limits, then its endpoint. Endpoints are plain functions in a pool of threads that has no more threads than the
database has connections.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
from fastapi import APIRouter, FastAPI

from leaderboard.pages.answers import missing
from leaderboard.pages.router import pages_router
from leaderboard.server.admin_api import admin_api
from leaderboard.server.auth import Identify
from leaderboard.server.bodies import Bodies
from leaderboard.server.docs import docs_router
from leaderboard.server.headers import HeadAsGet, SecurityHeaders
from leaderboard.server.problems import Problem, add_problems
from leaderboard.server.submissions_api import submissions_api
from leaderboard.server.tables_api import tables_api
from leaderboard.server.uploads_api import uploads_api
from leaderboard.store.database import Store
from leaderboard.uploads import give_up

API = "/api/v1"
THREADS = 15  # SQLAlchemy's pool: 5 connections, and 10 more when they are needed

_DESCRIPTION = """
Submit predictions, read what they scored.

Reading is open. Writing needs a token: `Authorization: Bearer tstb_…`. Whatever goes wrong is answered with
`application/problem+json`: `error` is a name for programs, `message` says what to do. Whoever asks too often, or whose
team has submitted all it may today, gets 429 with `Retry-After`.

To submit: announce the file (`POST /uploads`), send it in pieces (`PATCH`, each at the offset that the last answer
named), then `POST …/finish`, which answers with the id of the submission. After a broken connection `GET` the upload
and go on at its offset. `tst-bench submit` does all of it.
"""


def create_app(store: Store) -> FastAPI:
    """Return the board as an application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await anyio.to_thread.run_sync(give_up, store)
        yield

    app = FastAPI(
        title=store.board.settings.title,
        description=_DESCRIPTION,
        version=version("tst-bench"),
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.url = store.board.settings.url
    api = APIRouter(prefix=API, responses={422: {"model": Problem}})
    for part in (tables_api, submissions_api, uploads_api, admin_api):
        api.include_router(part(store))
    app.include_router(api)
    app.include_router(docs_router(store))
    app.include_router(pages_router(store))
    add_problems(app, lambda request: missing(store, request))
    app.add_middleware(Identify, store=store)  # the last one added is the outermost
    app.add_middleware(Bodies, settings=store.board.settings)
    app.add_middleware(HeadAsGet)
    app.add_middleware(SecurityHeaders)
    return app
