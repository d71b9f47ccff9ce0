"""A limit that was hit is recognised whatever was made of the error on its way up."""

from __future__ import annotations

import errno
import os

import pytest

from leaderboard.refusal import Refusal
from leaderboard.worker.child import _exceeded


def refused_because_of(cause: Exception) -> Refusal:
    try:
        try:
            raise cause
        except Exception as error:
            raise ValueError(f"cannot be read: {error}") from None
    except ValueError as error:
        refusal = Refusal("predictions", str(error))
        refusal.__context__ = error
        return refusal


@pytest.mark.parametrize(
    ("cause", "limit"),
    [
        (MemoryError(), "memory"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "memory"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "disk"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), None),  # the board's disk is full, which is no limit
        (KeyError("values"), None),
    ],
)
def test_a_refusal_that_a_limit_is_behind_names_the_limit(cause: Exception, limit: str | None) -> None:
    assert _exceeded(refused_because_of(cause)) == limit
