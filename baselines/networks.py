"""Networks of the zoo: how an encoder is built, where its weights come from, and what they were trained on."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn

from baselines.frame_encoder import FrameEncoder, TimmFeatures, is_plain_vit, layers_of, working_size
from baselines.ledger import Entry
from baselines.weights import HUB_FILES, WeightsFile, cached, download, fit, read_state
from sim_envs.errors import UserError, unknown


class Network(ABC):
    """One way to come by an encoder. A network of your own is a class with :meth:`build`, and whatever else differs.

    Attributes:
        data: what its weights were trained on; the track follows from it. Empty: they are random.
        licence: of the weights, in a few words, "" where there is nothing to say.
        parameters: of the encoder that :meth:`build` makes, where the row knows without building it.
    """

    data: tuple[Entry, ...] = ()
    licence: str = ""
    parameters: int | None = None

    @abstractmethod
    def build(self, height: int, width: int, *, seed: int = 0) -> FrameEncoder:
        """Return the encoder for frames of this size, with random weights that depend on the seed alone."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What, besides weights and frame size, decides the encoder's outputs; JSON-like. It names stages on disk."""
        return {"class": f"{type(self).__module__}.{type(self).__qualname__}"}

    @property
    def needs_weights(self) -> bool:
        """Whether it makes no sense without trained weights."""
        return False

    def weights_at_hand(self) -> Path | None:
        """Return the weights file that is on this machine already, or None; nothing is fetched."""
        return None

    def fetch_weights(self) -> Path | None:
        """Return the weights file, fetched if need be, or None where that cannot be done."""
        return self.weights_at_hand()

    def how_to_get_weights(self, name: str) -> str:
        """Say in one or two sentences how a person gets the weights of the model ``name``."""
        return f"Name a file: --weights {name}=PATH."

    def load(self, encoder: FrameEncoder, path: Path) -> None:
        """Put the weights of a file into an encoder that :meth:`build` made.

        Raises:
            UserError: the file is not readable, or not of this network.
        """
        state = read_state(path)
        try:
            encoder.load_state_dict(dict(state))
        except RuntimeError as error:
            raise UserError(f"{path} does not fit: {' '.join(str(error).split())[:300]}") from error

    def check(self, path: Path, height: int, width: int) -> None:
        """Make sure, before a run begins, that :meth:`load` will take a file.

        Raises:
            UserError: as :meth:`load`.
        """
        self.load(self.build(height, width), path)

    def weights_file(self, path: Path) -> WeightsFile:
        """Return what :meth:`find_weights` found with the digest that names it in stages and results."""
        return WeightsFile.of(path)

    @property
    def zero_shot_tasks(self) -> tuple[str, ...]:
        """Tasks that the network answers as it is, without any transfer."""
        return ()

    @property
    def zero_shot_parameters(self) -> int:
        """Weights of what answers them, which is more than the encoder."""
        return 0

    def zero_shot(
        self, task: str, categories: Sequence[str], path: Path, device: torch.device
    ) -> Callable[[np.ndarray], Any]:
        """Return a function from (N, H, W, 3) uint8 frames to what a head of the task would give for them.

        Args:
            task: one of :attr:`zero_shot_tasks`.
            categories: of the task, evaluation ids 1…K.
            path: of the weights.

        Raises:
            UserError: the weights are damaged.
        """
        raise UserError(f"{type(self).__name__} answers no task without transfer.")

    def find_weights(self, name: str, given: Path | None = None) -> Path | None:
        """Return the file to read weights from; None for a network without trained weights.

        Args:
            name: of the model, for messages.
            given: what the user named; it beats every other place.

        Raises:
            UserError: there are none, with what to do about it.
        """
        if given is not None:
            if not self.needs_weights:
                raise UserError(f"--weights {name}={given}: {name} has no weights to read.")
            if not given.is_file():
                raise UserError(f"--weights {name}={given}: no such file.")
            return given
        if not self.needs_weights:
            return None
        found = self.fetch_weights()
        if found is None:
            raise UserError(f"The weights of {name} are not on this machine. {self.how_to_get_weights(name)}")
        return found


