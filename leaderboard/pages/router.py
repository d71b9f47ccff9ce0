"""The pages at the server: which view answers where, and with what headers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from leaderboard.pages.answers import live_urls, missing, refused
from leaderboard.pages.asking import asked
from leaderboard.pages.assets import served
from leaderboard.pages.detail_router import detail_router
from leaderboard.pages.downloads import DOWNLOADS, table_file
from leaderboard.pages.home import home_page
from leaderboard.pages.kept import Kept
from leaderboard.pages.table import table_page
from leaderboard.store.database import Store
from leaderboard.store.listing import NoSuchTable
from leaderboard.store.suites import board_suite
from sim_envs.errors import UserError

FOR_EVER = "public, max-age=31536000, immutable"


def pages_router(store: Store) -> APIRouter:
    """Return the pages of a board."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    router.include_router(detail_router(store))
    kept = Kept()

    @router.get("/static/{name}")
    def static(name: str, request: Request) -> Response:
        asset = served().get(name)
        if asset is None:
            return missing(store, request)
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": FOR_EVER})

    @router.get("/")
    def home(request: Request) -> HTMLResponse:
        urls = live_urls(store, request)
        return HTMLResponse(kept.page(urls, lambda: home_page(store, urls)))

    @router.get("/t/{suite}/v{version:int}/{task}/{protocol}")
    def table(suite: str, version: int, task: str, protocol: str, request: Request) -> HTMLResponse:
        try:
            query = asked(suite, version, task, protocol, request.query_params)
            urls = live_urls(store, request)
            return HTMLResponse(kept.page((query, urls), lambda: table_page(store, query, urls)))
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

    @router.get("/packs/{suite}/v{version:int}/frames.zip")
    def frames(suite: str, version: int, request: Request) -> Response:
        with store.reading() as session:
            known = suite.isprintable() and version < 2**31  # what databases take
            found = board_suite(session, suite, version) if known else None
        if found is None or found.public_pack is None:
            return missing(store, request, f"There are no public test frames of {suite} v{version} on this board.")
        headers = {"ETag": f'"{found.public_pack}"'}
        name = f"{suite}-v{version}-frames.zip"
        return FileResponse(
            store.files.path(found.public_pack), media_type="application/zip", filename=name, headers=headers
        )

    return router
