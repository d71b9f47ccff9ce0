"""The furniture and fixture categories of the built-in spaces, and the NYU40 name of each."""

from __future__ import annotations

NYU40_OF_CATEGORY: dict[str, str] = {
    # sleeping and storing
    "bed": "bed",
    "wardrobe": "cabinet",
    "nightstand": "night stand",
    "dresser": "dresser",
    "pillow": "pillow",
    "clothes": "clothes",
    # sitting and working
    "desk": "desk",
    "office chair": "chair",
    "chair": "chair",
    "dining table": "table",
    "coffee table": "table",
    "sofa": "sofa",
    "armchair": "chair",
    "tv": "television",
    "tv stand": "cabinet",
    "bookshelf": "bookshelf",
    "shelf": "shelves",
    "computer": "otherprop",
    # kitchen
    "kitchen cabinet": "cabinet",
    "wall cabinet": "cabinet",
    "counter": "counter",
    "stove": "otherfurniture",
    "refrigerator": "refrigerator",
    "sink": "sink",
    # bathroom
    "washbasin": "sink",
    "toilet": "toilet",
    "bathtub": "bathtub",
    "shower": "otherstructure",
    "washing machine": "otherfurniture",
    "towel": "towel",
    # on walls, ceilings and floors
    "mirror": "mirror",
    "picture": "picture",
    "curtain": "curtain",
    "clock": "otherprop",
    "radiator": "otherfurniture",
    "lamp": "lamp",
    "table lamp": "lamp",
    "ceiling lamp": "lamp",
    "plant": "otherprop",
    "rug": "floor mat",
    # small things
    "book": "books",
    "vase": "otherprop",
    "box": "box",
    "bag": "bag",
    "toy": "otherprop",
    "bottle": "otherprop",
    "bowl": "otherprop",
    "shoes": "otherprop",
    "trash bin": "otherprop",
}

CATEGORIES: tuple[str, ...] = tuple(NYU40_OF_CATEGORY)

WALL_CATEGORIES: frozenset[str] = frozenset(
    {"wall cabinet", "mirror", "picture", "curtain", "clock", "towel", "radiator"}
)
"""Their back, at the lowest z, touches a wall."""

CEILING_CATEGORIES: frozenset[str] = frozenset({"ceiling lamp"})
"""Their top touches the ceiling."""
