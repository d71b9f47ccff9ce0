"""What each room is furnished with, by its use."""

from __future__ import annotations

from collections.abc import Callable

from sim_envs.spaces.builtin.day_rooms import dining, living
from sim_envs.spaces.builtin.furnishing import Furnisher
from sim_envs.spaces.builtin.private_rooms import bedroom, hall, kids, study
from sim_envs.spaces.builtin.wet_rooms import bathroom, kitchen

PROGRAMMES: dict[str, Callable[[Furnisher], None]] = {
    "living": living,
    "dining": dining,
    "kitchen": kitchen,
    "bedroom": bedroom,
    "kids": kids,
    "study": study,
    "bathroom": bathroom,
    "hall": hall,
}


def furnish(f: Furnisher, use: str) -> None:
    """Furnish a room for its use, large things first."""
    f.light_ceiling()
    f.dress_windows(curtains=use not in ("bathroom", "kitchen"))
    PROGRAMMES[use](f)
