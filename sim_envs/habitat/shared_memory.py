"""Memory that this process and a worker see, without a name that could be left behind."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

from sim_envs.storage import disk_error


class SharedMemory:
    """So many bytes behind a file descriptor; gone when the last process that holds it is.

    ``multiprocessing.shared_memory`` would do, but for names that outlive a killed process, and a resource
    tracker that in a child of another Python version removes what the parent still uses.

    Attributes:
        descriptor: to be inherited by a worker, which maps it with ``mmap.mmap(descriptor, size)``.
        size: bytes.
        buffer: the memory in this process.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("tst-bench")
        else:  # not Linux: a file nobody else can find
            with tempfile.TemporaryFile() as file:
                self.descriptor = os.dup(file.fileno())
        try:
            os.ftruncate(self.descriptor, size)
            self.buffer = mmap.mmap(self.descriptor, size)
        except OSError as error:
            os.close(self.descriptor)
            raise disk_error(Path(tempfile.gettempdir()) / "shared memory", error) from error

    def close(self) -> None:
        """Let go of it; arrays that still look at it keep the memory alive."""
        os.close(self.descriptor)
