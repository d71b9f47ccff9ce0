"""Sample predictions as files: only those that a submission lists which everybody may see."""

from __future__ import annotations

import re

from sqlalchemy import String, cast, select

from leaderboard.store.database import Store
from leaderboard.store.listing import visible
from leaderboard.store.tables import Submitted

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PNG = b"\x89PNG\r\n\x1a\n"


def picture(store: Store, sha256: str) -> bytes | None:
    """Return a PNG; None where no submission that is shown lists it."""
    if not _DIGEST.fullmatch(sha256):
        return None
    listed = select(Submitted.id).where(*visible(), cast(Submitted.pictures, String).contains(sha256)).limit(1)
    with store.reading() as session:
        if session.scalar(listed) is None or sha256 not in store.files:
            return None
    content = store.files.read(sha256)
    return content if content.startswith(_PNG) else None
