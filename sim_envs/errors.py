"""Errors meant for people: one message that says what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class UserError(Exception):
    """Wrong input or a missing file. The CLI prints the message alone and exits with code 2."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """Return the error for a name that is in no table, with the near names first."""
    names = sorted(known)
    same = [known for known in names if _unpadded(known) == _unpadded(name)]
    near = same or difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        advice = f"Did you mean {' or '.join(near)}?"
    elif names:
        shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        advice = f"Known: {shown}."
    else:
        advice = f"No {kind} is known yet."
    return UserError(f"Unknown {kind} '{name}'. {advice}{' ' + hint if hint else ''}")


def _unpadded(name: str) -> str:
    """Return a name without leading zeros and case: flat-1 and flat-01 are one thought."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", name.casefold())
