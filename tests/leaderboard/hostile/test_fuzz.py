"""A few of the changes that ``python -m tests.leaderboard.hostile.fuzz`` tries for minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.leaderboard.board_kit import MiniRun
from tests.leaderboard.hostile.archives import good
from tests.leaderboard.hostile.fuzz import CHANGES, attempt


@pytest.mark.parametrize("what", CHANGES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_submission_is_taken_or_refused_for_a_reason(
    what: str, seed: int, submitted: Path, run: MiniRun, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = CHANGES[what](good(submitted), np.random.default_rng(seed))
    attempt(content, run.suites, tmp_path_factory.mktemp("changed"))
