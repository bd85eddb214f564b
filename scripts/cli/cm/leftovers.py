"""Files that nothing will finish or use."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from cm.invocation import Call

_PART = re.compile(r"\.(?P<stem>.+)\.(?P<host>[^/]+)\.(?P<process>\d+)\.part(?:\..*)?")
"""What scripts/lib/files.py calls a file that is being written."""


def parts(call: Call) -> Iterator[Path]:
    """Half-written files whose writer, a process of this host, is gone."""
    for place in ("results", "resources", "logs", "benchmarks"):
        for folder, _, names in os.walk(call.workspace / call.place(place)):
            for name in names:
                found = _PART.fullmatch(name) if name.startswith(".") else None
                if found and _of_this_host(found) and not _alive(int(found["process"])):
                    yield Path(folder, name)


def remove_parts(call: Call) -> None:
    for path in parts(call):
        path.unlink(missing_ok=True)


def _of_this_host(found: re.Match) -> bool:
    host = os.uname().nodename
    return f"{found['stem']}.{found['host']}".endswith(f".{host}")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
