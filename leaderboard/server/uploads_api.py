"""Endpoints that take a submission in, a piece at a time. What happens is in :mod:`leaderboard.uploads`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from leaderboard import uploads
from leaderboard.answers import Accepted, UploadView
from leaderboard.server.auth import Submitter
from leaderboard.server.bodies import OFFSET_STREAM
from leaderboard.server.links import Links
from leaderboard.server.problems import described
from leaderboard.store.database import Store
from leaderboard.store.tables import Upload

BLOCK_BYTES = 1 << 20
"""What is held of a body before it goes to disk."""


class Announcement(BaseModel):
    """The file that is to come."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"size": 1_234_567, "sha256": "0123456789abcdef" * 4}]}
    )

    size: int = Field(ge=1, le=1 << 53, description="Bytes.", strict=True)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the whole file, in hexadecimal.")


UploadId = Annotated[str, Path(max_length=32, description="Of an upload of your team.")]
COMMON = described(401, 403, 408, 413, 415, 422, 429, 503)


def uploads_api(store: Store) -> APIRouter:
    """Return the endpoints under ``/uploads``."""
    router = APIRouter(prefix="/uploads", tags=["submitting"], responses=COMMON)

    def view(upload: Upload, offset: int) -> UploadView:
        return UploadView(
            id=upload.id,
            size=upload.size,
            sha256=upload.sha256,
            offset=offset,
            most=store.board.settings.chunk_bytes,
            expires=upload.expires,
            refusal=upload.refusal,
            submission=upload.submission_id,
        )

    @router.post("", status_code=201, responses=described(409, 411, 507), summary="Announce a file")
    def begin(announcement: Announcement, caller: Submitter, request: Request, response: Response) -> UploadView:
        """Begin an upload, or find the one of the same file that is under way or complete, and go on with that.

        The same file again by the same team is the submission that it was; by another team it is refused.
        """
        upload = uploads.begin(store, caller.team, announcement.size, announcement.sha256)
        response.headers["Location"] = f"{request.url.path}/{upload.id}"
        return view(*uploads.find(store, upload.id, caller.team.id))

    @router.get("/{upload_id}", responses=described(404), summary="See how much is there")
    def state(upload_id: UploadId, caller: Submitter) -> UploadView:
        """Return where an upload stands; after a broken connection this says where to go on."""
        return view(*uploads.find(store, upload_id, caller.team.id))

    binary = {"schema": {"type": "string", "format": "binary"}}
    described_body = {"requestBody": {"required": True, "content": {OFFSET_STREAM: binary}}}

    @router.patch(
        "/{upload_id}", responses=described(404, 409, 411, 507), openapi_extra=described_body, summary="Send more of it"
    )
    async def append(
        upload_id: UploadId,
        upload_offset: Annotated[int, Header(ge=0, le=1 << 53, description="Where the body belongs in the file.")],
        caller: Submitter,
        request: Request,
    ) -> UploadView:
        """Add bytes at the end. At another offset nothing is added, and the problem names the right one.

        The manifest at the start of the file is checked as soon as it is there: what would be refused is refused then.
        """
        offset = upload_offset
        async for block in _blocks(request):
            offset = await run_in_threadpool(uploads.append, store, upload_id, caller.team.id, offset, [block])
        return await run_in_threadpool(state, upload_id, caller)

    @router.post("/{upload_id}/finish", status_code=202, responses=described(404, 409), summary="Submit it")
    def finish(upload_id: UploadId, caller: Submitter, links: Links) -> Accepted:
        """Turn a complete upload into a submission, which waits to be scored. Asked again it gives the same answer."""
        submitted = uploads.finish(store, upload_id, caller.team.id)
        return Accepted(submission=submitted.id, status=submitted.status, url=links.submission(submitted.id))

    @router.delete("/{upload_id}", status_code=204, responses=described(404), summary="Give it up")
    def discard(upload_id: UploadId, caller: Submitter) -> None:
        """Forget an upload and what came of it. A submission that it has become stays."""
        uploads.discard(store, upload_id, caller.team.id)

    return router


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """Yield a body in blocks of a good size for a disk; when the client breaks off, what came until then."""
    block = b""
    try:
        async for piece in request.stream():
            block += piece
            if len(block) >= BLOCK_BYTES:
                yield block
                block = b""
    except ClientDisconnect:
        if block:
            yield block
        raise
    yield block  # also an empty one: it, too, has an offset that can be wrong
