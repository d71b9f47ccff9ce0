"""Suites: named, versioned lists of spaces with roles, sizes, budgets, models and tasks. One YAML file each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from baselines.heads import Strength
from benchmark.suites.presets import preset_fields
from sim_envs.errors import UserError, unknown
from sim_envs.recordings.lens_and_noise import LensAndNoise
from sim_envs.rig import Rig

Role = Literal["test", "transfer", "held_out", "external"]
Count = Annotated[int, Field(ge=0)]
Splits = dict[str, tuple[Count, Annotated[int, Field(ge=1)]]]  # the recipe knows the names of splits

NEEDED_SPLITS: dict[Role, tuple[str, ...]] = {
    "test": ("test",),
    "transfer": ("train", "val"),
    "held_out": ("test",),
    "external": ("train",),
}
"""Role → the splits without which a run cannot end. A test space also needs ``train`` for models that pre-train."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RigSize(_Part, LensAndNoise):
    """The camera of every recording of the suite."""

    width: int = Field(64, ge=32, le=2048)
    height: int = Field(64, ge=32, le=2048)
    hfov: float = Field(90.0, ge=30, le=150)

    def model_post_init(self, _: object) -> None:
        """Refuse what recordings allow and the models do not, and a lens through which this picture would fold."""
        if self.width != self.height:
            raise UserError(f"{self.width}x{self.height} is not square, and the encoders take square frames.")
        Rig(self.width, self.height, self.hfov, self.distortion, self.noise)


class PretrainBudget(_Part):
    """What every pre-trained model gets: the same frames, steps and batch. ``preset: NAME`` fills in what is not given.

    Attributes:
        encoder: preset of the encoder, which ``scratch`` shares.
        frames: frames in the pool, whatever spaces they come from.
        lr: peak learning rate, the same for every model.
    """

    encoder: str = "tiny"
    frames: int = Field(3000, ge=1)
    steps: int = Field(1200, ge=1)
    batch: int = Field(64, ge=1)
    lr: float = Field(2e-3, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: Any) -> Any:
        try:
            return preset_fields(values)
        except UserError as error:
            raise ValueError(str(error)) from error


Protocol = Literal["frozen", "finetune", "zero-shot"]
"""``frozen``: a head on an encoder that stays; ``finetune``: both learn; ``zero-shot``: no transfer at all, for models
that answer a task by themselves."""


class TransferBudget(_Part):
    """What every model gets to learn a task from the labelled transfer frames.

    Attributes:
        frames: labelled training frames over all transfer spaces.
        encoder_lrs: candidate learning rates of the encoder under ``finetune``; the one that scores best on
            validation trajectories of the transfer spaces is kept, for each model by itself.
        trained_encoder_lrs: the same for networks that were trained elsewhere, as many; None is a tenth of each. What
            an encoder of a few minutes needs to learn washes out what one of a few GPU years knows.
        evaluations: how many times in a run the validation score is taken; the best weights are kept.
        head: ``linear`` or ``strong``, see :class:`~baselines.heads.HeadSpec`.
    """

    frames: int = Field(1800, ge=1)
    steps: int = Field(600, ge=1)
    batch: int = Field(32, ge=1)
    head_lr: float = Field(2e-3, gt=0)
    encoder_lrs: tuple[float, ...] = Field((5e-4,), min_length=1)
    trained_encoder_lrs: tuple[float, ...] | None = None
    evaluations: int = Field(4, ge=1)
    head: Strength = "strong"

    @model_validator(mode="after")
    def _as_many_rates(self) -> TransferBudget:
        rates, trained = self.encoder_lrs, self.trained_encoder_lrs
        if trained is not None and len(trained) != len(rates):
            raise ValueError(
                f"{len(rates)} encoder_lrs and {len(trained)} trained_encoder_lrs; who may try more selects better"
            )
        return self

    def rates(self, trained_elsewhere: bool) -> tuple[float, ...]:
        """Return the candidate rates of an encoder."""
        if not trained_elsewhere:
            return self.encoder_lrs
        return self.trained_encoder_lrs or tuple(rate / 10 for rate in self.encoder_lrs)


