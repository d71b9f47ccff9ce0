"""A full board to look at, and what every page of it must keep to."""

from __future__ import annotations

from html.parser import HTMLParser

from fastapi import FastAPI
from fastapi.testclient import TestClient

from leaderboard.pages.router import pages_router
from leaderboard.standings import TableQuery
from leaderboard.store.database import Store
from tests.bench.crowded_board import SUITE, VERSION

TABLE = f"/t/{SUITE}/v{VERSION}/semseg/frozen"


def crowd_query(**changes: object) -> TableQuery:
    return TableQuery(SUITE, VERSION, "semseg", "frozen", **changes)  # type: ignore[arg-type]


def reader(store: Store) -> TestClient:
    """Return a reader of a board's pages."""
    app = FastAPI()
    app.include_router(pages_router(store))
    return TestClient(app, raise_server_exceptions=True)


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, and the text of table rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[str] = []
        self.text: list[str] = []
        self._in_body = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tbody":
            self._in_body = True
        if tag == "tr" and self._in_body:
            self.rows.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "tbody":
            self._in_body = False

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._in_body and self.rows:
            self.rows[-1] += data

    def links(self) -> list[str]:
        """Return where its links lead, and what it loads."""
        found = (attributes.get("href") or attributes.get("src") for _, attributes in self.elements)
        return [link for link in found if link is not None]

    def ids(self) -> list[str]:
        """Return the submissions of its table, in order."""
        return [a["data-id"] or "" for tag, a in self.elements if tag == "tr" and "data-id" in a]

    def dots(self) -> list[str]:
        """Return the submissions in its picture."""
        return [a["data-id"] or "" for tag, a in self.elements if tag == "a" and "data-id" in a]
