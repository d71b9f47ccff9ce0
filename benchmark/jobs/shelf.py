"""Folders in a store that several machines reach: S3, Google's, or a folder of a shared disk, named by an fsspec URL.

    <url>/folders/<key>.json             what a folder holds: file → size, time, SHA-256
    <url>/objects/<2 digits>/<SHA-256>   the bytes of a file

The JSON of a folder is written last, so a folder is there whole or not at all. Objects are named by what they hold, so
nothing that one machine writes changes what another reads, and what many folders share is stored once. A lone file
is a folder whose only file has no name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sim_envs.errors import UserError
from sim_envs.recordings.lock import alone
from sim_envs.storage import digest_file, disk_error

TRANSFERS = 4
"""Files at a time."""

BLOCK_BYTES = 8 << 20
"""Of a file that are in memory at a time; some stores hold ten such blocks."""

_AGAIN = "run the same command again: what the store lacks is sent anew"


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name} leads out of the folder")
    return name


class StoredFile(BaseModel):
    """A file as it was sent.

    Attributes:
        mtime_ns: when it was last changed, in nanoseconds since 1970; copies have the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(ge=0)
    mtime_ns: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


def describe(path: Path, known: StoredFile | None) -> StoredFile:
    """Describe a file; return ``known`` if it is that one. One of the same size and time is, and is not read."""
    stat = path.stat()
    if known and (stat.st_size, stat.st_mtime_ns) == (known.size, known.mtime_ns):
        return known
    here = StoredFile(size=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=digest_file(path))
    return known if known and (known.size, known.sha256) == (here.size, here.sha256) else here


