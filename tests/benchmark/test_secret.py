"""The secret of hidden trajectories: made once, for its owner alone, and never seen."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmark.secret import Secret, secret_in
from sim_envs.errors import UserError


def test_a_secret_that_is_not_there_is_made_with_256_bits_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "board" / "secret"
    secret = secret_in(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (len(secret.value), path.read_text().strip()) == (32, secret.value.hex())
    assert [p.name for p in path.parent.iterdir()] == ["secret"]


def test_a_secret_stays_what_it_is_and_no_two_are_alike(tmp_path: Path) -> None:
    assert secret_in(tmp_path / "one") == secret_in(tmp_path / "one")
    assert secret_in(tmp_path / "one") != secret_in(tmp_path / "other")


def test_those_who_make_it_at_the_same_time_get_the_same_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: secret_in(tmp_path / "secret"), range(16)))
    assert len(found) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    secret_in(tmp_path / "secret")
    (tmp_path / "secret").chmod(mode)
    with pytest.raises(UserError, match=r"can be read by others\. chmod 600"):
        secret_in(tmp_path / "secret")


@pytest.mark.parametrize("content", [b"", b"0" * 63, b"0" * 65, b"g" * 64, b"\xff" * 64, b"12345\n"])
def test_a_file_that_holds_no_secret_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UserError, match="holds no secret"):
        secret_in(path)
    assert path.read_bytes() == content


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Cannot write"):
        secret_in(tmp_path / "secret")


def test_what_is_printed_of_a_secret_says_nothing_of_it() -> None:
    secret = Secret(bytes(range(32)))
    assert repr(secret) == str(secret) == "Secret()"


def test_keys_are_hmac_sha256_of_the_purpose_as_json() -> None:
    secret = Secret(bytes(range(32)))
    expected = hmac.new(bytes(range(32)), json.dumps(["walk", 3], separators=(",", ":")).encode(), hashlib.sha256)
    assert secret.key("walk", 3).value == expected.digest()


def test_purposes_that_could_be_taken_for_each_other_have_keys_of_their_own() -> None:
    secret = Secret(bytes(32))
    purposes: list[tuple[str | int, ...]] = [("a", "b"), ("ab",), ("a,b",), ("b", "a"), ("a", 1), ("a", "1"), ("a1",)]
    assert len({secret.key(*purpose).value for purpose in purposes}) == len(purposes)
    assert secret.seed("walk") >= 2**128
