"""What the numbers of a table rest on, from the rules of its suite."""

from __future__ import annotations

from benchmark.statistics import rests_on
from benchmark.suites import Role, Suite


def evidence_of(suite: Suite, space: str) -> str:
    """Say how many frames, trajectories and spaces are behind each score.

    Args:
        space: the test space; "" for the mean over all of them.
    """
    tested = (space,) if space else suite.test_spaces
    title = "Test space" if len(tested) == 1 else "Test spaces"
    return rests_on(
        {title: _sizes(suite, "test", tested), "Held-out spaces": _sizes(suite, "held_out", suite.held_out)}, ()
    )


def _sizes(suite: Suite, role: Role, spaces: tuple[str, ...]) -> list[tuple[str, int, int]]:
    trajectories, frames_each = suite.recordings[role]["test"]
    return [(space, trajectories, trajectories * frames_each) for space in spaces]
