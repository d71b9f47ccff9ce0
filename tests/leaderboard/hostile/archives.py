"""Files that mean no good, by name: each is made from a good submission and differs from it in one thing."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from leaderboard.manifest import MANIFEST, Submission
from sim_envs.storage import canonical_json
from tests.leaderboard.board_kit import contents
from tests.leaderboard.hostile.forging import (
    Header,
    array_header,
    arrays_zip,
    changed,
    deflated,
    forged,
    member,
    npy,
    npy_header,
    plain_zip,
)

DOS_DIRECTORY = 0x10


@dataclass(frozen=True)
class Good:
    """A submission that is taken."""

    content: bytes
    files: dict[str, bytes]

    @property
    def members(self) -> list[Header]:
        return [member(name, content) for name, content in self.files.items()]

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.files[MANIFEST])
        return fields

    def with_manifest(self, content: bytes) -> bytes:
        """Return it with another manifest, in every other way as it should be."""
        return forged([member(name, each) for name, each in (self.files | {MANIFEST: content}).items()])

    def with_fields(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        """Return it with a manifest that says something else, written as it should be."""
        fields = self.fields
        change(fields)
        return self.with_manifest((canonical_json(fields) + "\n").encode())

    def with_predictions(self, task: str, content: bytes) -> bytes:
        """Return it with another first prediction file of a task, whose digest and size the manifest gives."""
        fields = self.fields
        row = next(row for row in fields["rows"] if row["task"] == task)
        row["spaces"][0] |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        name = self.name_of(task)
        files = self.files | {MANIFEST: (canonical_json(fields) + "\n").encode(), name: content}
        return forged([member(each, files[each]) for each in self.files])

    def name_of(self, task: str) -> str:
        submission = Submission.model_validate_json(self.files[MANIFEST])
        return next(name for name, row, _ in submission.files() if row.task == task)

    def arrays(self, task: str) -> dict[str, np.ndarray]:
        with np.load(io.BytesIO(self.files[self.name_of(task)])) as arrays:
            return dict(arrays)


def good(path: Path) -> Good:
    return Good(path.read_bytes(), contents(path))


Build = Callable[[Good], bytes]


def at(number: int, **fields: object) -> Build:
    """Build an archive one of whose headers says something else."""
    return lambda good: forged(changed(good.members, number, **fields))


def named(name: str | bytes, **fields: object) -> Build:
    """Build an archive whose second file has another name."""
    return at(1, name=name if isinstance(name, bytes) else name.encode(), **fields)


def in_directory(number: int, **fields: int | bytes) -> Build:
    """Build an archive whose directory says something else of a file than stands before it."""
    return at(number, central=tuple(fields.items()))


def bombed(good: Good) -> bytes:
    first = good.members[0]
    return forged([first, member(good.members[1].name, deflated(b"", 1024), method=8, size=1 << 30)])


def tarred(kind: bytes) -> Build:
    def build(good: Good) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            info = tarfile.TarInfo("../../etc/passwd")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        return out.getvalue()

    return build


def png(size: int = 4) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (size, size)).save(out, "PNG")
    return out.getvalue()


def enormous_png() -> bytes:
    """Return a picture whose header promises 2³¹ − 1 pixels a side."""
    content = png()
    return content[:16] + (0x7FFFFFFF).to_bytes(4, "big") * 2 + content[24:]


CONTAINERS: dict[str, Build] = {
    "nothing": lambda good: b"",
    "one byte": lambda good: b"P",
    "the end alone": lambda good: forged([]),
    "half of it": lambda good: good.content[: len(good.content) // 2],
    "a name above its folder": named("../../submission.json"),
    "an absolute name": named("/etc/cron.d/x"),
    "a drive letter": named("C:/x.npz"),
    "a share of a network": named("\\\\host\\share"),
    "backslashes": named("..\\..\\x.npz"),
    "a name that ends in NUL": named(b"predictions/a.npz\0.png"),
    "a name in fullwidth letters": named("predictions/\N{FULLWIDTH LATIN SMALL LETTER A}.npz", flags=0x800),
    "a name in look-alike letters": named("submissi\N{CYRILLIC SMALL LETTER O}n.json", flags=0x800),
    "a name that runs backwards": named("predictions/\N{RIGHT-TO-LEFT OVERRIDE}zpn.npz", flags=0x800),
    "a name in parts that combine": named("predictions/e\N{COMBINING ACUTE ACCENT}.npz", flags=0x800),
    "a name as long as there can be": named(b"n" * 65535),
    "no name": named(b""),
    "a name of the manifest in capitals": named("SUBMISSION.JSON"),
    "a folder": at(1, name=b"predictions/", content=b"", attributes=0o040755 << 16 | DOS_DIRECTORY),
    "a link": at(1, content=b"/etc/passwd", attributes=0o120777 << 16),
    "a device": at(1, attributes=0o020666 << 16),
    "a pipe": at(1, attributes=0o010666 << 16),
    "a program for everybody": at(1, attributes=0o104777 << 16),
    "encrypted": at(1, flags=1),
    "encrypted strongly": at(1, flags=0x41),
    "sizes behind the content": at(1, flags=8, crc=0, packed=0, size=0, after=b"PK\x07\x08" + bytes(12)),
    "a method that nobody knows": at(1, method=99),
    "bzip2": lambda good: plain_zip(good.files, zipfile.ZIP_BZIP2),
    "lzma": lambda good: plain_zip(good.files, zipfile.ZIP_LZMA),
    "a bomb": bombed,
    "Zip64": at(1, version=45, packed=0xFFFFFFFF, size=0xFFFFFFFF, extra=b"\1\0\x10\0" + bytes(16)),
    "a size that is not there": at(-1, packed=0xFFFFFFFE, size=0xFFFFFFFE),
    "another size unpacked than packed": at(1, size=1),
    "an extra field": at(1, extra=b"up\0\0"),
    "a date": at(1, date=0x5921),
    "another CRC": at(1, crc=1),
    "another name in the directory": in_directory(1, name=b"../../x"),
    "another size in the directory": in_directory(1, packed=1, size=1),
    "another CRC in the directory": in_directory(1, crc=1),
    "another place in the directory": in_directory(1, offset=7),
    "files that overlap": in_directory(2, offset=0),
    "a row of the directory twice": lambda good: forged(good.members, between=b"PK\x01\x02" + bytes(42)),
    "more rows than there are": lambda good: forged(good.members, count=65535),
    "fewer rows than there are": lambda good: forged(good.members, count=1),
    "a directory elsewhere": lambda good: forged(good.members, start=0),
    "a comment": lambda good: forged(good.members, comment=b"<script>alert(1)</script>"),
    "bytes between two files": at(0, after=b"hidden"),
    "bytes before the directory": lambda good: forged(good.members, between=png()),
    "a picture in front": lambda good: png() + good.content,
    "a document in front": lambda good: b"%PDF-1.7\n1 0 obj\n" + good.content,
    "a script in front": lambda good: b"#!/bin/sh\nexit\n" + good.content,
    "a page in front": lambda good: b"<html><script>alert(1)</script>" + good.content,
    "a picture behind": lambda good: good.content + png(),
    "itself behind": lambda good: good.content + good.content,
    "zeros behind": lambda good: good.content + bytes(512),
    "itself within": lambda good: forged([member(MANIFEST, good.content)]),
    "100,000 tiny files": lambda good: forged([member(str(n), b"") for n in range(65535)]) + bytes(1 << 21),
    "tiny files after the manifest": lambda good: forged(
        [good.members[0], *(member(str(n), b"") for n in range(60_000))]
    ),
    "a file twice": lambda good: forged([*good.members, good.members[-1]]),
    "an enormous picture": lambda good: forged([*good.members, member("predictions/x.png", enormous_png())]),
    "only an enormous picture": lambda good: enormous_png(),
    "a tar with a link": tarred(tarfile.SYMTYPE),
    "a tar with a device": tarred(tarfile.CHRTYPE),
    "gzip": lambda good: gzip.compress(good.content),
    "gzip of a gigabyte": lambda good: gzip.compress(bytes(1 << 20)) * 1024,
    "xz": lambda good: lzma.compress(good.content),
    "bzip2 alone": lambda good: bz2.compress(good.content),
    "zstd": lambda good: b"\x28\xb5\x2f\xfd" + good.content,
    "a pickle": lambda good: b"cos\nsystem\n(S'exit 1'\ntR.",
    "a program": lambda good: b"\x7fELF" + bytes(200),
}
"""What is wrong with the archive → how it is built."""


def said(**fields: object) -> Build:
    return lambda good: good.with_fields(lambda all: all.update(fields))


def in_row(**fields: object) -> Build:
    return lambda good: good.with_fields(lambda all: all["rows"][0].update(fields))


def in_space(**fields: object) -> Build:
    return lambda good: good.with_fields(lambda all: all["rows"][0]["spaces"][0].update(fields))


def written(old: bytes, new: bytes) -> Build:
    """Build a manifest whose text has something else somewhere."""
    return lambda good: good.with_manifest(good.files[MANIFEST].replace(old, new, 1))


def instead(content: bytes) -> Build:
    return lambda good: good.with_manifest(content)


MEGABYTES = 8 << 20
SEED, NAME = b'"seed":0', b'"name":""'

MANIFESTS: dict[str, Build] = {
    "100,000 lists in each other": instead(b"[" * 100_000 + b"]" * 100_000),
    "100,000 objects in each other": written(b'"about":', b'"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b","),
    "lists in each other where a text is asked for": written(NAME, b'"name":' + b"[" * 150 + b"]" * 150),
    "a number of a million digits": written(SEED, b'"seed":' + b"9" * 1_000_000),
    "a number beyond all floats": written(SEED, b'"seed":1e400'),
    "a number that is none": written(SEED, b'"seed":NaN'),
    "no end to a number": written(SEED, b'"seed":-Infinity'),
    "a number below nothing": written(SEED, b'"seed":-0'),
    "a number with an exponent": written(SEED, b'"seed":0e9999999999'),
    "half a character": written(NAME, b'"name":"\\ud800"'),
    "both halves the wrong way round": written(NAME, b'"name":"\\udc00\\ud800"'),
    "overlong UTF-8": written(NAME, b'"name":"\xc0\xaf"'),
    "NUL": written(NAME, b'"name":"\\u0000"'),
    "NUL as it is": written(NAME, b'"name":"\0"'),
    "a mark of byte order": lambda good: good.with_manifest(b"\xef\xbb\xbf" + good.files[MANIFEST]),
    "UTF-16": lambda good: good.with_manifest(good.files[MANIFEST].decode().encode("utf-16")),
    "UTF-32": lambda good: good.with_manifest(good.files[MANIFEST].decode().encode("utf-32-be")),
    "a key twice": written(b'"model":', b'"model":"admin","model":'),
    "a comment in it": written(b'"model":', b'/* */"model":'),
    "something behind it": lambda good: good.with_manifest(good.files[MANIFEST] + b"{}"),
    "zeros behind it": lambda good: good.with_manifest(good.files[MANIFEST] + bytes(99)),
    "text alone": instead(b'"submission"'),
    "nothing in it": instead(b""),
    "as large as it may be, of lists": instead(b"[" + b"[]," * (MEGABYTES // 3 - 2) + b"[]]"),
    "as large as it may be, of rows": instead(b'{"rows":[' + b"1," * (MEGABYTES // 2 - 9) + b"1]}"),
    "as large as it may be, of seeds": written(b'"seeds":[0]', b'"seeds":[' + b'"",' * (MEGABYTES // 3 - 9999) + b"0]"),
    "as large as it may be, of keys": instead(b"{" + b",".join(b'"%x":0' % n for n in range(MEGABYTES // 11)) + b"}"),
    "as large as it may be, in a row": written(b'"flags":[]', b'"flags":[' + b"{}," * (MEGABYTES // 3 - 9999) + b"{}]"),
    "as large as it may be, of one text": written(NAME, b'"name":"' + b"x" * (MEGABYTES - 99_999) + b'"'),
    "larger than it may be": instead(b" " * (MEGABYTES + 1)),
    "keys that mean something to others": said(__class__="x", __proto__={"admin": True}),
    "a program for a model": said(model="{{7*7}}${7*7}`id`"),
    "SQL for a suite": lambda good: good.with_fields(lambda all: all["suite"].update(name="x' OR '1'='1")),
    "a path for a task": in_row(task="../../semseg"),
    "a path for a protocol": in_row(protocol="../frozen"),
    "a path for a space": in_space(space="builtin/../../x"),
    "a path for a digest": in_space(sha256="../" * 21 + "x"),
    "frames that are none": in_space(frames=0),
    "more frames than there are": in_space(frames=10**12),
    "a picture as large as the world": in_space(height=10**9, width=10**9),
    "a file as large as the world": in_space(size=10**15),
    "a forged digest": in_space(sha256="0" * 64),
    "a text that runs backwards": lambda good: good.with_fields(
        lambda all: all["about"].update(name="\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe")
    ),
    "a text that cannot be seen": lambda good: good.with_fields(
        lambda all: all["about"].update(name="x\N{ZERO WIDTH SPACE}")
    ),
    "a link that is a program": lambda good: good.with_fields(
        lambda all: all["about"].update(code="https://x\N{NO-BREAK SPACE}javascript:alert(1)")
    ),
    "a name that obeys no terminal": lambda good: good.with_fields(
        lambda all: all["rows"][0]["environment"]["hardware"].update(cpu="\x1b]0;x\x07")
    ),
    "a ledger that learned from itself": in_row(ledger={"entries": [], "teachers": [{"name": {}}], "weights": {}}),
}
"""What is wrong with the manifest → how the archive is built."""


def arrays(**changes: bytes | None) -> Build:
    """Build predictions of categories of which an array is another ``.npy`` file, or is missing."""

    def build(good: Good) -> bytes:
        files = {name: npy(array) for name, array in good.arrays("semseg").items()}
        files = {name: content for name, content in (files | changes).items() if content is not None}
        return good.with_predictions("semseg", plain_zip({f"{k}.npy": v for k, v in files.items()}, 8))

    return build


def headers(number: int, **fields: object) -> Build:
    """Build predictions of categories whose zip archive says something else of an array."""

    def build(good: Good) -> bytes:
        files = {name: npy(array) for name, array in good.arrays("semseg").items()}
        return good.with_predictions("semseg", arrays_zip(files, lambda all: changed(all, number, **fields)))

    return build


def packed(change: Callable[[bytes, bytes], dict[str, object]]) -> Build:
    """Build predictions whose second array is a deflate stream.

    Args:
        change: given the array as a file and the stream, what its header says otherwise.
    """

    def build(good: Good) -> bytes:
        files = {name: npy(array) for name, array in good.arrays("semseg").items()}
        content = files["values"]
        fields = {"method": 8, "size": len(content)} | change(content, deflated(content))
        return good.with_predictions("semseg", arrays_zip(files, lambda all: changed(all, 1, **fields)))

    return build


def answered(task: str, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Build:
    """Build predictions of other values, packed as they should be."""

    def build(good: Good) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(out, **change(good.arrays(task)))  # type: ignore[arg-type]
        return good.with_predictions(task, out.getvalue())

    return build


def packed_bomb(head: bytes) -> Build:
    """Build predictions whose second array is a gigabyte of zeros behind a header."""

    def build(good: Good) -> bytes:
        stream = deflated(head, 1024)
        files = {"frames": npy(good.arrays("semseg")["frames"]), "values": stream}
        size = len(head) + (1 << 30)
        return good.with_predictions("semseg", arrays_zip(files, lambda all: changed(all, 1, method=8, size=size)))

    return build


INT64 = np.iinfo(np.int64)

PREDICTIONS: dict[str, Build] = {
    "a gigabyte of zeros": packed_bomb(array_header("(1073741824,)")),
    "a gigabyte that says it is small": packed_bomb(array_header("(8, 32, 32)")),
    "a header of a gigabyte": packed_bomb(b"\x93NUMPY\2\0" + (1 << 30).to_bytes(4, "little")),
    "a header of another version": arrays(values=npy_header("{}", (3, 0)) + bytes(99)),
    "a header that is no header": arrays(values=npy_header("()")),
    "a header of 60,000 letters": arrays(values=npy_header("{'descr': '" + "x" * 60_000)),
    "a header of 9,000 signs": arrays(values=npy_header("{'descr': " + "-" * 9000 + "1}")),
    "a header of 9,000 brackets": arrays(values=npy_header("{'descr': " + "[" * 9000 + "1}")),
    "a header that runs": arrays(values=npy_header("{'descr': __import__('os').abort()}")),
    "a header with NUL": arrays(values=npy_header("{'descr': '|u1\0', 'fortran_order': False, 'shape': (8,)}")),
    "a length below nothing": arrays(values=array_header("(-1, 32, 32)")),
    "two lengths below nothing": arrays(values=array_header("(-8, -32, 32)") + bytes(8192)),
    "a length beyond 64 bits": arrays(values=array_header(f"({1 << 64}, 32, 32)")),
    "lengths that overflow to the right one": arrays(values=array_header(f"({1 << 32}, {1 << 32}, 32)")),
    "a length of 4,000 digits": arrays(values=array_header("(1" + "0" * 4000 + ",)")),
    "a length of 5,000 digits": arrays(values=array_header("(1" + "0" * 5000 + ",)")),
    "a length that is true": arrays(values=array_header("(True, 8192)") + bytes(8192)),
    "a length that is a float": arrays(values=array_header("(8.0, 32, 32)") + bytes(8192)),
    "a shape that is a list": arrays(values=array_header("[8, 32, 32]") + bytes(8192)),
    "a thousand axes": arrays(values=array_header("(" + "1," * 1000 + ")") + bytes(1)),
    "no axis": arrays(values=npy(np.uint8(3))),  # type: ignore[arg-type]
    "nothing of everything": arrays(values=npy(np.zeros((0, 32, 32), np.uint8)), frames=npy(np.zeros(0, np.int64))),
    "objects": arrays(values=array_header("(8,)", "'|O'") + b"cos\nsystem\n(S'exit 1'\ntR."),
    "objects among numbers": arrays(values=array_header("(8,)", "[('a', '|O'), ('b', '<i4')]") + bytes(99)),
    "fields": arrays(values=array_header("(8,)", "[('a', '<i4'), ('b', '<f8')]") + bytes(96)),
    "fields of fields": arrays(values=array_header("(8,)", "[('a', [('b', '|u1')])]") + bytes(8)),
    "arrays of arrays": arrays(values=array_header("(8,)", "('|u1', (32, 32))") + bytes(8192)),
    "raw bytes": arrays(values=array_header("(8, 32, 32)", "'|V1'") + bytes(8192)),
    "times": arrays(values=npy(np.zeros((8, 32, 32), "M8[s]").astype("i8"))),
    "complex numbers": arrays(values=npy(np.zeros((8, 32, 32), np.complex64))),
    "half floats": arrays(values=npy(np.zeros((8, 32, 32), np.float16))),
    "texts for numbers": arrays(values=npy(np.full((8, 32, 32), "1"))),
    "an item of two gigabytes": arrays(values=array_header("(1,)", "'<U536870911'")),
    "a type that nobody knows": arrays(values=array_header("(8,)", "'<z9'")),
    "a type that is a program": arrays(values=array_header("(8,)", "'numpy.ctypeslib.os'")),
    "columns first": arrays(values=array_header("(8, 32, 32)", columns=True) + bytes(8192)),
    "a missing array": arrays(values=None),
    "an array too many": arrays(rgb=npy(np.zeros((8, 32, 32, 3), np.uint8))),
    "bytes behind an array": arrays(values=npy(np.zeros((8, 32, 32), np.uint8)) + b"hidden"),
    "an array that ends early": arrays(values=npy(np.zeros((8, 32, 32), np.uint8))[:-1]),
    "an archive for an array": arrays(values=plain_zip({"values.npy": b""}, 8)),
    "a name above its folder": headers(1, name=b"../values.npy"),
    "the same array twice": headers(1, name=b"frames.npy"),
    "another name in the directory": headers(1, central=(("name", b"values.npz"),)),
    "a name with NUL": headers(1, name=b"values.npy\0.png"),
    "encrypted": headers(1, flags=1),
    "sizes behind": headers(1, flags=8),
    "patched": headers(1, flags=0x20),
    "Zip64": headers(1, extra=b"\1\0\x10\0" + bytes(16), packed=0xFFFFFFFF, size=0xFFFFFFFF),
    "a long extra field": headers(1, extra=b"up\x60\0" + png()[:96].ljust(96)),
    "a method that nobody knows": headers(1, method=98),
    "another CRC": headers(1, crc=1, central=(("crc", 1),)),
    "arrays that overlap": headers(1, central=(("offset", 0),)),
    "an array beyond the end": headers(1, central=(("offset", 1 << 31),)),
    "a size that is not there": headers(1, packed=1 << 31, size=1 << 31),
    "a size stored and another unpacked": headers(1, size=20),
    "bytes between arrays": headers(0, after=b"hidden"),
    "something behind the stream": packed(lambda _, stream: {"content": stream + png()}),
    "two streams": packed(lambda _, stream: {"content": stream + stream}),
    "a stream without an end": packed(lambda _, stream: {"content": stream[:-2]}),
    "a stream larger than it says": packed(lambda whole, stream: {"content": stream, "size": len(whole) - 8192}),
    "a stream smaller than it says": packed(lambda whole, stream: {"content": stream, "size": len(whole) + 1}),
    "a megabyte of empty blocks": packed(lambda _, stream: {"content": b"\0\0\0\xff\xff" * 200_000 + stream}),
    "noise for a stream": packed(lambda _, stream: {"content": bytes(range(1, 200)) * 4}),
    "one array alone": lambda good: good.with_predictions("semseg", npy(good.arrays("semseg")["values"])),
    "a tar of arrays": lambda good: good.with_predictions("semseg", tarred(tarfile.SYMTYPE)(good)),
    "an enormous picture": lambda good: good.with_predictions("semseg", enormous_png()),
    "a document": lambda good: good.with_predictions("semseg", b"%PDF-1.7\n"),
    "predictions for another task": lambda good: good.with_predictions("semseg", good.files[good.name_of("detection")]),
    "a frame twice": answered("semseg", lambda a: a | {"frames": np.minimum(a["frames"], a["frames"][-2])}),
    "frames in another order of bytes": answered("semseg", lambda a: a | {"frames": a["frames"].astype(">i4")}),
    "frames without a sign": answered("semseg", lambda a: a | {"frames": a["frames"].astype(np.uint64)}),
    "frames in two axes": answered("semseg", lambda a: a | {"frames": a["frames"][:, None]}),
    "boxes without an end": answered("detection", lambda a: a | {"box": a["box"] + np.float32(np.inf)}),
    "boxes beyond all pictures": answered("detection", lambda a: a | {"box": a["box"] * 0 + np.float32(3e38)}),
    "counts below nothing": answered("detection", lambda a: a | {"count": a["count"] - 1000}),
    "counts that overflow": answered("detection", lambda a: a | {"count": a["count"] * 0 + INT64.max // 2}),
    "scores that are none": answered("detection", lambda a: a | {"score": np.full_like(a["score"], np.nan)}),
    "texts that obey no terminal": answered("captioning", lambda a: a | {"texts": np.full(8, "\x1b[2J")}),
    "texts of half characters": answered("captioning", lambda a: a | {"texts": np.full(8, "a\ud800b")}),
    "texts beyond all characters": lambda good: good.with_predictions(
        "captioning",
        plain_zip(
            {
                "frames.npy": npy(good.arrays("captioning")["frames"]),
                "texts.npy": array_header("(8,)", "'<U4'") + b"\xff" * 128,
            },
            8,
        ),
    ),
    "texts of a million letters": answered("captioning", lambda a: a | {"texts": np.full(8, "x" * 1_000_000)}),
    "ranks of frames that are not there": answered("retrieval", lambda a: a | {"ranking": a["ranking"] + 10**9}),
    "ranks below nothing": answered("retrieval", lambda a: a | {"ranking": a["ranking"] * 0 - 2}),
}
"""What is wrong with the predictions → how the archive is built."""

TRUTHS: dict[str, Build] = {
    "frames of another recording": in_space(recording="0" * 64),
    "frames below nothing": answered("semseg", lambda a: a | {"frames": a["frames"] - 100}),
    "frames at the end of the numbers": answered("semseg", lambda a: a | {"frames": INT64.max - a["frames"]}),
    "frames that nobody recorded": answered("semseg", lambda a: a | {"frames": a["frames"] + 1000}),
    "a frame less": lambda good: _without_last_frame(good),
}
"""What only those see who have the labels: it is a submission for everybody else."""


def _without_last_frame(good: Good) -> bytes:
    cut = answered("semseg", lambda a: {name: array[:-1] for name, array in a.items()})(good)
    with zipfile.ZipFile(io.BytesIO(cut)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    shorter = Good(cut, files)
    return shorter.with_fields(lambda all: _first(all, "semseg")["spaces"][0].update(frames=7))


def _first(fields: dict[str, Any], task: str) -> dict[str, Any]:
    return next(row for row in fields["rows"] if row["task"] == task)


HOSTILE: dict[str, Build] = {
    **{f"archive: {name}": build for name, build in CONTAINERS.items()},
    **{f"manifest: {name}": build for name, build in MANIFESTS.items()},
    **{f"predictions: {name}": build for name, build in PREDICTIONS.items()},
}
"""What is refused by whoever reads it."""
