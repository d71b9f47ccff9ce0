"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "rankings",
        sa.Column("suite", sa.String(length=64), nullable=False),
        sa.Column("suite_version", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=64), nullable=False),
        sa.Column("space", sa.String(length=141), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("scored_on", sa.String(length=64), nullable=False),
        sa.Column("ranked", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("suite", "suite_version", "task", "protocol", "space", name=op.f("rankings_pk")),
    )
    op.create_table(
        "suites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rules", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("custody", sa.String(length=16), nullable=False),
        sa.Column("private_pack", sa.String(length=64), nullable=False),
        sa.Column("public_pack", sa.String(length=64), nullable=True),
        sa.Column("code", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("added", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("suites_pk")),
        sa.UniqueConstraint("name", "version", name=op.f("suites_name_version_unique")),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("teams_pk")),
        sa.UniqueConstraint("key", name=op.f("teams_key_unique")),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("lease", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suite", sa.String(length=64), nullable=True),
        sa.Column("suite_version", sa.Integer(), nullable=True),
        sa.Column("model", sa.String(length=128), nullable=True),
        sa.Column("track", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("paper", sa.String(length=300), nullable=True),
        sa.Column("code", sa.String(length=300), nullable=True),
        sa.Column("seeds", sa.Integer(), nullable=True),
        sa.Column("content", sa.String(length=64), nullable=True),
        sa.Column("as_claimed", sa.Boolean(), nullable=True),
        sa.Column("parameters", sa.BigInteger(), nullable=True),
        sa.Column("frames", sa.BigInteger(), nullable=True),
        sa.Column("steps", sa.BigInteger(), nullable=True),
        sa.Column("gpu_seconds", sa.Double(), nullable=True),
        sa.Column("cpu_seconds", sa.Double(), nullable=True),
        sa.Column("entry", sa.String(length=64), nullable=True),
        sa.Column("pictures", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("hidden", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("submissions_team_id_of_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("submissions_pk")),
        sa.UniqueConstraint("sha256", name=op.f("submissions_sha256_unique")),
    )
    with op.batch_alter_table("submissions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("submissions_content"), ["content"], unique=False)
        batch_op.create_index("submissions_suite", ["suite", "suite_version", "status", "hidden"], unique=False)
        batch_op.create_index(batch_op.f("submissions_team_id"), ["team_id"], unique=False)
        batch_op.create_index("submissions_waiting", ["status", "received"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("start", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("tokens_team_id_of_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("tokens_pk")),
        sa.UniqueConstraint("digest", name=op.f("tokens_digest_unique")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("tokens_team_id"), ["team_id"], unique=False)

    op.create_table(
        "log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name=op.f("log_submission_id_of_submissions")),
        sa.PrimaryKeyConstraint("id", name=op.f("log_pk")),
    )
    with op.batch_alter_table("log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("log_submission_id"), ["submission_id"], unique=False)

    op.create_table(
        "standings",
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=64), nullable=False),
        sa.Column("space", sa.String(length=141), nullable=False),
        sa.Column("suite", sa.String(length=64), nullable=False),
        sa.Column("suite_version", sa.Integer(), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("scored_on", sa.String(length=64), nullable=False),
        sa.Column("submitted", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("test", sa.Double(), nullable=True),
        sa.Column("test_low", sa.Double(), nullable=True),
        sa.Column("test_high", sa.Double(), nullable=True),
        sa.Column("test_best", sa.Integer(), nullable=True),
        sa.Column("test_worst", sa.Integer(), nullable=True),
        sa.Column("held_out", sa.Double(), nullable=True),
        sa.Column("held_out_low", sa.Double(), nullable=True),
        sa.Column("held_out_high", sa.Double(), nullable=True),
        sa.Column("held_out_best", sa.Integer(), nullable=True),
        sa.Column("held_out_worst", sa.Integer(), nullable=True),
        sa.Column("gap", sa.Double(), nullable=True),
        sa.Column("gap_low", sa.Double(), nullable=True),
        sa.Column("gap_high", sa.Double(), nullable=True),
        sa.Column("measures", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("spaces", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("estimates", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("standings_submission_id_of_submissions")
        ),
        sa.PrimaryKeyConstraint("submission_id", "task", "protocol", "space", name=op.f("standings_pk")),
    )
    with op.batch_alter_table("standings", schema=None) as batch_op:
        batch_op.create_index(
            "standings_lead",
            ["suite", "suite_version", "task", "protocol", "space"],
            unique=False,
            sqlite_where=sa.text("test_best = 1"),
            postgresql_where=sa.text("test_best = 1"),
        )
        batch_op.create_index(
            "standings_lead_held_out",
            ["suite", "suite_version", "task", "protocol", "space"],
            unique=False,
            sqlite_where=sa.text("held_out_best = 1"),
            postgresql_where=sa.text("held_out_best = 1"),
        )
        batch_op.create_index(
            "standings_rows",
            [
                "suite",
                "suite_version",
                "task",
                "protocol",
                "space",
                "submission_id",
                "track",
                "submitted",
                "title",
                "test",
                "held_out",
                "gap",
                "test_best",
                "test_worst",
                "held_out_best",
                "held_out_worst",
            ],
            unique=False,
        )

    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("submission_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("uploads_submission_id_of_submissions")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("uploads_team_id_of_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("uploads_pk")),
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("uploads_expires"), ["expires"], unique=False)
        batch_op.create_index(batch_op.f("uploads_team_id"), ["team_id"], unique=False)
