"""A backup is a whole board at one moment, and fills an empty one on any database."""

from __future__ import annotations

import io
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from leaderboard.board import open_board
from leaderboard.entries import Entry
from leaderboard.store.backup import TABLES, back_up, named_by
from leaderboard.store.database import Store, open_store
from leaderboard.store.queue import claim, enqueue, finish, new_id, now
from leaderboard.store.restoring import restore
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import Base, BoardSuite, Ranking, Standing, Submitted, Upload
from leaderboard.store.teams import issue_token, team_named, token_of
from sim_envs.errors import UserError
from tests.leaderboard.board_kit import add_scored
from tests.leaderboard.database_kit import DATABASES, Cluster

NO_SCORES = {f"{role}{end}": None for role in ("test", "held_out", "gap") for end in ("", "_low", "_high")}


def _fill(store: Store) -> str:
    """Put a row into every table, with files; return a token."""
    files = store.files
    with store.transaction() as session:
        team = team_named(session, "Erdös' \\ «team» 🙂")
        _, secret = issue_token(session, team, "laptop", "submit", 30)
        session.add(
            BoardSuite(
                **{"name": "mini", "version": 3, "digest": "0" * 64, "rules": {"name": "mini", "π": [1.5, None]}},
                **{"custody": "hidden", "private_pack": files.put(b"truth"), "public_pack": None, "code": ["a" * 64]},
                **{"added": now(), "closed": None},
            )
        )
        waiting = enqueue(session, team.id, files.put(b"waits"), 5)
        scored = enqueue(session, team.id, files.put(b"scored"), 6)
        scored.status, scored.entry, scored.gpu_seconds = "scored", files.put(b"{}"), 0.1 + 0.2
        picture = {"space": "a/b", "rgb": files.put(b"rgb"), "prediction": files.put(b"prediction")}
        scored.pictures, scored.parameters = [picture], 2**40
        table = {"suite": "mini", "suite_version": 3, "task": "depth", "protocol": "frozen", "space": ""}
        standing = {"track": "scratch", "scored_on": "1" * 64, "title": "π", "submitted": now(), "spaces": []}
        standing |= {"measures": {"absrel": {"test": [1 / 3, None, 2e-308]}}, "estimates": files.put(b"estimates")}
        session.add(Standing(submission_id=scored.id, **table, **standing, **(NO_SCORES | {"test": 1 / 3})))
        session.add(Ranking(**table, rows=1, scored_on="1" * 64, ranked="2" * 64))
        part = {"id": new_id(), "size": 9, "sha256": "3" * 64, "created": now(), "expires": now() + timedelta(1)}
        session.add(Upload(team_id=team.id, submission_id=waiting.id, **part))
    return secret


def _rows(store: Store) -> dict[str, list[Any]]:
    with store.engine.connect() as connection:
        tables = {table.name: connection.execute(select(table).order_by(*table.primary_key)).all() for table in TABLES}
    return {name: [tuple(row) for row in rows] for name, rows in tables.items()}


def _is_empty(store: Store) -> bool:
    with store.engine.connect() as connection:
        return not any(connection.scalar(select(func.count()).select_from(t)) for t in Base.metadata.sorted_tables)


