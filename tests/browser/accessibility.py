"""What axe-core says of a page."""

from __future__ import annotations

from typing import Any


def violations(page: Any) -> list[str]:
    """Return every rule that a page breaks, with where; what is folded is unfolded first."""
    from axe_playwright_python.sync_playwright import Axe

    for details in page.query_selector_all("details"):
        details.evaluate("element => element.open = true")
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {[node['html'][:200] for node in rule['nodes'][:3]]}"
        for rule in Axe().run(page).response["violations"]
    ]