@dataclass(frozen=True)
class TimmNetwork(Network):
    """A network of timm, vision transformer or convolutional, with the weights that timm knows under a tag.

    Attributes:
        timm_name: architecture, a full stop, and the tag of the weights: ``vit_base_patch16_224.mae``.
        stride: pixels of its input to one token, for networks with several maps; None takes the last one.
    """

    timm_name: str
    data: tuple[Entry, ...] = ()
    licence: str = ""
    parameters: int | None = None
    stride: int | None = None

    @cached_property
    def configuration(self) -> Any:
        """timm's description of the weights: input size, mean, standard deviation, where they are."""
        known = timm.list_pretrained()
        if self.timm_name not in known and not (timm.is_model(self.timm_name) and "." not in self.timm_name):
            raise unknown("timm model", self.timm_name, known)
        found = timm.get_pretrained_cfg(self.timm_name)
        if found is None or not found.has_weights:
            raise UserError(f"timm has the network {self.timm_name} without trained weights. Take another one.")
        return found

    @property
    def trained_at(self) -> int:
        """Pixels of a side of the network's own input."""
        return int(min(self.configuration.input_size[1:]))

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, layer and timm's constants."""
        return {
            "timm": self.timm_name,
            "stride": self.stride,
            "mean": list(self.configuration.mean),
            "std": list(self.configuration.std),
        }

    @property
    def needs_weights(self) -> bool:
        """Random weights under a well-known name would be a lie."""
        return True

    def build(self, height: int, width: int, *, seed: int = 0) -> FrameEncoder:
        """Return the encoder, at the size that :func:`~baselines.frame_encoder.working_size` gives.

        Networks that take no size but their own get it.
        """
        size, norm = _fitting(self, height, width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            features = TimmFeatures(self.model(size), self.stride, norm=norm)
        mean, std = self.configuration.mean, self.configuration.std
        return FrameEncoder(features, features.channels, mean=mean, std=std, size=size)

    @cached_property
    def is_plain_vit(self) -> bool:
        """Whether it is a ViT with learned positions, whose patches can be masked."""
        with torch.device("meta"):
            return is_plain_vit(self.model())

    def call(self, encoder: FrameEncoder) -> dict[str, Any]:
        """Return the arguments of ``timm.create_model`` that build the network inside an encoder of :meth:`build`."""
        size = {} if encoder.size is None else {"img_size": list(encoder.size)}
        return {"model_name": self.timm_name, "num_classes": 0, "global_pool": "", **size}

    def weights_at_hand(self) -> Path | None:
        """Look into the hub's cache."""
        return cached(self.repository, self._files) if self.repository else None

    def fetch_weights(self) -> Path | None:
        """Look into the hub's cache, then ask the hub."""
        if not self.repository:
            return None
        return self.weights_at_hand() or download(self.repository, self._files)

    def how_to_get_weights(self, name: str) -> str:
        """Name the repository and the file."""
        if not self.repository:
            return f"Name a file: --weights {name}=PATH."
        file = self._files[0]
        return (
            f"Where the Hugging Face hub can be reached they come by themselves. Elsewhere fetch {file} of"
            f" {self.repository} (hf download {self.repository} {file}), copy it here, and add"
            f" --weights {name}=PATH/{file}." + (f" {self.licence}." if self.licence else "")
        )

    def load(self, encoder: FrameEncoder, path: Path) -> None:
        """Read a file of the hub, of the original authors, or saved from timm (.safetensors or pickled)."""
        self._fit(encoder, read_state(path), path)

    def check(self, path: Path, height: int, width: int) -> None:
        """Compare names and shapes alone."""
        with torch.device("meta"):
            encoder = self.build(height, width)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*copying from a non-meta parameter")
            self.load(encoder, path)

    def _fit(self, encoder: FrameEncoder, state: Mapping[str, torch.Tensor], path: Path) -> None:
        features = encoder.network
        assert isinstance(features, TimmFeatures)
        fit(features.model, state, self.whole(encoder.size), self.timm_name, path)

    def whole(self, size: tuple[int, int] | None) -> nn.Module:
        """Return the network with every layer, classifier included, as shapes without values."""
        with torch.device("meta"):
            return self.model(size, num_classes=None)

    @property
    def repository(self) -> str:
        """Return the hub's repository of the weights, "" where they are elsewhere."""
        return self.configuration.hf_hub_id or ""

    @property
    def _files(self) -> tuple[str, ...]:
        named = self.configuration.hf_hub_filename
        return (named,) if named else HUB_FILES

    def model(self, size: tuple[int, int] | None = None, num_classes: int | None = 0) -> nn.Module:
        """Return the network with random weights, for inputs of a size (None: its own).

        Args:
            num_classes: None keeps the classifier that its weights have.
        """
        arguments = {} if num_classes is None else {"num_classes": num_classes}
        if size is not None:
            try:
                model: nn.Module = timm.create_model(self.timm_name, pretrained=False, img_size=size, **arguments)
                return model
            except TypeError as error:  # convolutional networks take any size, and no word about it
                if "img_size" not in str(error):
                    raise
        model = timm.create_model(self.timm_name, pretrained=False, **arguments)
        return model


@cache
def _fitting(network: TimmNetwork, height: int, width: int) -> tuple[tuple[int, int], bool]:
    """Return the size at which a network takes frames, and whether its features go through its final norm.

    Found by trying, on shapes alone: what a network can do is written nowhere.

    Raises:
        UserError: it gives no feature maps at any size.
    """
    own = network.configuration.input_size[1:]
    with torch.device("meta"):
        strides = [stride for stride, _ in layers_of(network.model())]
        wanted = working_size(height, width, network.trained_at, max(strides))
        for size, norm in ((wanted, True), (wanted, False), (own, True), (own, False)):
            try:
                features = TimmFeatures(network.model(size), network.stride, norm=norm).eval()
                map_shape = features(torch.zeros(1, 3, *size)).shape
            except (AssertionError, RuntimeError, ValueError):
                continue
            if len(map_shape) == 4 and map_shape[1] == features.channels:
                return tuple(size), norm
    raise UserError(f"{network.timm_name} gives no feature map of {width} × {height} frames. Take another model.")
