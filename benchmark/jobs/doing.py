"""What happens in the process of a job, wherever that is."""

from __future__ import annotations

import sys
import traceback

from benchmark.jobs import Job, Report
from sim_envs.errors import UserError


def do(job: Job, threads: int, report: Report) -> str:
    """Run a job with everything it prints in its log, and return why it failed, "" when it did not."""
    import torch

    torch.set_num_threads(threads)
    with job.log.open("a", encoding="utf-8", buffering=1) as log:
        before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = log
        try:
            job.function(**job.arguments, report=report)
        except UserError as error:
            log.write(f"{error}\n")
            return str(error)
        except Exception as error:
            log.write(traceback.format_exc())
            return f"{type(error).__name__}: {error}"
        finally:
            sys.stdout, sys.stderr = before
    return ""
