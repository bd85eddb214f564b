"""What this machine gives to this process."""

import os
from contextlib import suppress
from pathlib import Path


def memory_mb() -> int:
    """Memory in MB (10^6 bytes): the machine's, or what the process's cgroup allows where that is less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such cgroup version here, or "max"
            limits.append(int(Path(file).read_text()))
    return min(limits) // 10**6
