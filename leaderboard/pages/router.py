"""The pages at the server: which view answers where, and with what headers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from leaderboard.pages.answers import live_urls, missing, refused
from leaderboard.pages.asking import asked
from leaderboard.pages.assets import served
from leaderboard.pages.detail_router import detail_router
from leaderboard.pages.downloads import DOWNLOADS, table_file
from leaderboard.pages.home import home_page
from leaderboard.pages.table import table_page
from leaderboard.store.database import Store
from leaderboard.store.listing import NoSuchTable
from sim_envs.errors import UserError

FOR_EVER = "public, max-age=31536000, immutable"


def pages_router(store: Store) -> APIRouter:
    """Return the pages of a board."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    router.include_router(detail_router(store))

    @router.get("/static/{name}")
    def static(name: str, request: Request) -> Response:
        asset = served().get(name)
        if asset is None:
            return missing(store, request)
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": FOR_EVER})

    @router.get("/")
    def home(request: Request) -> HTMLResponse:
        return HTMLResponse(home_page(store, live_urls(store, request)))

    @router.get("/t/{suite}/v{version:int}/{task}/{protocol}")
    def table(suite: str, version: int, task: str, protocol: str, request: Request) -> HTMLResponse:
        try:
            query = asked(suite, version, task, protocol, request.query_params)
            return HTMLResponse(table_page(store, query, live_urls(store, request)))
        except NoSuchTable as error:
            return missing(store, request, str(error))
        except UserError as error:
            return refused(store, request, str(error))

    @router.get("/t/{suite}/v{version:int}/{task}/{protocol}/scores.{kind}")
    def scores(suite: str, version: int, task: str, protocol: str, kind: str, request: Request) -> Response:
        if kind not in DOWNLOADS:
            return missing(store, request)
        try:
            query = asked(suite, version, task, protocol, request.query_params)
            content = table_file(store, query, kind)
        except NoSuchTable as error:
            return missing(store, request, str(error))
        except UserError as error:
            return refused(store, request, str(error))
        name = f"{suite}-v{version}-{task}-{protocol}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=DOWNLOADS[kind].media_type, headers=headers)

    return router
