"""How often one may ask: buckets of tokens that refill evenly, in the memory of one server."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock


class Buckets:
    """A bucket for each key; one asks for a token of its bucket, and waits when it is empty.

    Args:
        per_minute: tokens that a bucket holds, and that flow into it in a minute.
        most: keys that are remembered; whoever has not asked for longest is forgotten, as if its bucket were full.
        clock: seconds.
    """

    def __init__(self, per_minute: int, most: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self.most = most
        self.clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: Hashable) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        return self._ask(key, 1.0)

    def wait(self, key: Hashable) -> float:
        """Return the seconds until there is a token, and take none."""
        return self._ask(key, 0.0)

    def _ask(self, key: Hashable, taken: float) -> float:
        with self._lock:
            at = self.clock()
            level, before = self._levels.pop(key, (float(self.per_minute), at))
            level = min(float(self.per_minute), level + (at - before) * self.per_minute / 60)
            enough = level >= 1
            self._levels[key] = (level - taken if enough else level, at)
            if len(self._levels) > self.most:
                self._levels.popitem(last=False)
            return 0.0 if enough else (1 - level) * 60 / self.per_minute


def address_key(host: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 that one household has in IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
