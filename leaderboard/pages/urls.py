"""Where every page is: at the server, or in the folder of a static site. Templates and views ask here for each link."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import Literal, Protocol
from urllib.parse import quote, urlencode

from leaderboard.pages.assets import assets
from leaderboard.standings import TableQuery

Download = Literal["csv", "json", "parquet"]


class Urls(Protocol):
    """Where every page is.

    Attributes:
        live: whether a server answers: it sorts, filters and takes submissions. A static site does what is left.
    """

    @property
    def live(self) -> bool: ...

    def home(self) -> str: ...
    def table(self, query: TableQuery) -> str: ...
    def download(self, query: TableQuery, kind: Download) -> str: ...
    def submission(self, submission: str) -> str: ...
    def scores(self, submission: str) -> str: ...
    def comparison(self, first: str, second: str) -> str: ...
    def compare(self, submission: str) -> str: ...
    def guide(self) -> str: ...
    def submit(self) -> str: ...
    def status(self) -> str: ...
    def feed(self) -> str: ...
    def picture(self, sha256: str) -> str: ...
    def pack(self, suite: str, version: int) -> str: ...
    def docs(self) -> str: ...

    def static(self, name: str) -> str:
        """Return where an asset is, by its name in the folder."""

    def absolute(self, link: str) -> str:
        """Return one of these links for readers elsewhere; as it is where the board does not know its own address."""


@dataclass(frozen=True)
class LiveUrls:
    """Links of the server; what a table shows stands in the query.

    Attributes:
        base: ``https://board.example``, before what is read elsewhere.
    """

    base: str = ""
    live = True

    def home(self) -> str:
        return "/"

    def table(self, query: TableQuery) -> str:
        return _with(f"/{_folder(query)}", _parameters(query, paged=True))

    def download(self, query: TableQuery, kind: Download) -> str:
        return _with(f"/{_folder(query)}/scores.{kind}", _parameters(query, paged=False))

    def submission(self, submission: str) -> str:
        return f"/s/{quote(submission)}"

    def scores(self, submission: str) -> str:
        return f"/s/{quote(submission)}/scores.json"

    def comparison(self, first: str, second: str) -> str:
        return f"/s/{quote(first)}/vs/{quote(second)}"

    def compare(self, submission: str) -> str:
        return f"/s/{quote(submission)}/vs"

    def guide(self) -> str:
        return "/guide"

    def submit(self) -> str:
        return "/submit"

    def status(self) -> str:
        return "/submit/status"

    def feed(self) -> str:
        return "/feed.atom"

    def picture(self, sha256: str) -> str:
        return f"/pictures/{quote(sha256)}.png"

    def pack(self, suite: str, version: int) -> str:
        return f"/packs/{quote(suite)}/v{version}/frames.zip"

    def docs(self) -> str:
        return "/docs"

    def static(self, name: str) -> str:
        return f"/static/{assets()[name].name}"

    def absolute(self, link: str) -> str:
        return self.base + link


@dataclass(frozen=True)
class StaticUrls:
    """Links between the files of a site, relative, so that it can lie anywhere, also on a disk.

    ``StaticUrls().table(query)`` is the file that a table is written to, below the site's folder.

    Attributes:
        here: the file that the links stand in, below the site's folder.
        base: where the site will be, as in :class:`LiveUrls`.
    """

    here: str = "index.html"
    base: str = ""
    live = False

    def at(self, here: str) -> StaticUrls:
        """Return the same links as they are written in another file."""
        return replace(self, here=here)

    def home(self) -> str:
        return self._to("index.html")

    def table(self, query: TableQuery) -> str:
        return self._to(
            f"{_folder(query)}/in/{quote(query.space)}.html" if query.space else f"{_folder(query)}/all.html"
        )

    def download(self, query: TableQuery, kind: Download) -> str:
        name = f"in/{quote(query.space)}" if query.space else "all"
        return self._to(f"{_folder(query)}/{name}.{kind}")

    def submission(self, submission: str) -> str:
        return self._to(f"s/{quote(submission)}.html")

    def scores(self, submission: str) -> str:
        return self._to(f"s/{quote(submission)}.json")

    def comparison(self, first: str, second: str) -> str:
        return self._to(f"s/{quote(first)}/vs/{quote(second)}.html")

    def compare(self, submission: str) -> str:
        return self.submission(submission)

    def guide(self) -> str:
        return self._to("guide.html")

    def submit(self) -> str:
        return self.guide()

    def status(self) -> str:
        return self.guide()

    def feed(self) -> str:
        return self._to("feed.atom")

    def picture(self, sha256: str) -> str:
        return self._to(f"pictures/{quote(sha256)}.png")

    def pack(self, suite: str, version: int) -> str:
        return self._to(f"packs/{quote(suite)}/v{version}/frames.zip")

    def docs(self) -> str:
        return self.guide()

    def static(self, name: str) -> str:
        return self._to(f"static/{assets()[name].name}")

    def absolute(self, link: str) -> str:
        if not self.base:
            return link
        return f"{self.base}/{posixpath.normpath(posixpath.join(posixpath.dirname(self.here), link))}"

    def _to(self, file: str) -> str:
        return posixpath.relpath(file, posixpath.dirname(self.here) or ".")


def _folder(query: TableQuery) -> str:
    return "/".join(("t", quote(query.suite), f"v{query.version}", quote(query.task), quote(query.protocol)))


def _parameters(query: TableQuery, paged: bool) -> list[tuple[str, str]]:
    """Return what differs from a table's first view."""
    found = [("space", query.space)] if query.space else []
    if query.sort != "test" or query.descending is not None:
        found.append(("sort", query.sort))
    if query.descending is not None:
        found.append(("order", "descending" if query.descending else "ascending"))
    found += [("track", track) for track in query.tracks]
    found += [(name, value) for name, value in (("q", query.search), ("team", query.team)) if value]
    if paged and query.page > 1:
        found.append(("page", str(query.page)))
    return found


def _with(path: str, parameters: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path
