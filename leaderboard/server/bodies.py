"""What a request may carry: how much is known before a byte of it is read, of what type, and how slowly it may come."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leaderboard.board import Settings
from leaderboard.server.problems import answer

OFFSET_STREAM = "application/offset+octet-stream"
JSON_BYTES = 16 << 10
FORM_BYTES = 64 << 10

SILENT_SECONDS = 20.0
"""How long a client may send nothing."""
SLOWEST_BYTES_PER_SECOND = 4 << 10
"""How fast a body has to come on the whole, after the first :data:`SILENT_SECONDS`."""


@dataclass(frozen=True)
class Body:
    """What requests of a method to a path may carry.

    Attributes:
        most: bytes.
        types: media types; empty where there is no body.
    """

    method: str
    path: re.Pattern[str]
    most: int
    types: tuple[str, ...]


def bodies(settings: Settings) -> tuple[Body, ...]:
    """Return the table of bodies; the first row that fits counts, and what fits none has no body."""
    forms = ("application/x-www-form-urlencoded", "multipart/form-data")
    return (
        Body("PATCH", re.compile(r"/api/v1/uploads/.*"), settings.chunk_bytes, (OFFSET_STREAM,)),
        Body("POST", re.compile(r"/api/.*"), JSON_BYTES, ("application/json",)),
        Body("POST", re.compile(r"/submit"), settings.archive_bytes + FORM_BYTES, forms),
        Body("POST", re.compile(r".*"), FORM_BYTES, forms),
    )


class Bodies:
    """Refuse bodies that are too large, of the wrong type, of unknown length, or too slow."""

    def __init__(self, app: ASGIApp, settings: Settings, silent_seconds: float = SILENT_SECONDS) -> None:
        self.app = app
        self.bodies = bodies(settings)
        self.silent_seconds = silent_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        flaw = self._flaw(scope, headers)
        if flaw is not None:
            status, error, message = flaw
            await answer(status, error, message, {"Connection": "close"})(scope, receive, send)
            return
        length = int(headers.get("content-length", "0"))
        if length == 0:
            await self.app(scope, receive, send)
        else:
            await self._in_time(scope, receive, send, length)

    def _flaw(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers:
            return 411, "length-needed", "Say in Content-Length how much there is; chunked bodies are not taken."
        if not re.fullmatch(r"[0-9]{1,18}", length):
            return 400, "invalid", "Content-Length is no number."
        if int(length) == 0:
            return None
        fitting = (row for row in self.bodies if row.method == scope["method"] and row.path.fullmatch(scope["path"]))
        body = next(fitting, None)
        most = body.most if body else 0
        if int(length) > most:
            return 413, "too-large", f"That request may carry {most:,} bytes; it has {int(length):,}."
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if body is not None and kind not in body.types:
            return 415, "media-type", f"Send {' or '.join(body.types)}."
        return None

    async def _in_time(self, scope: Scope, receive: Receive, send: Send, length: int) -> None:
        """Let the body come as long as it comes fast enough; then the client counts as gone, and is told why."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.silent_seconds + length / SLOWEST_BYTES_PER_SECOND
        late = started = complete = False

        async def receive_in_time() -> Message:
            nonlocal late, complete
            if complete:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, min(self.silent_seconds, end - loop.time())))
            except asyncio.TimeoutError:
                late = complete = True
                return {"type": "http.disconnect"}
            complete = not message.get("more_body", False)
            return message

        async def send_unless_late(message: Message) -> None:
            nonlocal started
            if not late or started:
                started = True
                await send(message)

        try:
            await self.app(scope, receive_in_time, send_unless_late)
        except Exception:
            if not late:
                raise
        if late and not started:
            text = "The rest of the request did not come in time. Go on from where it broke off."
            await answer(408, "too-slow", text, {"Connection": "close"})(scope, receive, send)
