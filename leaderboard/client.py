"""Talk to a board over HTTP: submit, look how it goes, read tables. This is what ``tst-bench submit`` uses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from leaderboard.answers import Accepted, SubmissionView, Suites, SuiteView, Tables, UploadView
from leaderboard.standings.rows import TableKey
from sim_envs.errors import UserError
from sim_envs.storage import digest_file

API = "/api/v1"
OFFSET_STREAM = "application/offset+octet-stream"
PIECE_BYTES = 4 << 20
FINAL = ("scored", "rejected", "failed")

_TRANSIENT = (408, 429, 502, 503, 504)
_FIRST_TRIES = 3  # of a board that never answered: its address may be wrong
_TIMEOUT = httpx.Timeout(60, connect=10)

Model = TypeVar("Model", bound=BaseModel)
Progress = Callable[[int, int], None]
"""Is told how many bytes of how many are there."""


class BoardError(UserError):
    """A board said no.

    Attributes:
        status: of HTTP.
        error: the name of the reason.
        offset: where the upload stands, if it says so.
    """

    def __init__(self, message: str, status: int, error: str = "", offset: int | None = None) -> None:
        super().__init__(message)
        self.status, self.error, self.offset = status, error, offset


class Client:
    """A board at an address.

    Args:
        url: of its first page.
        token: for what only teams may do.
        patience_seconds: how long it is tried again when the connection breaks or the board is busy.
        transport, sleep: for tests.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        patience_seconds: float = 300.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not _is_address(url):
            raise UserError(f"{url} is no address of a board, such as https://board.example or http://localhost:8000.")
        self.url = url.rstrip("/")
        self.patience_seconds = patience_seconds
        self.sleep = sleep
        headers = {"User-Agent": "tst-bench"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            self._http = httpx.Client(base_url=self.url + API, headers=headers, timeout=_TIMEOUT, transport=transport)
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise UserError("The address of the board or the token has characters that cannot be in one.") from None
        self._reached = False

    def __enter__(self) -> Client:
        """Keep connections open until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._http.close()

    def suites(self) -> list[SuiteView]:
        """Return the suites that are or were taken."""
        return self._ask("GET", "/suites", Suites).suites

    def tables(self) -> list[TableKey]:
        """Return every table that has rows."""
        return self._ask("GET", "/tables", Tables).tables

    def status(self, submission: str) -> SubmissionView:
        """Return how a submission stands; with its team's token also before it is scored.

        Raises:
            BoardError: there is none, or it is not for this token.
        """
        return self._ask("GET", f"/submissions/{submission}", SubmissionView)

    def submit(self, file: Path, progress: Progress = lambda there, size: None) -> str:
        """Send a submission, and return its id. The same file again is the same submission.

        After a broken connection it goes on where the board says it stands; also when this is called again later.

        Raises:
            BoardError: it is refused, and why.
            UserError: no such file, or the board cannot be reached.
        """
        try:
            size, sha256 = file.stat().st_size, digest_file(file)
            with file.open("rb") as content:
                upload = self._ask("POST", "/uploads", UploadView, json={"size": size, "sha256": sha256})
                if upload.submission is not None:
                    return upload.submission
                self._send(upload, content, progress)
        except OSError as error:
            raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None
        return self._ask("POST", f"/uploads/{upload.id}/finish", Accepted).submission

    def _send(self, upload: UploadView, content: BinaryIO, progress: Progress) -> None:
        offset = upload.offset
        headers = {"Content-Type": OFFSET_STREAM}
        progress(offset, upload.size)
        while offset < upload.size:
            content.seek(offset)
            piece = content.read(min(upload.most, PIECE_BYTES))
            if not piece:
                raise UserError("The file became shorter while it was sent. Submit it again.")
            try:
                offset = self._ask(
                    *("PATCH", f"/uploads/{upload.id}", UploadView),
                    content=piece,
                    headers=headers | {"Upload-Offset": str(offset)},
                ).offset
            except BoardError as error:  # an attempt before the last may have arrived, or a part of it
                if error.offset is None:
                    raise
                offset = error.offset
            progress(offset, upload.size)

    def _ask(self, method: str, path: str, answer: type[Model], **options: Any) -> Model:
        """Ask until there is an answer; every request may be repeated, since uploads have offsets."""
        waited, tries = 0.0, 0
        while True:
            tries += 1
            pause = min(30.0, 0.5 * 2 ** min(tries - 1, 6)) * random.uniform(0.75, 1.25)
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if waited + pause > self.patience_seconds or (not self._reached and tries >= _FIRST_TRIES):
                    raise UserError(
                        f"No answer from {self.url} ({type(error).__name__}: {error}). Check the address and the "
                        "connection; the same command goes on where this one stopped."
                    ) from None
            else:
                self._reached = True
                if response.is_success:
                    return self._read(response, answer)
                error_said = _problem(response, self.url)
                pause = max(pause, _retry_after(response))
                again = response.status_code in _TRANSIENT and error_said.error not in ("quota", "too-many-uploads")
                if not again or waited + pause > self.patience_seconds:
                    raise error_said
            self.sleep(pause)
            waited += pause

    def _read(self, response: httpx.Response, answer: type[Model]) -> Model:
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            raise UserError(f"{self.url} answers like no board of this version. Check the address.") from None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _problem(response: httpx.Response, url: str) -> BoardError:
    try:
        said = response.json()
        return BoardError(str(said["message"]), response.status_code, str(said["error"]), said.get("offset"))
    except (ValueError, KeyError, TypeError, AttributeError):
        status = f"{response.status_code} {response.reason_phrase}"
        return BoardError(
            f"{url} answers {status} and nothing else. Is it the address of a board?", response.status_code
        )


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else 0.0
