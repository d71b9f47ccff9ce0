"""Errors meant for people: one message that says what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Wrong input or a missing file. The CLI prints the message alone and exits with code 2."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """Return the error for a name that is in no table, with the near names first."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        advice = f"Did you mean {' or '.join(near)}?"
    elif names:
        shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        advice = f"Known: {shown}."
    else:
        advice = f"No {kind} is known yet."
    return UserError(f"Unknown {kind} '{name}'. {advice}{' ' + hint if hint else ''}")
