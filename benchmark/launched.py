"""What each process of a launched pre-training runs: ``python -m benchmark.launched STAGE.json``."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from benchmark.launching import end_with_launcher, tell
from benchmark.stages.pretrain import read_stage, run_pretrain
from sim_envs.errors import UserError


def main() -> None:
    """Take part in a pre-training; errors are told to the job that launched it."""
    end_with_launcher()
    try:
        run_pretrain(read_stage(Path(sys.argv[1])), report=lambda step, steps: tell(step=step, steps=steps))
    except Exception as error:
        kind = "UserError" if isinstance(error, UserError) else type(error).__name__
        message = str(error) if kind == "UserError" else f"{kind}: {error}"
        tell(error={"kind": kind, "message": message})
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
