"""Links: at the server they hold the state of a table; in a static site they are relative and lead to their files."""

from __future__ import annotations

import hashlib
import posixpath
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from leaderboard.pages.asking import asked
from leaderboard.pages.assets import assets, served
from leaderboard.pages.urls import LiveUrls, StaticUrls
from leaderboard.standings import TableQuery
from leaderboard.store.orders import ORDERS

_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40).map(str.strip)
_QUERIES = st.builds(
    TableQuery,
    suite=st.sampled_from(["demo", "builtin-v1"]),
    version=st.integers(1, 99),
    task=st.sampled_from(["semseg", "depth"]),
    protocol=st.sampled_from(["frozen", "zero-shot"]),
    space=st.sampled_from(["", "builtin/flat-01", "scan/My.Flat_2"]),
    sort=st.sampled_from(sorted(ORDERS)),
    descending=st.sampled_from([None, True, False]),
    tracks=st.lists(st.sampled_from(["scratch", "adapted", "&=?#", "ü"]), unique=True).map(tuple),
    search=_TEXT,
    team=_TEXT,
    page=st.integers(1, 999_999),
)


@given(_QUERIES)
def test_a_link_of_the_server_holds_all_that_a_table_shows(query: TableQuery) -> None:
    link = urlsplit(LiveUrls().table(query))
    suite, version, task, protocol = link.path.removeprefix("/t/").split("/")
    parameters = QueryParams(parse_qsl(link.query, keep_blank_values=True))
    assert asked(suite, int(version[1:]), task, protocol, parameters) == query


def test_the_first_view_of_a_table_has_the_shortest_link() -> None:
    assert LiveUrls().table(TableQuery("demo", 2, "semseg", "frozen")) == "/t/demo/v2/semseg/frozen"


@given(_QUERIES, _QUERIES)
def test_a_relative_link_leads_from_any_file_of_a_site_to_the_other(here: TableQuery, there: TableQuery) -> None:
    root = StaticUrls()
    file = root.table(here)
    link = root.at(file).table(there)
    assert not link.startswith("/")
    assert posixpath.normpath(posixpath.join(posixpath.dirname(file), link)) == root.table(there)


def test_tables_of_a_mean_and_of_a_space_are_different_files_and_so_are_their_downloads() -> None:
    urls, mean = StaticUrls(), TableQuery("demo", 2, "semseg", "frozen")
    space = TableQuery("demo", 2, "semseg", "frozen", "builtin/flat-01")
    files = [f(query) for query in (mean, space) for f in (urls.table, lambda query: urls.download(query, "csv"))]
    assert len(set(files)) == 4


def test_readers_elsewhere_get_the_address_in_front_where_it_is_known() -> None:
    assert LiveUrls("https://board.example").absolute("/s/ab12") == "https://board.example/s/ab12"
    deep = StaticUrls("t/demo/v2/semseg/frozen/all.html", "https://board.example/lb")
    assert deep.absolute(deep.submission("ab12")) == "https://board.example/lb/s/ab12.html"
    assert StaticUrls("s/ab12.html").absolute("cd34.html") == "cd34.html"


def test_the_digest_in_the_name_of_an_asset_is_that_of_its_content() -> None:
    asset = assets()["board.css"]
    assert hashlib.sha256(asset.content).hexdigest()[:10] in asset.name
    assert served()[asset.name] is asset
    assert LiveUrls().static("board.css") == f"/static/{asset.name}"
