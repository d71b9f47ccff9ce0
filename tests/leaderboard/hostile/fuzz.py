"""Change a good submission at random, for as long as one likes: it is taken, or refused for a reason.

``python -m tests.leaderboard.hostile.fuzz --minutes 10`` makes a small run, or takes ``--submission`` and ``--suite``,
and prints what it has tried; it ends with 1 and leaves the file when anything but a refusal came out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.suites import Suite, load_suite
from leaderboard.manifest import MANIFEST
from leaderboard.refusal import Refusal
from leaderboard.submission import pack_submission
from leaderboard.validation import validate
from tests.leaderboard.board_kit import make_run
from tests.leaderboard.hostile.archives import Good, good
from tests.leaderboard.hostile.forging import forged, member, npy, plain_zip

NUMBERS = [0, -1, 1, 255, 2**31, 2**63 - 1, 2**64, 10**30, 1e308, 0.5]
VALUES: list[Any] = [
    *NUMBERS,
    None,
    True,
    "",
    "x",
    "\0",
    "\ud800",
    "../x",
    "é" * 2000,
    [],
    {},
    [[]],
    {"": ""},
    [1] * 999,
]
KINDS = ["<i8", ">i8", "|u1", "<u8", "<f4", "<f8", "|b1", "<U7", "<U0", "|S3", "<c8", "<M8[s]"]


def bytes_changed(content: bytes, random: np.random.Generator) -> bytes:
    """Flip, cut, repeat and move some bytes."""
    changed = bytearray(content)
    for _ in range(random.integers(1, 5)):
        if not changed:
            break
        start, length = int(random.integers(len(changed))), int(random.integers(1, 64))
        match random.integers(5):
            case 0:
                changed[start] = int(random.integers(256))
            case 1:
                changed[start] ^= 1 << int(random.integers(8))
            case 2:
                del changed[start : start + length]
            case 3:
                changed[start:start] = changed[start : start + length]
            case _:
                changed[start : start + 4] = int(random.choice([0, 1, 2**31 - 1, 2**32 - 1])).to_bytes(4, "little")
    return bytes(changed)


def archive_changed(taken: Good, random: np.random.Generator) -> bytes:
    """Change bytes anywhere, or swap, drop, repeat and rename files of a well-made archive."""
    if random.random() < 0.5:
        return bytes_changed(taken.content, random)
    members = list(taken.members)
    first, second = random.integers(len(members), size=2)
    match random.integers(4):
        case 0:
            members[first], members[second] = members[second], members[first]
        case 1:
            members.insert(int(first), members[second])
        case 2:
            del members[first]
        case _:
            members[first] = member(members[second].name, members[first].content)
    return forged(members)


def manifest_changed(taken: Good, random: np.random.Generator) -> bytes:
    """Put another value in one or two places of the manifest, or change its text."""
    if random.random() < 0.2:
        return taken.with_manifest(bytes_changed(taken.files[MANIFEST], random))
    fields = taken.fields
    for _ in range(random.integers(1, 3)):
        where: Any = fields
        while True:
            keys = list(where) if isinstance(where, dict) else list(range(len(where)))
            if not keys:
                break
            key = keys[int(random.integers(len(keys)))]
            inner = where[key]
            if not isinstance(inner, (dict, list)) or not inner or random.random() < 0.1:
                if random.random() < 0.1:
                    del where[key]
                else:
                    where[key] = VALUES[int(random.integers(len(VALUES)))]
                break
            where = inner
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    return taken.with_manifest(text.encode("utf-8", "surrogatepass"))


def predictions_changed(taken: Good, random: np.random.Generator) -> bytes:
    """Change a prediction file: its bytes, the headers of its arrays, or their values, types and shapes."""
    task = sorted({row["task"] for row in taken.fields["rows"]})[int(random.integers(4))]
    if random.random() < 0.4:
        return taken.with_predictions(task, bytes_changed(taken.files[taken.name_of(task)], random) or b"x")
    arrays = taken.arrays(task)
    name = sorted(arrays)[int(random.integers(len(arrays)))]
    files = {each: npy(array) for each, array in arrays.items()}
    if random.random() < 0.4:
        files[name] = bytes_changed(files[name][:128], random) + files[name][128:]
    else:
        files[name] = npy(array_changed(arrays[name], random))
    return taken.with_predictions(task, plain_zip({f"{each}.npy": content for each, content in files.items()}, 8))


def array_changed(array: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an array of other values, of another type, or of another shape."""
    match random.integers(4):
        case 0:
            raw = bytearray(array.tobytes())
            for _ in range(random.integers(1, 9)):
                if raw:
                    raw[int(random.integers(len(raw)))] = int(random.integers(256))
            return np.frombuffer(bytes(raw), array.dtype).reshape(array.shape)
        case 1:
            kind = np.dtype(KINDS[int(random.integers(len(KINDS)))])
            return np.frombuffer(random.bytes(max(1, kind.itemsize) * 8), kind) if kind.itemsize else np.zeros(8, kind)
        case 2:
            return array[: int(random.integers(len(array) + 1))] if array.ndim else array
        case _:
            return array.reshape(-1) if random.random() < 0.5 else array[..., None]


