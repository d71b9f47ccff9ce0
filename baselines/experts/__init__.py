"""Networks made for one task of the benchmark, as transformers has them: their encoders, and their own answers."""

from __future__ import annotations
