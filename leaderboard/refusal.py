"""Why a submission is not taken: every reason has a name, and says what to do about it."""

from __future__ import annotations

from sim_envs.errors import UserError

REFUSALS: dict[str, str] = {
    "archive": "Pack it again with tst-bench submit, and send the file as it is.",
    "size": "Submissions of that size are not taken.",
    "name": "Pack it again with tst-bench submit, and send the file as it is.",
    "manifest": "Pack it again with the tst-bench submit of this version.",
    "text": "Say it in one line of printable text.",
    "suite": "Run one of the suites that are taken, as it is, and submit that.",
    "limited": "Run the suite without --limit and submit that.",
    "unranked": "Submit a model that can be ranked.",
    "oracle": "Rows that learned from labels of the test space are never ranked; submit another model.",
    "track": "Pack it again with tst-bench submit, which computes the track from the ledger.",
    "ledger": "Train on the spaces that the suite gives the model, and submit that run.",
    "rows": "Run what is missing (tst-bench status shows it) and pack it again.",
    "task": "Bring the run to the version of the task that is scored here: tst-bench rescore.",
    "code": "Run it again with a version that is accepted, and submit that; the guide of the board names them.",
    "limits": "Ordinary submissions take a small part of that; pack it again, or ask those who run the board.",
    "digest": "Pack it again with tst-bench submit, and send the file as it is.",
    "frames": "Take the suite's public pack from the board: tst-bench predict RUN_DIR --pack FILE, and submit with it.",
    "predictions": "Predict again with tst-bench run, and pack that.",
}
"""Name of a reason → what to do about it."""


class Refusal(UserError):
    """A submission that is not taken.

    Args:
        reason: a name in :data:`REFUSALS`.
        what: what is wrong and where, as a sentence. It may quote the submission: what a terminal or a log would
            obey instead of show is replaced.
    """

    def __init__(self, reason: str, what: str) -> None:
        shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in what)
        super().__init__(f"Refused ({reason}): {shown} {REFUSALS[reason]}")
        self.reason = reason
