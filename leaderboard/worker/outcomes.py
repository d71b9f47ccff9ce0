"""Write down what came of a submission: all that is shown of it changes in one transaction."""

from __future__ import annotations

from leaderboard.entries import Entry
from leaderboard.standings import place
from leaderboard.store.database import Store
from leaderboard.store.duplicates import shown_with_same_predictions
from leaderboard.store.queue import finish, say
from leaderboard.store.standings import record
from leaderboard.store.tables import Submitted
from leaderboard.worker.messages import PICTURE_BYTES, PICTURES, Refused, Sample, read_within
from leaderboard.worker.supervision import Attempt, Scored

CLAIMS_NAMED = 5


def reject(store: Store, attempt: Attempt, refused: Refused) -> None:
    """End a submission that is not taken; scores that it had are not shown any more.

    Raises:
        LeaseLost: somebody else took it over.
    """
    with store.transaction() as session:
        finish(session, attempt.submission, attempt.worker, "rejected", refused.reason, refused.message)


def publish(store: Store, attempt: Attempt, scored: Scored) -> None:
    """Keep the entry and the pictures, and give the submission its place in the tables; ranks come afterwards.

    Raises:
        LeaseLost: somebody else took it over; then nothing of it is shown.
    """
    with store.reading() as session:
        entry = _entry(session.get_one(Submitted, attempt.submission), scored)
    placed = place(entry)
    kept = store.files.put(entry.as_bytes())
    pictures = [_kept(store, attempt, sample) for sample in scored.samples]
    with store.transaction() as session:
        finish(session, attempt.submission, attempt.worker, "scored")
        submitted = session.get_one(Submitted, attempt.submission)
        submitted.entry, submitted.as_claimed, submitted.pictures = kept, entry.as_claimed, pictures
        say(session, submitted.id, claims_in_words(scored))
        if (other := shown_with_same_predictions(session, submitted)) is not None:
            say(session, submitted.id, f"its predictions are those of {other.id}, which is on the board already")
        record(session, store.files, entry, placed)


def as_claimed(scored: Scored) -> bool | None:
    """Tell whether every score that was claimed is the one that was found; None where a row claims none."""
    if not all(row.scores for row in scored.submission.rows):
        return None
    return not _otherwise(scored)


def claims_in_words(scored: Scored) -> str:
    """Say how the scores compare with those that were claimed, for the log."""
    if otherwise := _otherwise(scored):
        more = f" and {len(otherwise) - CLAIMS_NAMED} more rows" if len(otherwise) > CLAIMS_NAMED else ""
        return f"scores differ from those claimed: {'; '.join(otherwise[:CLAIMS_NAMED])}{more}"
    return "scores are those claimed" if as_claimed(scored) else "no scores were claimed"


def _otherwise(scored: Scored) -> list[str]:
    """Return the rows that claim other scores than were found."""
    pairs = zip(scored.submission.rows, scored.results, strict=True)
    return [row.said for row, result in pairs if row.scores and row.scores != result.scores]


def _entry(submitted: Submitted, scored: Scored) -> Entry:
    submission = scored.submission
    return Entry(
        id=submitted.id,
        team=submitted.team.name,
        submitted=submitted.received,
        scored=scored.when,
        suite=submission.suite,
        custody=scored.suite.custody,
        model=submission.model,
        track=submission.track,
        about=submission.about,
        cost=submission.cost,
        content=submission.content,
        as_claimed=as_claimed(scored),
        results=scored.results,
    )


def _kept(store: Store, attempt: Attempt, sample: Sample) -> dict[str, object]:
    """Keep both pictures of a sample, and return it with their digests."""
    folder = attempt.scratch / PICTURES
    files = {
        name: store.files.put(read_within(folder / getattr(sample, name), PICTURE_BYTES))
        for name in ("rgb", "prediction")
    }
    return sample.model_dump(mode="json") | files
