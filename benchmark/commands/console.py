"""The two places commands print to: results on standard output, everything else on standard error."""

from __future__ import annotations

from rich.console import Console

out = Console(soft_wrap=True)
note = Console(stderr=True, soft_wrap=True)
