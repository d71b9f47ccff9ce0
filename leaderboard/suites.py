"""Which suites are taken: those that come with the package, and a board's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.suites import Suite, load_suite, suite_names
from leaderboard.manifest import SuiteId
from sim_envs.storage import digest_json

FREE = ("summary", "models", "tasks", "protocols", "seeds")
"""Fields of a suite that say which rows there are, not how one is made and scored."""


def known_suites(files: Iterable[str] = ()) -> dict[str, Suite]:
    """Return name → suite.

    Args:
        files: ``.yaml`` files of further suites; one with the name of a built-in suite takes its place.

    Raises:
        UserError: a file is no suite.
    """
    suites = [load_suite(name) for name in (*suite_names(), *files)]
    return {suite.name: suite for suite in suites}


def digest(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that a row's score depends on in a suite, given as JSON."""
    return digest_json({name: value for name, value in fields.items() if name not in FREE})


def identity(suite: Suite) -> SuiteId:
    """Name a suite with its version and digest."""
    return SuiteId(name=suite.name, version=suite.version, digest=digest(suite.model_dump(mode="json")))
