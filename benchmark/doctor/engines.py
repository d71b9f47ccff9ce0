"""Do the engines render what is there? Each draws the self-test's room in a process of its own."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from benchmark.doctor.findings import Finding, Status
from benchmark.doctor.graphics import SOFTWARE
from benchmark.doctor.machine import INSTALL
from benchmark.doctor.probe import ProbeFailed, ask, step
from sim_envs.engines import ENGINES
from sim_envs.errors import UserError

MAIN_ENGINE = "raycast"
# habitat-sim's first start on a CPU takes up to 17 s, on a busy machine several times that.
ENGINE_LIMIT_S = 180.0
BLACK = (
    "The driver leaves parts of pictures black and reports no error (habitat-sim issues 1987 and 2310): do not trust "
    "recordings of this engine on this machine. Update the GPU driver (see the rows EGL and driver), or render without "
    f"it: {SOFTWARE}. `--engine {MAIN_ENGINE}` is not concerned."
)
REPORT = "Update the engine; if that does not help, report it with what `tst-bench doctor --json` prints."
SEE_ROWS = "The rows EGL and driver say what it stands on and what to do about that."
WRONG = f"Its pictures are not what is there: do not trust recordings of this engine on this machine. {REPORT}"


class Drawn(BaseModel):
    """How the self-test of an engine went.

    Attributes:
        renders_spaces: False for engines that say so of themselves; nothing else is known of them then.
        unavailable: why it cannot be opened here; nothing else is known then.
        renderer: what OpenGL calls the device, where the engine tells.
        views: number of views drawn.
        seconds: from opening to the last view.
        faults: what is wrong, in words.
        black: whether parts of a picture were left black.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    renders_spaces: bool = True
    unavailable: str = ""
    renderer: str = ""
    version: str = ""
    views: int = 0
    seconds: float = 0.0
    faults: tuple[str, ...] = ()
    black: bool = False


def look_at_embree(home: Path) -> list[Finding]:
    """Cast one ray."""
    try:
        found = ask(cast_a_ray)
    except ProbeFailed as failed:
        advice = f"Embree needs a 64-bit CPU with SSE2 and the embreex package. {INSTALL}"
        return [Finding(name="Embree", status="failure", found=str(failed), advice=advice)]
    return [Finding(name="Embree", status="ok", found=found)]


def cast_a_ray() -> str:
    """Cast one ray at a triangle 2 m away, in a process of its own."""
    step("loading Embree")
    from sim_envs.engines.geometry import RayCaster

    triangle = np.array([[-1.0, -1.0, -2.0], [1.0, -1.0, -2.0], [0.0, 1.0, -2.0]])
    step("casting a ray")
    distance, face = RayCaster(triangle, np.array([[0, 1, 2]])).cast(np.zeros(3), np.array([[0.0, 0.0, -1.0]]))
    if abs(float(distance[0]) - 2) > 1e-5 or face[0] != 0:
        raise RuntimeError(f"a triangle 2 m away is met at {distance[0]} m")
    return f"embreex {version('embreex')}; a ray goes as far as it should"


def look_at_engine(name: str, home: Path, unavailable: Status = "absent") -> list[Finding]:
    """Let an engine draw the self-test's room and compare.

    An engine whose class says ``renders_spaces = False`` (it plays recordings back, say) has no row.

    Args:
        name: of the engine table.
        home: the data home.
        unavailable: what it is when the engine says that it cannot be opened here.
    """
    row = f"engine {name}"
    broken: Status = "failure" if name == MAIN_ENGINE else "warning"
    try:
        drawn = Drawn.model_validate(ask(draw_the_room, name, limit_s=ENGINE_LIMIT_S))
    except (ProbeFailed, UserError) as failed:
        return [Finding(name=row, status=broken, found=f"cannot render: {one_line(failed)}", advice=REPORT)]
    if not drawn.renders_spaces:
        return []
    if drawn.unavailable:
        found, advice = f"not available here: {drawn.unavailable}", "" if unavailable == "absent" else SEE_ROWS
        status = "failure" if name == MAIN_ENGINE else unavailable
        return [Finding(name=row, status=status, found=found, advice=advice)]
    if drawn.faults:
        shown, more = drawn.faults[:3], len(drawn.faults) - 3
        found = "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
        return [Finding(name=row, status=broken, found=found, advice=BLACK if drawn.black else WRONG)]
    on = f" on {drawn.renderer}" if drawn.renderer else ""
    found = f"version {drawn.version}{on}: {drawn.views} views are as expected, in {drawn.seconds:.1f} s"
    return [Finding(name=row, status="ok", found=found)]


def draw_the_room(name: str) -> dict[str, Any]:
    """Run the self-test of an engine, in a process of its own; return a :class:`Drawn` as JSON."""
    from sim_envs.engines.selftest import RIG, VIEWS, room, selftest

    step("importing it")
    engine = ENGINES[name]
    if not getattr(engine, "renders_spaces", True):
        return Drawn(renders_spaces=False).model_dump()
    step("opening the room")
    started = time.monotonic()
    try:
        opened = engine(room(), RIG)
    except UserError as reason:
        return Drawn(unavailable=one_line(reason)).model_dump()
    step("drawing the room")
    renderer = str(getattr(opened, "renderer", ""))  # engines that use OpenGL can tell what it runs on
    try:
        faults = selftest(opened)
    finally:
        opened.close()
    return Drawn(
        renderer=renderer,
        version=engine.version,
        views=len(VIEWS),
        seconds=time.monotonic() - started,
        faults=tuple(str(fault) for fault in faults),
        black=any(fault.black for fault in faults),
    ).model_dump()


def one_line(error: object, last: int = 3) -> str:
    """Return a message of several lines as one: the first line says what, the ``last`` ones why."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = lines[1:][-last:]
    left_out = ["…"] if len(lines) > 1 + len(why) else []
    return " ".join([*lines[:1], *left_out, *(["; ".join(why)] if why else [])])
