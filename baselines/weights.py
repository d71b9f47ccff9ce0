"""Weight files of other people's networks: finding them, reading them, and making sure that all of them arrived."""

from __future__ import annotations

import importlib
import inspect
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub
import safetensors
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
from timm.models import load_state_dict, model_entrypoint
from torch import Tensor, nn

from sim_envs.errors import UserError
from sim_envs.storage import digest_file, digest_json

HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # what repositories of timm's weights hold, the better first
CLASSIFIERS = ("head", "head_dist", "classifier", "fc")  # named so in files whose model, as timm has it, lacks one
UNREADABLE = (
    safetensors.SafetensorError,
    pickle.UnpicklingError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    AttributeError,  # timm's, where a file holds something else than a table of tensors
    TypeError,
    KeyError,
)
State = Mapping[str, Tensor]


@dataclass(frozen=True)
class WeightsFile:
    """A file or folder that weights are read from, and the SHA-256 of its bytes."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> WeightsFile:
        """Read a file's digest.

        Raises:
            UserError: no such file.
        """
        if not path.is_file():
            raise UserError(f"No weights file at {path}.")
        return cls(path, digest_file(path))

    @classmethod
    def of_folder(cls, folder: Path, files: Sequence[str]) -> WeightsFile:
        """Read the digest of weights that come as several files of a folder."""
        return cls(folder, digest_json({file: digest_file(folder / file) for file in files}))


def cached(repository: str, files: tuple[str, ...] = HUB_FILES) -> Path | None:
    """Return a file of a hub repository that lies in the hub's cache on this machine, or None."""
    for name in files:
        found = huggingface_hub.try_to_load_from_cache(repository, name)
        if isinstance(found, str):
            return Path(found)
    return None


def download(repository: str, files: tuple[str, ...] = HUB_FILES) -> Path | None:
    """Return a file of a hub repository, fetched into the hub's cache; None where the hub has or gives none."""
    for name in files:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, name))
        except LocalEntryNotFoundError:  # no connection: another file name would not help
            return None
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError):
            return None
    return None


def read_state(path: Path) -> dict[str, Tensor]:
    """Read tensors by name from a ``.safetensors`` file or a pickled one; code in a pickle is never run.

    Raises:
        UserError: no such file, cut short, or something else than weights.
    """
    if not path.is_file():
        raise UserError(f"No weights file at {path}.")
    try:
        state = load_state_dict(str(path), use_ema=True, weights_only=True)
    except UNREADABLE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"Cannot read weights from {path}: {reason.rstrip('.')}. Is it whole? Fetch it anew."
        ) from error
    if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path} holds no weights by name.")
    return state


def fit(model: nn.Module, state: State, whole: nn.Module, timm_name: str, source: Path) -> None:
    """Load a published state into a timm model that may have lost its last layers: every weight that it has left.

    The model's own conversion of old layouts is applied, and position embeddings are resampled to its input size.

    Args:
        whole: the same model with every layer, classifier included; its weights are not looked at (``meta`` will do).

    Raises:
        UserError: a weight is missing, is of another shape, or has no place even in the whole model.
    """
    try:
        state = conversion(timm_name)(dict(state), whole)
    except (KeyError, AttributeError, RuntimeError, ValueError, TypeError) as error:
        raise UserError(f"{source} holds no weights of {timm_name}: {type(error).__name__} {error}.") from error
    known = set(whole.state_dict())
    missing = sorted(set(model.state_dict()) - set(state))
    unplaced = sorted(key for key in set(state) - known if key.split(".")[0] not in CLASSIFIERS)
    if missing or unplaced:
        words = [f"{len(missing)} are missing ({', '.join(missing[:3])} …)"] if missing else []
        words += [f"{len(unplaced)} have no place ({', '.join(unplaced[:3])} …)"] if unplaced else []
        raise UserError(f"{source} holds no weights of {timm_name}: {' and '.join(words)}.")
    try:
        model.load_state_dict({name: state[name] for name in model.state_dict()})
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise UserError(f"{source} does not fit {timm_name}: {lines[min(1, len(lines) - 1)].strip()}") from error


def conversion(timm_name: str) -> Callable[[dict[str, Tensor], nn.Module], State]:
    """Return timm's own function from published layouts of a model's weights to its own names and sizes.

    By timm's convention it is ``checkpoint_filter_fn`` in the module that defines the model. Whether it did the
    whole job shows when the weights are loaded.
    """
    module = importlib.import_module(model_entrypoint(timm_name.split(".")[0]).__module__)
    function = getattr(module, "checkpoint_filter_fn", None)
    if function is None:
        return lambda state, model: state
    if "adapt_layer_scale" in inspect.signature(function).parameters:  # DeiT III named its layer scales gamma_1, 2
        return lambda state, model: function(state, model, adapt_layer_scale=True)
    return lambda state, model: function(state, model)
