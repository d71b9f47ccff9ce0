"""Whatever strangers write, in whatever field, is shown as text and does nothing: on every page about submissions."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from benchmark.results import Result
from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.manifest import About
from leaderboard.store.database import open_store
from tests.leaderboard.pages.conftest import client_of
from tests.leaderboard.pages.details_kit import add_board_suite, entry_of, put

SCRIPT = "<script>alert(1)</script>"
BREAKERS = f"\"'></title></select></svg>{SCRIPT}<img src=x onerror=alert(2)>{{{{123*457}}}}&lt;&#60;"
LONG = "W" * 300
RIGHT_TO_LEFT = "שלום עולם مرحبا"
LINK = 'https://example.org/"onmouseover=alert(3)//<b>'
PAGES = ("/s/entry0000", "/s/entry0001", "/s/entry0000/vs/entry0001", "/guide", "/feed.atom")


def hostile(results: tuple[Result, ...], words: str) -> tuple[Result, ...]:
    """Return results whose manifest fields hold a text wherever one may be."""
    entry = {"role": "web", "source": words, "modalities": [words], "frames": 3, "labels": "texts"}
    ledger = {"entries": [entry], "teachers": [{"name": words, "data": [entry]}], "weights": {words: words}}
    changed = []
    for result in results:
        environment = result.environment
        hardware = environment.hardware.model_copy(update={"cpu": words, "gpus": (words,)})
        code = environment.code.model_copy(update={"package": words, "commit": words})
        new = {"hardware": hardware, "code": code, "python": words, "system": words, "libraries": {words: words}}
        fields = {"ledger": ledger, "environment": environment.model_copy(update=new)}
        changed.append(result.model_copy(update=fields))
    return tuple(changed)


@pytest.fixture(scope="module", params=[BREAKERS, LONG, RIGHT_TO_LEFT], ids=["markup", "long", "right to left"])
def hostile_board(
    request: pytest.FixtureRequest, entries: list[Entry], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, TestClient]]:
    words = request.param
    store = open_store(open_board(tmp_path_factory.mktemp("hostile")))
    add_board_suite(store)
    for number in (0, 1):
        about = About(name=words[:98] + str(number), description=words, paper=LINK, code=LINK)
        results = hostile(entries[number].results, words)
        entry = entry_of(results, number, about=about, team=words[:58] + str(number), as_claimed=False)
        put(store, entry, pictures=True, model=words[:120])
    yield words, client_of(store)
    store.engine.dispose()


class Seen(HTMLParser):
    """Collects tags, attributes and text as a browser would take them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", PAGES[:4])
def test_words_are_text_and_nothing_else(hostile_board: tuple[str, TestClient], client: TestClient, path: str) -> None:
    words, of_strangers = hostile_board
    page = of_strangers.get(path)
    assert page.status_code == 200
    seen, usual = Seen(page.text), Seen(client.get(path).text)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
    assert seen.tags.count("script") == usual.tags.count("script")
    assert "56211" not in seen.text
    assert [value for name, value in seen.attributes if name in ("href", "src") and "alert(1)" in value] == []
    if path.startswith("/s/"):
        assert words[:58] in seen.text
        assert page.text.count("</main>") == 1


def test_links_stay_in_their_attribute(hostile_board: tuple[str, TestClient]) -> None:
    seen = Seen(hostile_board[1].get("/s/entry0000").text)
    assert [value for name, value in seen.attributes if name == "href"].count(LINK) == 2


@pytest.mark.parametrize(
    "path", ["/s/{}", "/s/{}/scores.json", "/s/{}/vs/entry0001", "/s/entry0001/vs/{}", "/pictures/{}.png"]
)
@pytest.mark.parametrize(
    "words", [SCRIPT, "' OR 1=1 --", "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "x" * 5000, "{{123*457}}"]
)
def test_addresses_are_looked_up_and_never_repeated(client: TestClient, path: str, words: str) -> None:
    answer = client.get(path.format(words))
    assert answer.status_code == 404
    assert SCRIPT not in answer.text
    assert "56211" not in answer.text
