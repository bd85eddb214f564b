"""Which running jobs wait for a quota, as the last line of their logs says: `waiting: pexels: free again at 14:32`."""

import os
from collections.abc import Iterable
from pathlib import Path

from snakemake_logger_plugin_cm.runs import Job

TAIL = 4096
MOST = 80
_MARK = "waiting:"


def waits(jobs: Iterable[Job]) -> dict[int, str]:
    """By the number of each job that waits, what it waits for. Only jobs that take slots use the network."""
    found = {}
    for job in jobs:
        if any(held and name.endswith("_slots") for name, held in job.resources.items()):
            lines = [_last_line(log, job.start) for log in job.logs]
            said = next((line.removeprefix(_MARK).strip() for line in lines if line.startswith(_MARK)), "")
            if said:
                found[job.id] = "".join(c for c in said if c.isprintable())[:MOST]
    return found


def _last_line(log: str, since: float) -> str:
    """Of a log written to since then: before, it is an earlier attempt's."""
    try:
        with Path(log).open("rb") as file:
            if os.fstat(file.fileno()).st_mtime < since:
                return ""
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.strip()), "")
