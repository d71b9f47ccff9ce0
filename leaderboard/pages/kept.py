"""Pages that were just made: what many ask for at once is made once, and is never older than a moment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


@dataclass
class _Slot:
    """One page; whoever holds ``making`` makes it, and the others wait for it."""

    making: threading.Lock = field(default_factory=threading.Lock)
    text: str | None = None
    made: float = 0.0


class Kept:
    """Keeps the last pages that were made.

    Args:
        seconds: how old a page may be.
        most: number of pages; those that were not asked for longest are dropped.
        clock: seconds that only grow.
    """

    def __init__(self, seconds: float = 1.0, most: int = 64, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, key: Hashable, make: Callable[[], str]) -> str:
        """Return a page; ``make`` is called where there is none that is new enough, and what it raises is raised."""
        slot = self._slot(key)
        asked = self._clock()
        with slot.making:
            if slot.text is None or slot.made < asked - self._seconds:
                began = self._clock()
                slot.text = make()
                slot.made = began
            return slot.text

    def _slot(self, key: Hashable) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
            return slot
