"""What `cm doctor` looks at, by subject, and how it is told."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """`state`: good, note (fine as it is), warning, or bad: videos cannot be made; `remedy` may be empty."""

    name: str
    state: str
    found: str
    remedy: str = ""


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def size_of(folder: Path) -> int:
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)
