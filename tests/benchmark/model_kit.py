"""A package of somebody else that brings a model, as one class, one row and one entry point."""

from __future__ import annotations

from pathlib import Path

THIRD_PARTY = """
import torch
from baselines.frame_encoder import FrameEncoder
from baselines.ledger import Entry
from baselines.networks import Network
from baselines.zoo import Model

class Colours(Network):
    data = (Entry(role="web", source="a colour chart", modalities=("rgb",), frames=3, labels="classes"),)

    def build(self, height, width, *, seed=0):
        return FrameEncoder(torch.nn.AvgPool2d(4), 3, mean=(0.4, 0.4, 0.4), std=(0.2, 0.2, 0.2))

COLOURS = Model("colours", "the mean colour of every block of 4 pixels", network=Colours())
"""


def install_model(site: Path) -> Path:
    """Install a package with a model named ``colours``, and return the folder for ``PYTHONPATH``."""
    (site / "third-1.dist-info").mkdir(parents=True)
    (site / "third-1.dist-info" / "METADATA").write_text("Name: third\nVersion: 1\n", encoding="utf-8")
    entry = "[tst_bench.models]\ncolours = third_party_colours:COLOURS\n"
    (site / "third-1.dist-info" / "entry_points.txt").write_text(entry, encoding="utf-8")
    (site / "third_party_colours.py").write_text(THIRD_PARTY, encoding="utf-8")
    return site
