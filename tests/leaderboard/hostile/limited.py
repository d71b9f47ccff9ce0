"""Validate files as ``tst-bench leaderboard validate`` does, in a process that gets little memory and time.

``python -m tests.leaderboard.hostile.limited SUITE FOLDER`` prints, for each file of the folder, a line of JSON: its
name, the reason for which it is refused ("" when it is taken), and the seconds that took.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmark.suites import load_suite
from leaderboard.refusal import Refusal
from leaderboard.validation import validate
from leaderboard.worker.confined import confine

MEMORY_BYTES = 512 << 20
CPU_SECONDS = 60


def main() -> None:
    """Validate one file after another; whatever is no refusal ends the process with a traceback."""
    suite = load_suite(sys.argv[1])
    confine(CPU_SECONDS, MEMORY_BYTES, 0, MEMORY_BYTES)
    for path in sorted(Path(sys.argv[2]).iterdir()):
        reason, start = "", time.process_time()
        try:
            validate(path, {suite.name: suite})
        except Refusal as refusal:
            reason = refusal.reason
        print(json.dumps({"file": path.name, "reason": reason, "seconds": time.process_time() - start}), flush=True)


if __name__ == "__main__":
    main()
