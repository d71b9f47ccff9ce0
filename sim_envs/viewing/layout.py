"""How the viewer opens: the space with the moving camera on the left, its modalities on the right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rerun as rr
import rerun.blueprint as rrb

from sim_envs.space import Space
from sim_envs.taxonomy import NYU40
from sim_envs.viewing.frames import CAMERA, TIMELINE
from sim_envs.viewing.mesh import BOXES, MESH


def layout(space: Space | None, modalities: Sequence[str]) -> rrb.Blueprint:
    """Return the blueprint.

    In the 3D view ceilings and instance boxes are hidden at first, and of the modalities only one is in the
    image plane: RGB. Without a mesh the depth is there too, which Rerun draws as a cloud of points.
    """
    in_3d = {"rgb"} if space is not None else {"rgb", "depth"}
    hidden = [] if space is None else [BOXES, *(_path_of(name) for name in _ceilings(space))]
    view_3d = rrb.Spatial3DView(
        origin="world",
        name=space.id if space else "cameras",
        contents=["+ $origin/**", *(f"- /{CAMERA}/{name}/**" for name in modalities if name not in in_3d)],
        overrides={path: rrb.EntityBehavior(visible=False) for path in hidden},
        eye_controls=None if space is None else _from_above(space),
    )
    if not modalities:
        return rrb.Blueprint(view_3d, rrb.TimePanel(state="collapsed"))
    views_2d = [rrb.Spatial2DView(origin=f"{CAMERA}/{name}", name=name) for name in modalities]
    return rrb.Blueprint(
        rrb.Horizontal(view_3d, rrb.Grid(*views_2d, grid_columns=2), column_shares=[3, 2]),
        rrb.TimePanel(timeline=TIMELINE, state="expanded", fps=5),
    )


def _from_above(space: Space) -> rrb.EyeControls3D:
    """Look down into the space, steeply enough to see over its walls."""
    span = float(np.ptp(space.bounds, axis=0)[[0, 2]].max())
    middle = space.bounds.mean(axis=0)
    return rrb.EyeControls3D(position=middle + span * np.array([0, 1.0, 0.45]), look_target=middle, eye_up=[0, 1, 0])


def _ceilings(space: Space) -> list[str]:
    ceiling = NYU40.evaluation_id("ceiling")
    return [name for name in space.categories if NYU40.evaluation_id(name) == ceiling]


def _path_of(category: str) -> str:
    return rr.new_entity_path([*MESH.split("/"), category])
