"""Endpoints that anybody may read: suites, tables, and their rows as JSON, CSV and Parquet."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from leaderboard.answers import Suites, Tables, TableView
from leaderboard.describing import suite_view
from leaderboard.server.asking import Asked
from leaderboard.server.auth import Anybody
from leaderboard.server.links import Links
from leaderboard.server.problems import described
from leaderboard.standings.records import csv_text, parquet_bytes
from leaderboard.store.database import Store
from leaderboard.store.listing import table, tables, whole_table
from leaderboard.store.tables import BoardSuite

CSV, PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"


def tables_api(store: Store) -> APIRouter:
    """Return the endpoints of suites and tables."""
    router = APIRouter(tags=["reading"], responses=described(401, 422, 429, 503))
    missing = described(404)
    as_csv, as_parquet = missing | _file(CSV), missing | _file(PARQUET)

    @router.get("/suites", summary="List suites")
    def suites(_: Anybody, links: Links) -> Suites:
        """Return what is and was taken, with who has the labels and where the frames are."""
        with store.reading() as session:
            found = session.scalars(select(BoardSuite).order_by(BoardSuite.name, BoardSuite.version.desc())).all()
        return Suites(suites=[suite_view(suite, links) for suite in found])

    @router.get("/tables", summary="List tables")
    def every_table(_: Anybody) -> Tables:
        """Return every table that has rows, with its protocols and test spaces."""
        with store.reading() as session:
            return Tables(tables=tables(session))

    @router.get("/scores", responses=missing, response_model=TableView, summary="Read a table")
    def scores(query: Asked, _: Anybody, request: Request) -> Response:
        """Return a page of a table: scores with 95 % intervals, the ranks that they leave open, cost."""
        with store.reading() as session:
            page = table(session, query)
        view = TableView(
            suite=query.suite,
            version=query.version,
            task=query.task,
            protocol=query.protocol,
            space=query.space,
            custody=page.custody,
            measures=[measure.key for measure in page.measures],
            protocols=list(page.protocols),
            spaces=list(page.spaces),
            tracks=dict(page.tracks),
            total=page.total,
            page=query.page,
            pages=page.pages,
            descending=page.descending,
            rows=list(page.rows),
        )
        return _tagged(request, view.model_dump_json().encode(), "application/json")

    @router.get("/scores.csv", responses=as_csv, response_class=Response, summary="Read a table as CSV")
    def scores_csv(query: Asked, _: Anybody, request: Request) -> Response:
        """Return all rows that match, a record for each measure and role."""
        with store.reading() as session:
            return _tagged(request, csv_text(whole_table(session, query)).encode(), CSV)

    @router.get("/scores.parquet", responses=as_parquet, response_class=Response, summary="Read a table as Parquet")
    def scores_parquet(query: Asked, _: Anybody, request: Request) -> Response:
        """Return all rows that match, a record for each measure and role, typed."""
        with store.reading() as session:
            return _tagged(request, parquet_bytes(whole_table(session, query)), PARQUET)

    return router


def _file(media_type: str) -> dict[int | str, dict[str, object]]:
    kind = media_type.partition(";")[0]
    return {200: {"description": "The file.", "content": {kind: {"schema": {"type": "string", "format": "binary"}}}}}


def _tagged(request: Request, content: bytes, media_type: str) -> Response:
    """Return a content, or that it has not changed since the client read it."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if tag in [known.strip() for known in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(content, media_type=media_type, headers={"ETag": tag})
