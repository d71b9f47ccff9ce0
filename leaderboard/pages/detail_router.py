"""Routes of the pages about single submissions, the guide, the feed and the form."""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from leaderboard.pages.answers import live_urls, missing
from leaderboard.pages.comparison import comparison_page
from leaderboard.pages.feed import MEDIA_TYPE, feed
from leaderboard.pages.form_body import FormReader
from leaderboard.pages.guide import guide_page
from leaderboard.pages.kept import Kept
from leaderboard.pages.pictures import picture
from leaderboard.pages.sending import (
    STATUSES,
    NotFromHere,
    form_page,
    from_elsewhere,
    progress_of,
    status_page,
    take_in,
    team_of,
)
from leaderboard.pages.submission import scores_json, submission_page
from leaderboard.pages.urls import LiveUrls
from leaderboard.store.database import Store
from sim_envs.errors import UserError

PRIVATE = {"Cache-Control": "no-store"}
PICTURES = {"Cache-Control": "public, max-age=3600"}
"""A picture never changes, but its submission may be hidden."""

DRAINED_BYTES = 16 << 20
"""Of a form that is refused, so that a browser listens to why; one that is larger finds the connection closed."""

_ID = re.compile(r"[0-9a-z]{4,32}")


def known(submission: str) -> str:
    """Return an id as it is, and "", which nothing has, for what cannot be one."""
    return submission if _ID.fullmatch(submission) else ""


def detail_router(store: Store) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    kept = Kept()

    @router.get("/s/{submission}")
    def one(submission: str, request: Request) -> Response:
        status, text = submission_page(store, known(submission), live_urls(store, request))
        return HTMLResponse(text, status)

    @router.get("/s/{submission}/scores.json")
    def scores(submission: str, request: Request) -> Response:
        found = scores_json(store, known(submission), live_urls(store, request))
        return Response(found, media_type="application/json") if found else one(submission, request)

    @router.get("/s/{submission}/vs")
    def choose(submission: str, request: Request, other: str = "") -> Response:
        urls = live_urls(store, request)
        first, second = known(submission), known(other)
        return RedirectResponse(urls.comparison(first, second) if second else urls.submission(first), 303)

    @router.get("/s/{first}/vs/{second}")
    def two(first: str, second: str, request: Request) -> Response:
        status, text = comparison_page(store, known(first), known(second), live_urls(store, request))
        return HTMLResponse(text, status)

    @router.get("/guide")
    def guide(request: Request) -> Response:
        urls = live_urls(store, request)
        return HTMLResponse(kept.page(("guide", urls.base), lambda: guide_page(store, urls)))

    @router.get("/feed.atom")
    def atom(request: Request) -> Response:
        urls = live_urls(store, request)
        return Response(kept.page(("feed", urls.base), lambda: feed(store, urls)), media_type=MEDIA_TYPE)

    @router.get("/pictures/{name}.png")
    def png(name: str, request: Request) -> Response:
        content = picture(store, name)
        if content is None:
            return missing(store, request, "There is no such picture on this board.")
        return Response(content, media_type="image/png", headers=PICTURES)

    @router.get("/submit")
    def form(request: Request) -> Response:
        return HTMLResponse(form_page(store, live_urls(store, request)), headers=PRIVATE)

    @router.post("/submit")
    async def submit(request: Request) -> Response:
        urls = live_urls(store, request)
        store.board.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store.board.scratch) as file:
            try:
                refuse_other_sites(request)
                reader = FormReader(
                    request.headers.get("content-type", ""),
                    file,
                    store.board.settings.archive_bytes,
                    lambda token: team_of(store, token),
                )
                await reader.read(request.stream())
                team = await run_in_threadpool(team_of, store, reader.fields["token"])
                submitted = await run_in_threadpool(take_in, store, team, file, reader.size)
                progress = await run_in_threadpool(progress_of, store, urls, submitted.id, reader.fields["token"])
            except UserError as error:
                await drain(request)
                return refused(error, urls)
        return HTMLResponse(status_page(store, urls, progress), 202, headers=PRIVATE)

    @router.get("/submit/status")
    def ask(request: Request) -> Response:
        return RedirectResponse(f"{live_urls(store, request).submit()}#status", 303)

    @router.post("/submit/status")
    async def status(request: Request) -> Response:
        urls = live_urls(store, request)
        fields: dict[str, str] = {}
        try:
            refuse_other_sites(request)
            form = await request.form(max_files=0, max_fields=4, max_part_size=1024)
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            id, token = known(fields.get("submission", "").strip()), fields.get("token", "").strip()
            progress = await run_in_threadpool(progress_of, store, urls, id, token)
        except UserError as error:
            return refused(error, urls, known(fields.get("submission", "")))
        return HTMLResponse(status_page(store, urls, progress), headers=PRIVATE)

    async def drain(request: Request) -> None:
        left = DRAINED_BYTES
        with suppress(ClientDisconnect, RuntimeError):  # it may be read to its end already
            async for block in request.stream():
                left -= len(block)
                if left < 0:
                    return

    def refuse_other_sites(request: Request) -> None:
        addresses = (store.board.settings.url, f"//{request.headers.get('host', '')}")
        headers = request.headers
        if from_elsewhere(headers.get("origin"), headers.get("sec-fetch-site"), addresses):
            raise NotFromHere("This form was sent by the page of another site. Use the form of this board.")

    def refused(error: UserError, urls: LiveUrls, submission: str = "") -> Response:
        status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 400)
        return HTMLResponse(form_page(store, urls, str(error), submission), status, headers=PRIVATE)

    return router
