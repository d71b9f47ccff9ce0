"""An expert as a network of the zoo: its encoder for the transfer that all models get, and its answers without one."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.experts.expert import EXTRA, Expert, Session
from baselines.frame_encoder import FrameEncoder, working_size
from baselines.ledger import Entry
from baselines.networks import Network
from baselines.weights import HUB_FILES, UNREADABLE, WeightsFile, cached, download
from sim_envs.errors import UserError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ExpertNetwork(Network):
    """An expert of transformers. Its weights are a folder with the files of its repository on the hub."""

    expert: Expert
    data: tuple[Entry, ...] = ()
    licence: str = ""
    parameters: int | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """Kind, repository and shape."""
        expert = self.expert
        return {"expert": type(expert).__name__, "repository": expert.repository, "shape": dict(expert.shape)}

    @property
    def needs_weights(self) -> bool:
        """An expert of nothing is none."""
        return True

    @property
    def zero_shot_tasks(self) -> tuple[str, ...]:
        """The task that it was made for."""
        return (self.expert.task,)

    @property
    def zero_shot_parameters(self) -> int:
        """Weights of the whole expert."""
        with torch.device("meta"), _quiet():
            return sum(parameter.numel() for parameter in self.expert.random_model().parameters())

    def build(self, height: int, width: int, *, seed: int = 0) -> FrameEncoder:
        """Return the part before the decoder, at the size that all networks of the zoo work at.

        Raises:
            UserError: transformers is not installed.
        """
        _require_transformers()
        expert = self.expert
        size = working_size(height, width, expert.trained_at, expert.multiple)
        with torch.random.fork_rng(devices=[]), _quiet():
            torch.manual_seed(seed)
            # Some weights of transformers are made on the CPU whatever device is asked for.
            network = expert.encoder(expert.random_model()).to(torch.get_default_device())
        return FrameEncoder(network, network.channels, mean=expert.mean, std=expert.std, size=size)

    def load(self, encoder: FrameEncoder, path: Path) -> None:
        """Put the weights of the expert's own encoder into one that :meth:`build` made."""
        network = self.expert.encoder(self._read(path))
        try:
            encoder.network.load_state_dict(network.state_dict())
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise UserError(f"{path} is not {self.expert.repository}: {first}") from error

    def zero_shot(
        self, task: str, categories: Sequence[str], path: Path, device: torch.device
    ) -> Callable[[np.ndarray], Any]:
        """Return what the expert says of frames by itself (see :class:`~baselines.networks.Network`)."""
        assert task == self.expert.task
        processor_class = self.expert.classes()[2]
        model = self._read(path).to(device).eval()
        try:
            processor = processor_class.from_pretrained(path, local_files_only=True)  # type: ignore[attr-defined]
        except UNREADABLE as error:
            raise UserError(f"Cannot read preprocessor_config.json in {path}: {_reason(error)}.") from error
        session = Session(model, processor, path, tuple(categories), device)
        strangers = self.expert.without_meaning(session)
        if strangers:
            LOG.warning("Classes of %s that mean no category: %s.", self.expert.repository, "; ".join(strangers))

        def answer(rgb: np.ndarray) -> Any:
            with torch.inference_mode():
                return self.expert.answer(session, rgb)

        return answer

    def find_weights(self, name: str, given: Path | None = None) -> Path | None:
        """Return the folder of the weights.

        Raises:
            UserError: there is none, or it lacks a file.
        """
        if given is not None:
            if not given.is_dir():
                raise UserError(f"--weights {name}={given}: no such folder. {self.how_to_get_weights(name)}")
            self._weights_in(given)
            return given
        return super().find_weights(name)

    def weights_file(self, path: Path) -> WeightsFile:
        """Return the folder with a digest over the files that the expert is read from."""
        return WeightsFile.of_folder(path, (*self.expert.files, self._weights_in(path)))

    def weights_at_hand(self) -> Path | None:
        """Look into the hub's cache for all files."""
        return self._in_one_folder(cached)

    def fetch_weights(self) -> Path | None:
        """Look into the hub's cache, then ask the hub."""
        return self.weights_at_hand() or self._in_one_folder(download)

    def how_to_get_weights(self, name: str) -> str:
        """Name the repository and its files."""
        files = " ".join((*self.expert.files, HUB_FILES[0]))
        repository = self.expert.repository
        return (
            f"Where the Hugging Face hub can be reached they come by themselves. Elsewhere fetch the files of"
            f" {repository} (hf download {repository} {files} --local-dir FOLDER), copy the folder here, and add"
            f" --weights {name}=FOLDER." + (f" {self.licence}." if self.licence else "")
        )

    def _in_one_folder(self, find: Callable[[str, tuple[str, ...]], Path | None]) -> Path | None:
        folders = set()
        for alternatives in (*((file,) for file in self.expert.files), HUB_FILES):
            found = find(self.expert.repository, alternatives)
            if found is None:
                return None
            folders.add(found.parent)
        return folders.pop() if len(folders) == 1 else None

    def _weights_in(self, folder: Path) -> str:
        """Return the name of the weights file in a complete folder."""
        missing = [file for file in self.expert.files if not (folder / file).is_file()]
        weights = [file for file in HUB_FILES if (folder / file).is_file()]
        missing += [] if weights else [HUB_FILES[0]]
        if missing:
            raise UserError(
                f"{folder} lacks {', '.join(missing)} of {self.expert.repository}. Fetch the whole repository."
            )
        return weights[0]

    def _read(self, folder: Path) -> Any:
        """Return the whole expert with the weights of a folder, every one of them.

        Raises:
            UserError: a file is missing or damaged, or not all weights are there.
        """
        _require_transformers()
        self._weights_in(folder)
        _, model_class, _ = self.expert.classes()
        try:
            with _quiet():
                model, report = model_class.from_pretrained(  # type: ignore[attr-defined]
                    folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
                )
        except UNREADABLE as error:
            raise UserError(f"Cannot read {self.expert.repository} from {folder}: {_reason(error)}.") from error
        missing = sorted(report["missing_keys"])
        if missing:
            raise UserError(
                f"{folder} holds no whole {self.expert.repository}: {len(missing)} weights are missing"
                f" ({', '.join(missing[:3])} …)."
            )
        return model


def _require_transformers() -> None:
    if importlib.util.find_spec("transformers") is None:
        raise UserError(f"Task experts need the extra '{EXTRA}': pip install -c constraints.txt -e '.[{EXTRA}]'.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from telling what is said here in one message."""
    from transformers.utils import logging as theirs

    before, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(theirs.CRITICAL)
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        theirs.set_verbosity(before)
        if bars:
            theirs.enable_progress_bar()


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".")[:300] if text else type(error).__name__
