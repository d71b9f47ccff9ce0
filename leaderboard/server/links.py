"""The addresses of pages that answers name."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from leaderboard.describing import PageLinks


def page_links(request: Request) -> PageLinks:
    """Return the maker of addresses: under the address in the board's settings, or the one of the request."""
    return PageLinks(request.app.state.url or str(request.base_url))


Links = Annotated[PageLinks, Depends(page_links)]
