"""Prepare the next steps' inputs in a thread, while the device computes this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prepared(prepare: Callable[[int], T], steps: range, ahead: int) -> Iterator[T]:
    """Yield ``prepare(step)`` of each step in order, up to ``ahead`` of them made before they are asked for.

    One thread makes them; an error of it is raised where its step is asked for. With 0 there is no thread.
    """
    if ahead == 0:
        yield from map(prepare, steps)
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare") as pool:
        waiting: deque[Future[T]] = deque(pool.submit(prepare, step) for step in steps[:ahead])
        try:
            for step in steps:
                if step + ahead < steps.stop:
                    waiting.append(pool.submit(prepare, step + ahead))
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
