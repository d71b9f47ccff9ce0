"""The newest submissions as an Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime, timezone

from sqlalchemy import select

from benchmark.tasks import TASKS
from leaderboard.pages.shown import table_standings
from leaderboard.pages.urls import Urls
from leaderboard.store.database import Store
from leaderboard.store.listing import visible
from leaderboard.store.tables import Standing, Submitted

MEDIA_TYPE = "application/atom+xml"
NEWEST = 50
_ATOM = "http://www.w3.org/2005/Atom"


def feed(store: Store, urls: Urls) -> str:
    """Return the feed: the newest 50 submissions that are shown, the last scored one first."""
    with store.reading() as session:
        ordered = select(Submitted).where(*visible()).order_by(Submitted.finished.desc(), Submitted.id)
        newest = session.scalars(ordered.limit(NEWEST)).all()
        standings = table_standings(session, [submitted.id for submitted in newest])
    ET.register_namespace("", _ATOM)
    root = ET.Element(_named("feed"), {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    home = urls.absolute(urls.home())
    title = store.board.settings.title
    _text(root, "id", _urn(f"board {store.board.settings.url or title}"))
    _text(root, "title", title)
    _text(root, "updated", _stamp(max((s.finished for s in newest if s.finished), default=_BEGINNING)))
    _link(root, "alternate", home, "text/html")
    _link(root, "self", urls.absolute(urls.feed()), MEDIA_TYPE)
    for submitted in newest:
        _entry(root, submitted, standings[submitted.id], urls)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


_BEGINNING = datetime(2026, 1, 1, tzinfo=timezone.utc)  # of a board that has nothing to tell yet; a stamp is demanded


def _entry(root: ET.Element, submitted: Submitted, standings: Sequence[Standing], urls: Urls) -> None:
    entry = ET.SubElement(root, _named("entry"))
    what = f"{submitted.name or submitted.model} by {submitted.team.name}"
    _text(entry, "id", _urn(f"submission {submitted.id}"))
    _text(entry, "title", f"{what} in {submitted.suite} v{submitted.suite_version}")
    _text(entry, "published", _stamp(submitted.received))
    _text(entry, "updated", _stamp(submitted.finished or submitted.received))
    author = ET.SubElement(entry, _named("author"))
    _text(author, "name", submitted.team.name)
    ET.SubElement(entry, _named("category"), {"term": submitted.track or "", "label": f"track {submitted.track}"})
    _link(entry, "alternate", urls.absolute(urls.submission(submitted.id)), "text/html")
    lines = [f"Track {submitted.track}.", *map(_scores, standings), submitted.description or ""]
    _text(entry, "summary", " ".join(filter(None, lines)))


def _scores(standing: Standing) -> str:
    measure = TASKS[standing.task].measures[0]
    places = (
        ("in the test space", standing.test, standing.test_best, standing.test_worst),
        ("in held-out spaces", standing.held_out, standing.held_out_best, standing.held_out_worst),
    )
    said = [
        f"{measure.text(value)}{measure.unit.replace('%', ' %')} {where}{_rank(best, worst)}"
        for where, value, best, worst in places
        if value is not None
    ]
    return f"{standing.task}, {standing.protocol}: {measure.label} {', '.join(said)}." if said else ""


def _rank(best: int | None, worst: int | None) -> str:
    if best is None or worst is None:
        return ""
    return f" (rank {best})" if best == worst else f" (rank {best}–{worst})"


def _urn(name: str) -> str:
    """Return an id that stays when the board moves to another address."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"tst-bench {name}").urn


def _stamp(time: datetime) -> str:
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _named(tag: str) -> str:
    return f"{{{_ATOM}}}{tag}"


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, _named(tag)).text = text


def _link(parent: ET.Element, relation: str, target: str, media_type: str) -> None:
    ET.SubElement(parent, _named("link"), {"rel": relation, "href": target, "type": media_type})
