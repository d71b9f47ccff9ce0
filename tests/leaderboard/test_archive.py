"""The archive: one way to write it, any program can open it, and nothing else is read."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.archive import Incoming, Limits, name_flaw, read_archive, write_archive
from leaderboard.refusal import Refusal
from sim_envs.errors import UserError

LETTERS = "abcdefghijklmnopqrstuvwxyzABC0123456789._-"
part = st.text(LETTERS, min_size=1, max_size=8).filter(lambda text: text[0] not in "._-")
names = st.lists(part, min_size=1, max_size=3).map("/".join)
members = st.dictionaries(names, st.binary(max_size=300), max_size=6).filter(
    lambda files: len({name.lower() for name in files}) == len(files)
)


def written(files: dict[str, bytes], folder: Path) -> bytes:
    write_archive(folder / "a.zip", list(files.items()))
    return (folder / "a.zip").read_bytes()


def read(content: bytes, limits: Limits = Limits()) -> dict[str, bytes]:
    return {member.name: member.content() for member in read_archive(io.BytesIO(content), limits)}


class Dripping(io.BytesIO):
    """A connection that brings a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 3) if size and size > 0 else size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


SAMPLE = {"submission.json": b"{}", "predictions/a.npz": bytes(range(256)) * 3, "predictions/b.npz": b""}


@pytest.fixture(scope="module")
def sample(folder: Path) -> bytes:
    return written(SAMPLE, folder)


@given(files=members)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_back(files: dict[str, bytes], folder: Path) -> None:
    assert read(written(files, folder)) == files


@given(files=members)
@settings(max_examples=25, deadline=None)
def test_another_program_reads_the_same_and_finds_no_fault(files: dict[str, bytes], folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(written(files, folder))) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == files
        assert all(info.file_size == info.compress_size for info in archive.infolist())


def test_equal_contents_give_equal_bytes_wherever_they_come_from(folder: Path, sample: bytes) -> None:
    paths = {}
    for name, content in SAMPLE.items():
        path = folder / "elsewhere" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths[name] = path
    write_archive(folder / "again.zip", list(paths.items()))
    assert (folder / "again.zip").read_bytes() == sample


def test_it_is_read_from_a_stream_that_comes_in_drops(sample: bytes) -> None:
    found = {member.name: member.content() for member in read_archive(Dripping(sample), Limits())}
    assert found == SAMPLE


@given(at=st.integers(0, 10_000), byte=st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_no_byte_of_it_can_be_another(at: int, byte: int, sample: bytes) -> None:
    changed = bytearray(sample)
    changed[at % len(sample)] ^= byte
    with pytest.raises(Refusal):
        read(bytes(changed))


@given(at=st.integers(0, 10_000), more=st.binary(min_size=1, max_size=40))
@settings(max_examples=80, deadline=None)
def test_nothing_can_be_put_in_front_into_or_behind_it(at: int, more: bytes, sample: bytes) -> None:
    at %= len(sample) + 1
    longer = sample[:at] + more + sample[at:]
    if longer != sample:
        with pytest.raises(Refusal):
            read(longer)


@given(end=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_it_cannot_end_early(end: int, sample: bytes) -> None:
    with pytest.raises(Refusal, match="archive"):
        read(sample[: end % len(sample)])


@given(noise=st.binary(max_size=200))
@settings(max_examples=30, deadline=None)
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read(b"PK\x03\x04" + noise)
    assert caught.value.reason in ("archive", "name")  # noise may announce a long name


HOSTILE_NAMES = [
    *("../x.npz", "/etc/passwd", "a/../../x", "a//b", "./a", "a/", "", ".hidden", "a/.b", "C:\\x", "a\\b", "a\0b"),
    *("a b", "a\nb", "ａ.npz", "e\u0301.npz", "a\u202egpj.npz", "x\u200b", "~/x", "$(id)", "-rf", "n" * 500),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_could_lead_astray_is_neither_written_nor_read(name: str, tmp_path: Path) -> None:
    assert name_flaw(name)
    with pytest.raises(UserError, match="name"):
        write_archive(tmp_path / "a.zip", [(name, b"x")])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name or "x/"), b"x")
    with pytest.raises(Refusal):
        read(out.getvalue())


def with_zipfile(compression: int = zipfile.ZIP_STORED, attributes: int = 0o100644, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        info = zipfile.ZipInfo("submission.json")
        info.external_attr = attributes << 16
        archive.writestr(info, b"0" * 1000, compression)
        archive.comment = comment
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(with_zipfile(zipfile.ZIP_DEFLATED), id="compressed"),
        pytest.param(with_zipfile(zipfile.ZIP_LZMA), id="lzma"),
        pytest.param(with_zipfile(attributes=0o120777), id="symbolic link"),
        pytest.param(with_zipfile(attributes=0o060644), id="device"),
        pytest.param(with_zipfile(attributes=0o104755), id="set user id"),
        pytest.param(with_zipfile(comment=b"hello"), id="comment"),
    ],
)
def test_what_other_packers_can_express_is_refused(content: bytes) -> None:
    assert read(with_zipfile()) == {"submission.json": b"0" * 1000}  # the same without it is taken
    with pytest.raises(Refusal, match="archive"):
        read(content)


def test_a_bomb_is_refused_by_its_first_header() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("submission.json"), bytes(50 << 20), zipfile.ZIP_DEFLATED)
    stream = io.BytesIO(out.getvalue())
    with pytest.raises(Refusal, match="compressed"):
        list(read_archive(stream, Limits()))
    assert stream.tell() < 100


def test_a_tar_is_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("submission.json"), io.BytesIO())
    with pytest.raises(Refusal, match="no archive of tst-bench submit"):
        read(out.getvalue())


def test_a_name_comes_once_whatever_its_case(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 files would have the name a"):
        write_archive(tmp_path / "a.zip", [("a", b"1"), ("A", b"2")])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("a", "A"):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, b"x")
    with pytest.raises(Refusal, match="twice"):
        read(out.getvalue())


def test_a_directory_that_names_other_files_is_refused(sample: bytes) -> None:
    at = sample.rindex(b"predictions/a.npz")
    with pytest.raises(Refusal, match="directory"):
        read(sample[:at] + b"predictions/c.npz" + sample[at + 17 :])


def test_limits_hold_before_a_content_is_read(sample: bytes) -> None:
    with pytest.raises(Refusal, match="more than 2 files"):
        read(sample, Limits(members=2))
    with pytest.raises(Refusal, match="larger than 500 bytes"):
        read(sample, Limits(archive_bytes=500))


def test_a_reader_may_leave_a_content_unread(sample: bytes) -> None:
    found: list[Incoming] = list(read_archive(io.BytesIO(sample), Limits()))
    assert [member.name for member in found] == list(SAMPLE)
