"""Logs of a server, in which no token is ever readable."""

from __future__ import annotations

import logging
import re
from typing import Any

from leaderboard.store.teams import PREFIX

_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{4,}}")
MASK = f"{PREFIX}***"


def masked(text: str) -> str:
    """Return a text whose tokens cannot be read."""
    return _SECRET.sub(MASK, text)


class NoSecrets(logging.Filter):
    """Masks tokens in messages, in what is put into them, and in tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record so that it can be written down."""
        record.msg = masked(str(record.msg))
        if isinstance(record.args, tuple):
            record.args = tuple(masked(value) if isinstance(value, str) else value for value in record.args)
        if record.exc_info and not record.exc_text:
            record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
        return True


def log_configuration() -> dict[str, Any]:
    """Return how a server logs: one line a request and one an event, to standard error."""
    handler = {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "filters": ["no-secrets"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no-secrets": {"()": NoSecrets}},
        "formatters": {
            "event": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "request": {
                "()": "uvicorn.logging.AccessFormatter",
                "fmt": '%(asctime)s %(client_addr)s "%(request_line)s" %(status_code)s',
                "use_colors": False,
            },
        },
        "handlers": {"event": handler | {"formatter": "event"}, "request": handler | {"formatter": "request"}},
        "loggers": {
            "uvicorn": {"handlers": ["event"], "level": "WARNING", "propagate": False},
            "uvicorn.error": {"level": "WARNING"},
            "uvicorn.access": {"handlers": ["request"], "level": "INFO", "propagate": False},
            "leaderboard": {"handlers": ["event"], "level": "INFO", "propagate": False},
        },
    }
