"""What Alembic runs: all steps on the connection it is given, whose transaction is somebody else's."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from leaderboard.store.tables import Base, Moment


def _written(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write a column's type so that the step does not change with our classes."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_written,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
