"""What the doctor says: one finding a row, and the report that goes into a bug report."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from benchmark.environment import Environment

FORMAT_VERSION = 1
Status = Literal["ok", "absent", "warning", "failure"]
"""``absent``: optional and not here. ``warning``: here and not right, but the main job runs. ``failure``: it cannot."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Part):
    """One row.

    Attributes:
        name: what was looked at.
        status: see :data:`Status`.
        found: what was seen.
        advice: what to do about it; "" when nothing needs doing.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


class Report(_Part):
    """All rows of one machine, as ``tst-bench doctor --json`` prints them.

    Attributes:
        main_job: whether ``tst-bench demo`` and its like can run here: no finding is a failure.
    """

    format_version: int = FORMAT_VERSION
    main_job: bool
    findings: tuple[Finding, ...]
    environment: Environment

    def anonymised(self) -> Report:
        """Return the report without the names of this machine and its user."""
        findings = tuple(
            finding.model_copy(update={"found": anonymous(finding.found), "advice": anonymous(finding.advice)})
            for finding in self.findings
        )
        return self.model_copy(update={"findings": findings})


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes:
        name: of its first finding.
        look: data home → findings, in order.
    """

    name: str
    look: Callable[[Path], list[Finding]]


def anonymous(text: str) -> str:
    """Return a text without the names of this machine and its user: ``~``, ``<user>`` and ``<host>`` stand for them."""
    for folder in sorted({str(Path.home()), str(Path.home().resolve())}, key=len, reverse=True):
        if folder != "/":
            text = re.sub(re.escape(folder) + r"(?=/|\W|$)", "~", text)
    host = socket.gethostname()
    names = {host: "<host>", host.partition(".")[0]: "<host>", _user(): "<user>"}
    for name, stands in names.items():
        if name and name != "localhost":
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", stands, text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return ""
