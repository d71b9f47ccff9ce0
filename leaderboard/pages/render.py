"""Templates to HTML. Everything that is put into one is escaped; a name that is missing is an error."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from leaderboard.board import Settings
from leaderboard.pages.tracks import looks
from leaderboard.pages.urls import Urls
from leaderboard.pages.words import compact, day, duration, moment, plural, protocol_title, task_title


def page(template: str, urls: Urls, *, settings: Settings, **context: Any) -> str:
    """Return a page.

    Args:
        template: in the folder ``templates``; pages extend ``base.html``.
        urls: of the place the page is read at.
        settings: of the board; its title is on every page.
    """
    return environment().get_template(template).render(urls=urls, settings=settings, **context)


def problem(urls: Urls, settings: Settings, title: str, message: str) -> str:
    """Return the page that says why there is no other."""
    return page("problem.html", urls, settings=settings, heading=title, message=message)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates, compiled once."""
    made = Environment(
        loader=PackageLoader("leaderboard.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "compact": compact,
        "day": day,
        "duration": duration,
        "iso": datetime.isoformat,
        "moment": moment,
        "plural": plural,
        "protocol_title": protocol_title,
        "task_title": task_title,
    }
    made.globals |= {"looks": looks}
    return made
