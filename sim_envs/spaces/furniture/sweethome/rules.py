"""Which category of ours a Sweet Home 3D model belongs to: one readable table, first match wins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sim_envs.spaces.furniture.categories import CEILING_CATEGORIES, WALL_CATEGORIES
from sim_envs.spaces.furniture.sweethome.sh3f import Entry

LEFT_OUT_GROUPS = re.compile(r"doors|windows|exterior|vehicle|character|stair|people|garden|outdoor", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """A row: names that match become ``category`` when group and height (metres) fit."""

    category: str
    name: str
    group: str = ""
    height: tuple[float, float] = (0.0, 99.0)


RULES: tuple[Rule, ...] = (
    Rule("bed", r"(iron |child |captain's |bunk )?bed"),
    Rule("nightstand", r"bedside table|night ?stand"),
    Rule("wardrobe", r"wardrobe|cupboard|armoire"),
    Rule("dresser", r"dresser.*|chest of drawers|dressing table"),
    Rule("clothes", r"folded clothes|dress|trousers|jacket|skirt|short|suit"),
    Rule("office chair", r"(arm)?chair", group="office"),
    Rule("desk", r"desk|desk table|wooden desk|wooden (alder |teak )?table", group="office"),
    Rule("armchair", r"(modern |winchester |rattan )?armchair"),
    Rule("chair", r"(oak |kitchen |plastic |osaka |ryokan |folding )?chair( with cushion)?", height=(0.7, 1.25)),
    Rule("coffee table", r"coffee table"),
    Rule("coffee table", r"(glass )?table", height=(0.25, 0.6)),
    Rule(
        "dining table",
        r"(oak |round |glass |black |folding |kitchen )?table( with tablecloth| on trestles)?",
        group="living|kitchen",
        height=(0.65, 0.95),
    ),
    Rule("sofa", r"(corner |clear |burlap |leather |winchester |convertible )?(sofa|couch)( \d seats| bz)?"),
    Rule("sofa", r"futon couch"),
    Rule("tv", r"(led )?tv( 16:9)?|wall flat tv|television"),
    Rule("tv stand", r"tv stand|television cabinet"),
    Rule("bookshelf", r"(full )?bookcase|bookshelf"),
    Rule("shelf", r"(vertical )?shelves"),
    Rule("computer", r"laptop|apple i(mac|book).*|computer|monitor"),
    Rule("kitchen cabinet", r"(drawers|(small )?lower) cabinet", group="kitchen"),
    Rule("wall cabinet", r"((small )?upper|glass door|upper shelves) cabinet", group="kitchen"),
    Rule("counter", r"island( extension)?", group="kitchen"),
    Rule("stove", r"(large |propane )?stove|cooker", group="kitchen", height=(0.55, 1.2)),
    Rule("refrigerator", r"(large )?(fridge|refrigerator)"),
    Rule("sink", r"sink( cabinet)?", group="kitchen"),
    Rule("washbasin", r"washbasin|vanity|lavatory", height=(0.7, 1.3)),
    Rule("toilet", r"toilets? unit|toilets?|wc"),
    Rule("bathtub", r"(island )?bath|(corner )?bathtub"),
    Rule("shower", r"shower( stall| cabin)?", height=(1.8, 2.4)),
    Rule("washing machine", r"(clothes )?washing machine|dryer machine"),
    Rule("towel", r"towel rack|towel", group="bathroom", height=(0.25, 1.2)),
    Rule("mirror", r"mirror"),
    Rule("picture", r"picture|painting|poster"),
    Rule("curtain", r"curtains?"),
    Rule("radiator", r"radiator", group="misc", height=(0.4, 0.95)),
    Rule("ceiling lamp", r"hanging light|pendant lamp|chandelier.*|ceiling lamp"),
    Rule("lamp", r"(floor )?lamp", group="lights", height=(1.2, 2.0)),
    Rule("table lamp", r"(desk |little |table |pedestal vase )?lamp", group="lights", height=(0.25, 0.85)),
    Rule(
        "plant",
        r"((little |decorative |indoor |spider |succulent )?plant)|cactus|orchids|bamboo|yucca|spathiphyllum|tulips"
        r"|white lily|ficus|bonsai tree|flowers",
        group="living",
    ),
    Rule("rug", r"oriental rug|rug|(round )?carpet|doormat|bathmat"),
    Rule("pillow", r"pillow|cushion"),
    Rule("book", r"books?"),
    Rule("vase", r"vase|pottery|old jar"),
    Rule("box", r"(open )?(cardboard )?box|crate|gift|trunck", group="misc"),
    Rule("bag", r"backpack|handbag|briefcase|suitcase|bag"),
    Rule("toy", r"teddy bear|rocking horse|toy train|car model|doll( house)?|wood toy|xylophone|biplane"),
    Rule("bottle", r"((wine|beer|yogurt|baby|medicine) )?bottle|flacon|milk", height=(0.1, 0.4)),
    Rule("bowl", r"bowl( with (fruits|salad))?"),
    Rule("clock", r"(cuckoo |wall )clock"),
    Rule("shoes", r"slippers|bootie|sneakers|woman shoes|mocassin|shoes"),
    Rule("trash bin", r"dustbin|(bullet )?trash can|recycling bin"),
)

MISFITS: frozenset[str] = frozenset(
    {
        "Blend Swap CC-0#islandExtension",  # a table end that needs its island
        "Blend Swap CC-BY#armChair2",  # filed under Office, a lounge chair
        "Kator Legaz#oriental-rug",  # its texture is not in the library: a white sheet
        "Kator Legaz#trunk-large",  # its shell and fittings lie in one another
        "Scopia#office_furniture1",  # a sideboard named bookcase
    }
)
"""Ids of the known libraries whose name misleads, or whose model does not show what it is."""


def category_of(entry: Entry) -> str | None:
    """Return our category of a library's model, or None when it has no place in a flat."""
    if entry.door_or_window or LEFT_OUT_GROUPS.search(entry.group) or entry.id in MISFITS:
        return None
    for rule in RULES:
        low, high = rule.height
        if (
            re.fullmatch(rule.name, entry.name.strip(), re.IGNORECASE)
            and re.search(rule.group, entry.group, re.IGNORECASE)
            and low <= entry.size[1] <= high
        ):
            hangs = rule.category in WALL_CATEGORIES | CEILING_CATEGORIES
            # What the library hangs at a height cannot stand on the floor.
            return rule.category if hangs or entry.elevation < 0.3 or rule.category == "tv" else None
    return None
