"""The zoo: every model is an RGB encoder and the story of how its weights came about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from baselines.zoo.efficientnet_lite import EFFICIENTNET_LITE0
from baselines.zoo.experts import EXPERTS
from baselines.zoo.fourm import FOURM
from baselines.zoo.generalists import GENERALISTS, adapted, any_timm
from baselines.zoo.mock import MOCK
from baselines.zoo.model import Model
from baselines.zoo.specialists import SPECIALISTS, dino_external, mae_external, tst_external
from baselines.zoo.taught import JOIN, taught
from baselines.zoo.variations import MARK, varied
from sim_envs.registry import Table

__all__ = ["ZOO", "Model"]

ROWS = {model.name: model for model in (*SPECIALISTS, EFFICIENTNET_LITE0, *GENERALISTS, *FOURM, *EXPERTS, MOCK)}

FAMILIES: dict[str, Callable[[str], Model]] = {
    "timm": any_timm,
    "tst-external": tst_external,
    "mae-external": mae_external,
    "dino-external": dino_external,
}
"""Rows with an argument: ``timm:NAME``, ``tst-external:N``, ``mae-external:N``, ``dino-external:N``."""

ADAPTED = "-adapted"
"""What makes another row of one: ``dinov2-s-adapted``."""


TAUGHT = f"tst{JOIN}"
"""What begins a row with teachers: ``tst+clip-vit-b16+dinov2-b``."""


class Zoo(Table[Model]):
    """The rows above, those of other packages (entry points), rows with an argument, and variations of all these."""

    def __init__(self) -> None:
        super().__init__("model", {}, group="tst_bench.models")

    def __iter__(self) -> Iterator[str]:
        """Run over the names of all rows without an argument: the own ones in their order, then others'."""
        yield from ROWS
        yield from (name for name in super().__iter__() if name not in ROWS)

    def __contains__(self, name: str) -> bool:
        return name in ROWS or super().__contains__(name)

    def __getitem__(self, name: str) -> Model:
        """Return a row, or raise :class:`~sim_envs.errors.UserError` with the near names."""
        if name in ROWS:
            return ROWS[name]
        base, mark, changes = name.partition(MARK)
        if mark:
            return varied(self[base], changes)
        if name.startswith(TAUGHT):
            return taught(name.removeprefix(TAUGHT), self.__getitem__, list(self))
        family, colon, argument = name.partition(":")
        if name.endswith(ADAPTED) and (colon or name.removesuffix(ADAPTED) in self):
            return adapted(self[name.removesuffix(ADAPTED)])
        if colon and family in FAMILIES:
            return FAMILIES[family](argument)
        return super().__getitem__(name)


ZOO = Zoo()
