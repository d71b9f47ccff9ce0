"""4M: generalists that learned to predict every modality from every other, as encoders of RGB alone.

All modalities but RGB and text were pseudo labels: depth and normals by Omnidata, masks by Mask2Former, boxes by
ViTDet, features by CLIP, and in 4M-21 also features by DINOv2 and ImageBind, edges and instances by SAM, poses by
4DHumans. These networks spoke when 4M was trained, not in this benchmark, so they are no teachers of ours; nor do
their outputs make a task expert, because 4M is made for no task in particular. The paper counts it among the
generalists too.
"""

from __future__ import annotations

import baselines.fourm.vit  # noqa: F401 (timm knows the networks from here on)
from baselines.ledger import Entry
from baselines.networks import TimmNetwork
from baselines.zoo.model import Model

LICENCE = "Sample Code License of EPFL and Apple: no commercial use"


def _data(source: str, samples: int, modalities: tuple[str, ...]) -> Entry:
    return Entry(role="web", source=source, modalities=modalities, frames=samples, labels="pseudo")


_SEVEN = ("rgb", "caption", "depth", "normals", "semantic", "boxes", "CLIP")
_TWENTY_ONE = (*_SEVEN, "DINOv2", "ImageBind", "SAM", "edges", "poses", "metadata", "colours")
CC12M_7 = _data("CC12M", 12_400_000, _SEVEN)
CC12M_21 = _data("CC12M", 12_400_000, _TWENTY_ONE)
COYO_21 = _data("COYO-700M", 700_000_000, _TWENTY_ONE)

FOURM = (
    Model(
        "4m-7-b",
        "4M-7 ViT-B/16: any-to-any masked modelling of 7 modalities of web images",
        network=TimmNetwork("fourm_base_patch16_224.mod7_cc12m", (CC12M_7,), LICENCE, 85_694_976),
    ),
    Model(
        "4m-21-b",
        "4M-21 ViT-B/16: any-to-any masked modelling of 21 modalities of web images",
        network=TimmNetwork("fourm_base_patch16_224.mod21", (CC12M_21, COYO_21), LICENCE, 85_694_976),
    ),
    Model(
        "4m-21-l",
        "4M-21 ViT-L/16: any-to-any masked modelling of 21 modalities of web images",
        network=TimmNetwork("fourm_large_patch16_224.mod21", (CC12M_21, COYO_21), LICENCE, 302_979_072),
    ),
)