@pytest.fixture(params=DATABASES)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A second, empty board, once on each database."""
    url = None
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    opened = open_store(open_board(tmp_path / "other", url))
    yield opened
    opened.engine.dispose()
    if url is not None:
        cluster.drop_database(url)


@pytest.fixture
def small(tmp_path: Path) -> Store:
    """A board on SQLite with a row in every table."""
    store = open_store(open_board(tmp_path / "small"))
    _fill(store)
    return store


@pytest.fixture
def empty(tmp_path: Path) -> Callable[[], Store]:
    """Make one more empty board on SQLite each time."""
    boards: list[Store] = []

    def make() -> Store:
        boards.append(open_store(open_board(tmp_path / f"empty{len(boards)}")))
        return boards[-1]

    return make


def test_a_board_comes_back_as_it_was_on_either_database(store: Store, other: Store, tmp_path: Path) -> None:
    secret = _fill(store)
    back_up(store, tmp_path / "board.tar")
    restore(other, tmp_path / "board.tar")
    assert _rows(other) == _rows(store)
    with other.reading() as session:
        assert session.scalar(select(Submitted.id).where(Submitted.pictures.is_(None)).limit(1)) is not None
        token = token_of(session, secret)
        assert token is not None
        assert token.team.name == "Erdös' \\ «team» 🙂"
    assert {other.files.read(sha256) for sha256 in _named(other)} == {
        *(b"truth", b"waits", b"scored", b"{}", b"rgb", b"prediction", b"estimates")
    }


def test_a_restored_board_counts_on(store: Store, other: Store, tmp_path: Path) -> None:
    _fill(store)
    back_up(store, tmp_path / "board.tar")
    restore(other, tmp_path / "board.tar")
    with other.transaction() as session:
        team = team_named(session, "newcomers")
        issue_token(session, team, "", "submit", 1)
        enqueue(session, team.id, other.files.put(b"new"), 3)


def test_equal_boards_give_equal_backups(store: Store, other: Store, tmp_path: Path) -> None:
    _fill(store)
    back_up(store, tmp_path / "board.tar")
    restore(other, tmp_path / "board.tar")
    back_up(other, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "board.tar").read_bytes()


def _named(store: Store) -> set[str]:
    with store.engine.connect() as connection:
        return {
            sha256
            for table in TABLES
            for row in connection.execute(select(table)).mappings()
            for sha256 in named_by(table, row)
        }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def test_no_file_that_a_scored_submission_or_its_suite_needs_is_left_out(
    store: Store, entry: Entry, private_pack: Path, public_pack: Path
) -> None:
    add_suite(store, private_pack, public_pack, "open")
    add_scored(store, entry, "flat earthers")
    there = {path.name for path in store.board.files.glob("??/*")}
    mentioned = there & set(_texts([list(map(list, rows)) for rows in _rows(store).values()]))
    assert _named(store) == mentioned == there


def test_a_backup_while_the_board_serves_is_of_one_moment(store: Store, other: Store, tmp_path: Path) -> None:
    begun, done = threading.Event(), threading.Event()
    with store.transaction() as session:
        team = team_named(session, "flat earthers").id

    def serve() -> None:
        while not done.is_set():
            sha256 = store.files.put(new_id().encode())
            with store.transaction() as session:
                enqueue(session, team, sha256, 12)
            with store.transaction() as session:
                claimed = claim(session, "worker", 60, 3)
                assert claimed is not None
            kept = store.files.put(f"entry of {claimed.id}".encode())
            with store.transaction() as session:
                finish(session, claimed.id, "worker", "scored")
                session.get_one(Submitted, claimed.id).entry = kept
            begun.set()

    serving = threading.Thread(target=serve)
    serving.start()
    assert begun.wait(60)
    try:
        for number in range(3):
            back_up(store, tmp_path / f"{number}.tar")
    finally:
        done.set()
        serving.join()
    restore(other, tmp_path / "2.tar")
    with other.reading() as session:
        found = session.scalars(select(Submitted)).all()
        assert found
        for submitted in found:
            assert submitted.sha256 in other.files
            assert (submitted.status == "scored") == (submitted.entry is not None)
            assert submitted.entry is None or other.files.read(submitted.entry) == f"entry of {submitted.id}".encode()


def test_uploads_that_are_not_complete_are_not_in_it(small: Store, empty: Callable[[], Store], tmp_path: Path) -> None:
    back_up(small, tmp_path / "board.tar")
    target = empty()
    restore(target, tmp_path / "board.tar")
    with target.reading() as session:
        assert session.scalars(select(Upload)).all() == []


def test_a_board_that_holds_anything_is_not_restored_into(small: Store, tmp_path: Path) -> None:
    back_up(small, tmp_path / "board.tar")
    before = _rows(small)
    with pytest.raises(UserError, match="is not empty"):
        restore(small, tmp_path / "board.tar")
    assert _rows(small) == before


def test_settings_come_back_unless_the_board_has_its_own(
    small: Store, empty: Callable[[], Store], tmp_path: Path
) -> None:
    (small.board.folder / "board.yaml").write_text("title: Ours\n", encoding="utf-8")
    back_up(small, tmp_path / "board.tar")
    bare, own = empty(), empty()
    (own.board.folder / "board.yaml").write_text("title: Theirs\n", encoding="utf-8")
    for target, title in ((bare, "Ours"), (own, "Theirs")):
        restore(target, tmp_path / "board.tar")
        assert open_board(target.board.folder).settings.title == title


def test_a_backup_can_be_read_by_its_owner_alone(small: Store, tmp_path: Path) -> None:
    back_up(small, tmp_path / "board.tar")
    assert stat.S_IMODE((tmp_path / "board.tar").stat().st_mode) == 0o600


def test_a_board_that_lacks_a_file_is_not_backed_up_in_silence(small: Store, tmp_path: Path) -> None:
    lost = sorted(_named(small))[2]
    small.files.path(lost).unlink()
    with pytest.raises(UserError, match=f"lacks {lost}, which a row names"):
        back_up(small, tmp_path / "board.tar")
    assert not list(tmp_path.glob("*.tar*"))


def test_a_missing_backup_is_named(empty: Callable[[], Store], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No backup at"):
        restore(empty(), tmp_path / "board.tar")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_backup_restores_nothing_or_is_as_good_as_whole(
    small: Store, empty: Callable[[], Store], tmp_path: Path, data: st.DataObject
) -> None:
    whole = tmp_path / "board.tar"
    if not whole.exists():
        back_up(small, whole)
    content = whole.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    cut = data.draw(st.booleans())
    damaged = content[:at] if cut else content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    (tmp_path / "damaged.tar").write_bytes(damaged)
    target = empty()
    try:
        restore(target, tmp_path / "damaged.tar")
    except UserError:
        assert _is_empty(target)
    else:  # what was changed or cut is of no meaning: padding, or what tar says beside names, sizes and contents
        assert _rows(target) == _rows(small)
        assert all(target.files.read(sha256) == small.files.read(sha256) for sha256 in _named(small))


def _repacked(source: Path, out: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with tarfile.open(source) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        files = {name: member.read() for name, member in members.items() if member is not None}
    change(files)
    with tarfile.open(out, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out


def _add_empty(files: dict[str, bytes], name: str) -> None:
    files[name] = b""


def test_a_backup_of_tables_of_another_revision_is_refused(
    small: Store, empty: Callable[[], Store], tmp_path: Path
) -> None:
    back_up(small, tmp_path / "board.tar")

    def change(files: dict[str, bytes]) -> None:
        files["backup.json"] = files["backup.json"].replace(b'"revision":"0', b'"revision":"9')

    target = empty()
    with pytest.raises(UserError, match=r"tables of revision 9.* Restore it with the version that wrote it"):
        restore(target, _repacked(tmp_path / "board.tar", tmp_path / "newer.tar", change))
    assert _is_empty(target)


def test_a_file_too_much_or_under_another_name_is_refused(
    small: Store, empty: Callable[[], Store], tmp_path: Path
) -> None:
    back_up(small, tmp_path / "board.tar")
    for name in ("files/" + "f" * 64, "../../etc/passwd", "files/../../x"):
        target = empty()
        repacked = _repacked(
            tmp_path / "board.tar", tmp_path / "more.tar", lambda files, name=name: files.update({name: b""})
        )
        with pytest.raises(UserError, match=r"is not what backup\.json describes"):
            restore(target, repacked)
        assert _is_empty(target)