class Contents(BaseModel):
    """What a folder holds, by names relative to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    files: dict[Annotated[str, AfterValidator(_inside)], StoredFile]

    def lie_in(self, local: Path) -> bool:
        """Tell whether a folder here is this one."""
        here = files_of(local)
        if here.keys() != self.files.keys() or not local.exists():
            return False
        pairs = [(path, self.files[name]) for name, path in here.items()]
        sizes_agree = all(path.stat().st_size == file.size for path, file in pairs)
        return sizes_agree and all(describe(path, file) is file for path, file in pairs)


def files_of(local: Path) -> dict[str, Path]:
    """Return the files of a folder by name, or a lone file by ""; without those that are being written."""
    if local.is_file():
        return {"": local}
    found = (path for path in sorted(local.rglob("*")) if path.is_file() and not _in_the_making(path.name))
    return {path.relative_to(local).as_posix(): path for path in found}


def _in_the_making(name: str) -> bool:
    return name.startswith(".") and name.endswith((".part", ".lock"))


class Shelf:
    """A store, by its URL.

    Raises:
        UserError: the URL is of no store that can be reached from here; every method, when the store refuses.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            import fsspec
        except ImportError:
            raise UserError("--store needs fsspec: pip install -c constraints.txt -e '.[cluster]'.") from None
        self._local = fsspec.utils.get_protocol(url) in ("file", "local")
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.url, **{"auto_mkdir": True} if self._local else {})
        except (ImportError, ValueError) as error:
            raise UserError(f"--store {url}: {_first_line(error)}. Give a URL like s3://bucket/folder.") from None

    def holds(self, key: str) -> bool:
        """Tell whether there is a folder of this key."""
        return self._contents(key) is not None

    def push(self, local: Path, key: str) -> None:
        """Send a folder or a file; what of it is there is not sent again.

        Raises:
            UserError: there is no such folder here.
        """
        if not local.exists():
            raise UserError(f"{local} is to be sent to the store and is not there.")
        here, there = files_of(local), self._contents(key)
        known = there.files if there is not None else {}
        with ThreadPoolExecutor(TRANSFERS) as threads:
            sent = threads.map(lambda name: self._send(here[name], known.get(name)), here)
            contents = Contents(files=dict(zip(here, sent, strict=True)))
        if contents != there:
            text = contents.model_dump_json().encode()
            self._publish(self._contents_path(key), lambda path: self._files.pipe_file(path, text))

    def pull(self, key: str, local: Path) -> bool:
        """Make ``local`` what the store has under a key, whole or not at all; return False where it has nothing.

        Raises:
            UserError: a file is lost or is not what was sent, or the disk here is full.
        """
        contents = self._contents(key)
        if contents is None:
            return False
        if not contents.lie_in(local):
            with alone(local, "copy from the store"):
                if not contents.lie_in(local):  # another process may have copied it while this one waited
                    self._fetch(contents, key, local)
        return True

    def drop(self, key: str) -> None:
        """Forget a folder; its objects stay, others may share them."""
        with self._asking(), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._contents_path(key))

    def _contents_path(self, key: str) -> str:
        return f"{self._root}/folders/{quote(key)}.json"

    def _object_path(self, sha256: str) -> str:
        return f"{self._root}/objects/{sha256[:2]}/{sha256}"

    def _contents(self, key: str) -> Contents | None:
        path = self._contents_path(key)
        try:
            with self._asking():
                text = self._files.cat_file(path)
        except FileNotFoundError:
            return None
        try:
            return Contents.model_validate_json(text)
        except ValidationError:
            raise UserError(f"{path} in the store is damaged. Delete it there and {_AGAIN}.") from None

    def _send(self, path: Path, known: StoredFile | None) -> StoredFile:
        """Send a file unless its object is there; return ``known`` if it is that one."""
        try:
            stored = describe(path, known)
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
        there = self._object_path(stored.sha256)
        if self._size(there) != stored.size:
            self._publish(there, lambda target: self._files.put_file(str(path), target, chunksize=BLOCK_BYTES))
        return stored

    def _size(self, path: str) -> int | None:
        try:
            with self._asking():
                return int(self._files.info(path)["size"])
        except FileNotFoundError:
            return None

    def _publish(self, path: str, write: Callable[[str], Any]) -> None:
        """Write an object whole or not at all: stores of objects do so, on disks it is renamed when it is whole."""
        try:
            with self._asking():
                if not self._local:
                    write(path)
                    return
                beside = f"{path}.{uuid.uuid4().hex}.part"
                try:
                    write(beside)
                    self._files.mv(beside, path)
                finally:
                    Path(beside).unlink(missing_ok=True)
        except FileNotFoundError as error:
            raise UserError(f"The store {self.url} takes nothing: {_first_line(error)}. Is it made?") from None

    def _fetch(self, contents: Contents, key: str, local: Path) -> None:
        beside = local.with_name(f".{local.name}.{os.getpid()}.partial")
        try:
            _sweep(local)
            needed, free = sum(file.size for file in contents.files.values()), shutil.disk_usage(local.parent).free
            if needed > free:
                raise UserError(
                    f"{local} needs {needed / 1e6:,.0f} MB, and its disk has {free / 1e6:,.0f} MB free. Free some "
                    "space there or set TST_BENCH_HOME."
                )
            if "" not in contents.files:
                beside.mkdir()
            with ThreadPoolExecutor(TRANSFERS) as threads:
                list(threads.map(lambda f: self._receive(f[1], beside / f[0], key), contents.files.items()))
            _put_in_place(beside, local)
        except OSError as error:
            raise disk_error(local, error) from error
        finally:
            _remove(beside)

    def _receive(self, stored: StoredFile, path: Path, key: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        problem = self._copy(stored, path) and self._copy(stored, path)  # what fails once may have been the network
        if problem:
            raise UserError(f"{self._object_path(stored.sha256)} in the store {problem} (a file of {key}).")

    def _copy(self, stored: StoredFile, path: Path) -> str:
        """Copy an object to a file here, block by block, and return what was wrong with it, or ""."""
        sha, size = hashlib.sha256(), 0
        with path.open("wb") as file:
            try:
                for block in self._blocks(self._object_path(stored.sha256)):
                    sha.update(block)
                    size += len(block)
                    file.write(block)
            except FileNotFoundError:
                return f"is lost. If this machine did not make it, go to the one that did; there {_AGAIN}"
            except UserError as error:
                return f"cannot be read: {error}"
            file.flush()
            os.fsync(file.fileno())
        os.utime(path, ns=(stored.mtime_ns, stored.mtime_ns))
        if (size, sha.hexdigest()) != (stored.size, stored.sha256):
            return f"is not what was sent: its SHA-256 is another. Delete it there and {_AGAIN}"
        return ""

    def _blocks(self, path: str) -> Iterator[bytes]:
        with self._asking():
            file = self._files.open(path, "rb", block_size=BLOCK_BYTES)
        with file:
            while True:
                with self._asking():
                    block = file.read(BLOCK_BYTES)
                if not block:
                    return
                yield block

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Say plainly what the store says; every kind of store has errors of its own."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:
            raise UserError(
                f"The store {self.url} does not answer as it should: {type(error).__name__}: {_first_line(error)}. "
                "Check its address, the credentials of this machine and its room, then run the same command again."
            ) from error


def _put_in_place(beside: Path, local: Path) -> None:
    """Rename ``beside`` to ``local``; a folder cannot be renamed over a full one, so the old one goes first."""
    if not local.is_dir():
        beside.replace(local)
        return
    old = local.with_name(f".{local.name}.{os.getpid()}.old.partial")
    local.rename(old)
    beside.rename(local)
    _remove(old)


def _sweep(local: Path) -> None:
    """Remove what killed processes left beside a folder; its lock is held, so nobody else is at it."""
    left = re.compile(rf"\.{re.escape(local.name)}\.\d+(\.old)?\.partial")
    for path in local.parent.iterdir():
        if left.fullmatch(path.name):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
