"""What routers have in common: the links of a request, and the pages that say why there is no other."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from leaderboard.pages.render import problem
from leaderboard.pages.urls import LiveUrls
from leaderboard.store.database import Store


def live_urls(store: Store, request: Request) -> LiveUrls:
    """Return the links of a request: a board that does not know its address takes the one it was asked at."""
    return LiveUrls(store.board.settings.url or str(request.base_url).rstrip("/"))


def missing(store: Store, request: Request, message: str = "There is no such page on this board.") -> HTMLResponse:
    """Return the answer to what is not there."""
    text = problem(live_urls(store, request), store.board.settings, "Not found", message)
    return HTMLResponse(text, status_code=404)


def refused(store: Store, request: Request, message: str) -> HTMLResponse:
    """Return the answer to a question that makes no sense."""
    text = problem(live_urls(store, request), store.board.settings, "That cannot be shown", message)
    return HTMLResponse(text, status_code=400)
