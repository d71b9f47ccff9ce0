"""Run a board: uvicorn with its limits, and the processes that score beside it."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable

import uvicorn

from leaderboard.server.app import create_app
from leaderboard.server.logs import log_configuration
from leaderboard.server.patience import ImpatientProtocol
from leaderboard.server.scorers import Scorers
from leaderboard.store.database import Store
from sim_envs.errors import UserError

MOST_CONNECTIONS = 1000
HEADER_BYTES = 32 << 10
KEEP_ALIVE_SECONDS = 15
GOODBYE_SECONDS = 10


class Server(uvicorn.Server):
    """uvicorn that tells when, and at which port, it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[int], None]) -> None:
        super().__init__(config)
        self.listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self.listening(self.servers[0].sockets[0].getsockname()[1])


def server(store: Store, host: str, port: int, listening: Callable[[int], None]) -> Server:
    """Return a server of a board, ready to run.

    Args:
        port: 0 picks one that is free.
        listening: is told the port as soon as requests are answered.
    """
    config = uvicorn.Config(
        create_app(store),
        host=host,
        port=port,
        http=ImpatientProtocol,
        ws="none",
        log_config=log_configuration(),
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    return Server(config, listening)


def serve(store: Store, host: str, port: int, workers: int, listening: Callable[[int], None]) -> None:
    """Serve a board until SIGINT or SIGTERM.

    Args:
        workers: processes that score; with 0 others do (``tst-bench leaderboard work``).

    Raises:
        UserError: the port cannot be had.
    """
    _check_port(host, port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn ends first, then raises it again
    with contextlib.suppress(KeyboardInterrupt), Scorers(store.board, workers):
        server(store, host, port, listening).run()


def _check_port(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise UserError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Name another --port, or 0 for a free one."
        ) from None
