"""4M's encoder as a network of timm: what it is (:mod:`~baselines.fourm.vit`), under names that timm knows."""

from __future__ import annotations
