"""Networks of the ``transformers`` library: folders of weights, configuration and image processor, and their digest."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from baselines.weights import WeightsFile
from sim_envs.errors import UserError
from sim_envs.storage import digest_file

EXTRA = "experts"
FILES = ("*.json", "*.safetensors")  # of a repository: configuration, image processor, weights


@dataclass(frozen=True)
class Checkpoint:
    """A published network: one repository of the Hugging Face hub, or a folder with the same files.

    Attributes:
        kinds: ``model_type`` of the configurations that will do.
    """

    repository: str
    kinds: tuple[str, ...]

    def at_hand(self) -> Path | None:
        """Return its folder in the hub's cache on this machine, or None."""
        try:
            return _complete(huggingface_hub.snapshot_download(self.repository, local_files_only=True))
        except (LocalEntryNotFoundError, OSError):
            return None

    def find(self, name: str, given: Path | None = None) -> WeightsFile:
        """Return its folder and digest: the one given, the hub's cache, or fetched.

        Raises:
            UserError: there is none, or the library is not installed, with what to do about it.
        """
        if importlib.util.find_spec("transformers") is None:
            raise UserError(f"{name} needs a library: pip install 'tst-bench[{EXTRA}]'.")
        folder = given if given is not None else self.at_hand() or self._fetched()
        if folder is None:
            raise UserError(f"The weights of {name} are not on this machine. {self.how_to_get(name)}")
        if not (folder / "config.json").is_file():
            raise UserError(f"--weights {name}={folder}: no folder with a config.json. {self.how_to_get(name)}")
        return WeightsFile(folder, digest_folder(folder))

    def how_to_get(self, name: str) -> str:
        """Say how a person gets the files."""
        return (
            "Where the Hugging Face hub can be reached they come by themselves. Elsewhere run hf download"
            f" {self.repository} --local-dir FOLDER, copy the folder here, and add --weights {name}=FOLDER."
        )

    def check(self, folder: Path) -> Any:
        """Return the configuration of a folder.

        Raises:
            UserError: it is of another kind of network.
        """
        from transformers import AutoConfig

        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{folder} cannot be read: {_first_line(error)}. Fetch it anew.") from error
        if config.model_type not in self.kinds:
            wanted = " or ".join(self.kinds)
            raise UserError(f"{folder} holds a network of the kind {config.model_type}; {wanted} is asked for.")
        return config

    def load(self, folder: Path, auto_model: str, device: torch.device) -> tuple[Any, Any]:
        """Return the network in evaluation mode and its image processor.

        Args:
            auto_model: class of ``transformers`` that reads it.

        Raises:
            UserError: the files are damaged, or do not fill the network.
        """
        import transformers

        self.check(folder)
        try:
            network, told = getattr(transformers, auto_model).from_pretrained(
                folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
            processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise UserError(f"{folder} cannot be read: {_first_line(error)}. Fetch it anew.") from error
        if missing := sorted(told["missing_keys"]):  # the library would fill them at random
            raise UserError(f"{folder} lacks {len(missing)} weights ({', '.join(missing[:3])} …). Fetch it anew.")
        return network.eval().requires_grad_(False).to(device), processor

    def _fetched(self) -> Path | None:
        try:
            return _complete(huggingface_hub.snapshot_download(self.repository, allow_patterns=list(FILES)))
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
            return None


def digest_folder(folder: Path) -> str:
    """Return one SHA-256 over the names and contents of the files that decide what a network answers."""
    sha = hashlib.sha256()
    for path in sorted({path for pattern in FILES for path in folder.glob(pattern)}):
        sha.update(f"{path.name}|{digest_file(path)}|".encode())
    return sha.hexdigest()


def _complete(folder: str) -> Path | None:
    """Return a folder of the cache if weights have arrived there too."""
    path = Path(folder)
    return path if (path / "config.json").is_file() and any(path.glob("*.safetensors")) else None


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
