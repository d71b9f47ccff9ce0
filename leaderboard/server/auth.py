"""Who asks: a bearer token is looked up before anything else is done, and how often one may ask is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from leaderboard.server.problems import Refused, answer
from leaderboard.server.rates import Buckets, address_key
from leaderboard.store.database import Store
from leaderboard.store.queue import now
from leaderboard.store.tables import Team, Token
from leaderboard.store.teams import token_of

API = "/api/"
WRONG_TOKENS_PER_MINUTE = 60
"""Of one address, before it is told to wait."""

_LONGEST = 200
_CHALLENGE = 'Bearer realm="tst-bench"'


@dataclass(frozen=True)
class Caller:
    """Whose token came with a request, and what it is good for."""

    token_id: int
    team: Team
    scope: str


class Identify:
    """Look up the token of a request to the API, refuse wrong ones, and make those wait who ask too often."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store
        settings = store.board.settings
        self.readers = Buckets(settings.requests_per_minute)
        self.writers = Buckets(settings.writes_per_minute)
        self.strangers = Buckets(WRONG_TOKENS_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its :class:`Caller`, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        header = Headers(scope=scope).get("authorization") if scope["path"].startswith(API) else None
        address = address_key(scope["client"][0] if scope.get("client") else "")
        caller = None
        if header is None:
            wait = self.readers.take(address)
        elif not (wait := self.strangers.wait(address)):
            caller = await run_in_threadpool(self._caller, header)
            wait = self.strangers.take(address) if caller is None else self.writers.take(caller.token_id)
        scope.setdefault("state", {})["caller"] = caller
        if wait:
            headers = {"Retry-After": str(math.ceil(wait)), "Connection": "close"}
            again = answer(429, "too-often", f"That is too often. Ask again in {math.ceil(wait)} s.", headers)
            await again(scope, receive, send)
        elif header is not None and caller is None:
            await _unknown_token()(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _caller(self, header: str) -> Caller | None:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer" or not secret or len(secret) > _LONGEST:
            return None
        with self.store.reading() as session:
            token = token_of(session, secret.strip())
        if token is None:
            return None
        if token.used is None or token.used < now() - timedelta(hours=1):  # not a write for every request
            with self.store.transaction() as session:
                session.get_one(Token, token.id).used = now()
        return Caller(token.id, token.team, token.scope)


def _unknown_token() -> Any:
    message = "The token is unknown, has expired or was revoked. Ask those who run the board for another one."
    headers = {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"', "Connection": "close"}
    return answer(401, "unknown-token", message, headers)


_bearer = HTTPBearer(
    scheme_name="token",
    description="What `tst-bench leaderboard admin token issue` printed: `Authorization: Bearer tstb_…`.",
    auto_error=False,
)


def anybody(request: Request) -> Caller | None:
    """Return whose token came, if any did; none is needed."""
    caller: Caller | None = request.state.caller
    return caller


def _with_scope(request: Request, scope: str) -> Caller:
    caller: Caller | None = request.state.caller
    if caller is None:
        challenge = {"WWW-Authenticate": _CHALLENGE}
        raise Refused(401, "token-needed", "Send a token: Authorization: Bearer tstb_….", challenge)
    if caller.scope != scope:
        raise Refused(403, "other-scope", f"The scope of this token is {caller.scope}; this needs {scope}.")
    return caller


def submitter(request: Request, _: Annotated[Any, Security(_bearer)]) -> Caller:
    """Return whose token came; its scope is to be ``submit``."""
    return _with_scope(request, "submit")


def admin(request: Request, _: Annotated[Any, Security(_bearer)]) -> Caller:
    """Return whose token came; its scope is to be ``admin``."""
    return _with_scope(request, "admin")


Anybody = Annotated[Caller | None, Depends(anybody)]
Submitter = Annotated[Caller, Security(submitter)]
Admin = Annotated[Caller, Security(admin)]
