"""The page that describes the API, made from its OpenAPI document: no script from elsewhere, and none at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from leaderboard.pages.answers import live_urls
from leaderboard.pages.render import page
from leaderboard.store.database import Store


@dataclass(frozen=True)
class Parameter:
    """What an operation is told in its address or headers."""

    name: str
    place: str
    required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    """One thing that can be done. ``body``: media type of what is sent, "" for nothing."""

    method: str
    path: str
    tag: str
    summary: str
    description: str
    with_token: bool
    parameters: tuple[Parameter, ...]
    body: str
    statuses: tuple[str, ...]


def docs_router(store: Store) -> APIRouter:
    """Return the page ``/docs``."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    def docs(request: Request) -> HTMLResponse:
        document = request.app.openapi()
        found = _operations(document)
        context = {
            "introduction": [part.replace("\n", " ") for part in document["info"]["description"].strip().split("\n\n")],
            "document": request.app.openapi_url,
            "groups": {tag: [one for one in found if one.tag == tag] for tag in dict.fromkeys(o.tag for o in found)},
        }
        return HTMLResponse(page("docs.html", live_urls(store, request), settings=store.board.settings, **context))

    return router


def _operations(document: Mapping[str, Any]) -> list[Operation]:
    return [
        _operation(method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def _operation(method: str, path: str, described: Mapping[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        tag=described["tags"][0],
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        with_token="security" in described,
        parameters=tuple(
            Parameter(each["name"], each["in"], each.get("required", False), each.get("description", ""))
            for each in described.get("parameters", ())
        ),
        body=next(iter(described.get("requestBody", {}).get("content", {})), ""),
        statuses=tuple(sorted(described["responses"])),
    )