class Suite(_Part):
    """One benchmark: which spaces play which role, and every budget.

    Attributes:
        recordings: role → split → (trajectories, frames each).
        variant: ``inductive``: test trajectories are not in the pre-training pool; ``transductive``: they are,
            without labels.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: int = Field(ge=1)
    summary: str
    test_spaces: tuple[str, ...] = Field(min_length=1)
    transfer: tuple[str, ...] = Field(min_length=1)
    held_out: tuple[str, ...] = Field(min_length=1)
    external: tuple[str, ...] = ()
    rig: RigSize = RigSize()
    engine: str = "raycast"
    recordings: dict[Role, Splits]
    models: tuple[str, ...]
    tasks: tuple[str, ...] = ("semseg",)
    protocols: tuple[Protocol, ...] = Field(("finetune",), min_length=1)
    variant: Literal["inductive", "transductive"] = "inductive"
    seeds: int = Field(1, ge=1)
    pretrain: PretrainBudget = PretrainBudget()
    transfer_budget: TransferBudget = TransferBudget()
    _limited_to: int | None = PrivateAttr(default=None)  # not for files: benchmark.limit sets it with what it cuts

    @property
    def flags(self) -> tuple[str, ...]:
        """What sets every result of this suite apart; empty for a full one."""
        return () if self._limited_to is None else (f"limited to {self._limited_to} frames",)

    @model_validator(mode="after")
    def _roles_do_not_overlap(self) -> Suite:
        owner: dict[str, str] = {}
        for role in ("test_spaces", "transfer", "held_out", "external"):
            for space in getattr(self, role):
                if space in owner:
                    raise ValueError(f"{space} is in {owner[space]} and in {role}; a space has one role")
                owner[space] = role
        return self

    @model_validator(mode="after")
    def _roles_are_recorded(self) -> Suite:
        """Every role has the splits that the protocol reads from it."""
        for role, splits in NEEDED_SPLITS.items():
            used = role == "test" or bool(getattr(self, role))
            lacking = [split for split in splits if split not in self.recordings.get(role, {})]
            if used and lacking:
                raise ValueError(f"recordings.{role} says nothing of {' and '.join(lacking)}, which a run needs")
        return self

    def freed_of(self, space: str) -> Suite:
        """Return the suite with a space taken out of its role, for it to be the test space.

        The others in that role are recorded the longer, so that budgets stay what they are.
        """
        role = self.spaces().get(space, "test")
        if role == "test":
            return self
        before: tuple[str, ...] = getattr(self, role)
        others, recordings = tuple(other for other in before if other != space), dict(self.recordings)
        if others:
            recordings[role] = {
                split: (-(-number * len(before) // len(others)), each)  # rounded up
                for split, (number, each) in recordings[role].items()
            }
        return self.model_copy(update={role: others, "recordings": recordings})

    def with_head(self, head: str | None) -> Suite:
        """Return the suite with this head on every model, under a name of its own: ``demo-linear-head``.

        Args:
            head: None, or what the suite has: as it is.

        Raises:
            UserError: no such head.
        """
        if head is None or head == self.transfer_budget.head:
            return self
        if head not in get_args(Strength):
            raise unknown("head", head, get_args(Strength))
        budget = self.transfer_budget.model_copy(update={"head": head})
        return self.model_copy(update={"name": f"{self.name}-{head}-head", "transfer_budget": budget})

    def spaces(self) -> dict[str, Role]:
        """Return every space with its role, in the order of the protocol."""
        roles: dict[str, Role] = dict.fromkeys(self.test_spaces, "test")
        roles |= dict.fromkeys(self.transfer, "transfer")
        roles |= dict.fromkeys(self.held_out, "held_out")
        return roles | dict.fromkeys(self.external, "external")


def suite_names() -> list[str]:
    """Return the names of the suites that come with the package."""
    return sorted(f.name.removesuffix(".yaml") for f in _folder().iterdir() if f.name.endswith(".yaml"))


def load_suite(name: str) -> Suite:
    """Return a suite by name, or from a ``.yaml`` file of the user's.

    Raises:
        UserError: no such suite or file, not YAML, or a field that does not fit, by name.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise UserError(f"No suite file at {name}.")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"Suite {name} cannot be read: {error}.") from error
    elif name in suite_names():
        text = (_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise unknown("suite", name, suite_names(), "A suite of your own is a path that ends in .yaml.")
    content = _content(name, text)
    try:
        return Suite.model_validate(content)
    except UserError as error:  # of the rig: it knows its ranges itself
        raise UserError(f"Suite {name}: rig: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}." for part in first["loc"]).removesuffix(".")
        what = first["msg"].removeprefix("Value error, ")
        raise UserError(f"Suite {name}: {where + ': ' if where else ''}{what}.") from error


def _content(name: str, text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"Suite {name} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"Suite {name} has no fields with values; {_folder() / 'demo.yaml'} shows what it takes.")
    return content


def _folder() -> Path:
    return Path(__file__).parent
