"""Tells every process of this machine at once that what it holds in memory about an asset no longer holds.

A small file in the data folder, mapped into each process: an array of counters. An asset's counter (by its random
UUID) goes up when its public bytes change or go away; a cached answer is good only while the counter stands still.
"""

import fcntl
import mmap
import os
from pathlib import Path
from uuid import UUID

SLOTS = 4096
_BYTES = SLOTS * 8


class Generations:
    def __init__(self, file: Path) -> None:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(descriptor, 0, _BYTES)  # a hole that is written when the disk is full would be our end
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, _BYTES)
        self.counters = memoryview(self._map).cast("Q")

    @staticmethod
    def slot(asset: UUID) -> int:
        return asset.int % SLOTS

    def bump(self, asset: UUID) -> None:
        slot = self.slot(asset)
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 8, slot * 8)
        try:
            self.counters[slot] = (self.counters[slot] + 1) % (1 << 64)
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 8, slot * 8)