CHANGES: Mapping[str, Callable[[Good, np.random.Generator], bytes]] = {
    "archive": archive_changed,
    "manifest": manifest_changed,
    "predictions": predictions_changed,
}
"""What is changed → how."""


def attempt(content: bytes, suites: Mapping[str, Suite], folder: Path) -> str:
    """Validate a file; return why it is refused, "" when it is taken. Whatever else is raised is a bug."""
    path = folder / "changed.zip"
    path.write_bytes(content)
    try:
        validate(path, suites)
    except Refusal as refusal:
        found = refusal
    else:
        return ""
    assert str(found).isprintable()
    assert len(str(found)) < 2000
    return found.reason


def fuzz(taken: Good, suites: Mapping[str, Suite], seconds: float, seed: int, folder: Path) -> bool:
    """Try for so many seconds; return whether nothing but refusals came out."""
    random, found, end, names = np.random.default_rng(seed), Counter[str](), time.monotonic() + seconds, sorted(CHANGES)
    faults: Counter[str] = Counter()
    while time.monotonic() < end:
        name = names[int(random.integers(len(names)))]
        content = CHANGES[name](taken, random)
        start = time.monotonic()
        try:
            reason = attempt(content, suites, folder) or "taken"
            assert (name, reason) != ("archive", "taken") or content == taken.content, "an archive in another form"
            found[f"{name}: {reason}"] += 1
        except Exception as error:
            fault = f"{type(error).__name__}: {traceback.extract_tb(error.__traceback__)[-1]}"
            faults[fault] += 1
            if faults[fault] == 1:
                kept = folder / f"fault-{len(faults)}.zip"
                kept.write_bytes(content)
                print(f"{kept}: {error}", traceback.format_exc(), sep="\n", file=sys.stderr)
        if (took := time.monotonic() - start) > 10:
            print(f"{name}: {took:.1f} s", file=sys.stderr)
    print(*(f"{times:8,} {what}" for what, times in sorted(found.items())), sep="\n")
    print(f"{sum(found.values()):8,} in all, {sum(faults.values())} faults: {dict(faults)}")
    return not faults


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--submission", type=Path)
    parser.add_argument("--suite", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tst-bench-fuzz-"))
    if options.submission and options.suite:
        suite = load_suite(str(options.suite))
        suites, path = {suite.name: suite}, options.submission
    else:
        (folder / "run").mkdir()
        run = make_run(folder / "run")
        suites, path = run.suites, folder / "good.zip"
        pack_submission(run.folder, path, suites)
    ended_well = fuzz(good(path), suites, 60 * options.minutes, options.seed, folder)
    sys.exit(0 if ended_well else 1)


if __name__ == "__main__":
    main()
