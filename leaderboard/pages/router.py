"""The pages at the server: which view answers where, and with what headers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from leaderboard.pages.assets import served
from leaderboard.pages.render import problem
from leaderboard.pages.urls import LiveUrls
from leaderboard.store.database import Store

FOR_EVER = "public, max-age=31536000, immutable"


def pages_router(store: Store) -> APIRouter:
    """Return the pages of a board."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/static/{name}")
    @router.head("/static/{name}")
    def static(name: str, request: Request) -> Response:
        asset = served().get(name)
        if asset is None:
            return missing(store, request)
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": FOR_EVER})

    return router


def live_urls(store: Store, request: Request) -> LiveUrls:
    """Return the links of a request: a board that does not know its address takes the one it was asked at."""
    return LiveUrls(store.board.settings.url or str(request.base_url).rstrip("/"))


def missing(store: Store, request: Request, message: str = "There is no such page on this board.") -> HTMLResponse:
    """Return the answer to what is not there."""
    text = problem(live_urls(store, request), store.board.settings, "Not found", message)
    return HTMLResponse(text, status_code=404)
