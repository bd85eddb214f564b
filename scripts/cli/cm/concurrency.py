"""How many things run at once: `--concurrency 8`, `--concurrency 50%`, or what suits the machine."""

import os
import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

MOST_UNASKED = 8
MOST_STOCK = 3
"""The stock sites' own bound on requests at once."""


def usable_cpus(root: Path = Path("/")) -> Fraction:
    """CPUs that this process may use: those it may be scheduled on, or its cgroup's quota where that is less.

    A quota may be a fraction of a CPU. `root` is where /proc and /sys are.
    """
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        count = os.cpu_count() or 1
    return min([Fraction(count), *_quotas(root)])


def _quotas(root: Path) -> list[Fraction]:
    """The CPU quotas of this process's cgroups, versions 1 and 2, and of all cgroups that these lie in.

    In a container, /proc/self/cgroup may tell the host's path, while the container's own cgroup is mounted as the
    top: the top is looked at in any case.
    """
    mounted = root / "sys/fs/cgroup"
    found = []
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = ["0::/", "1:cpu:/"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        at = [Path(path.strip("/")), *Path(path.strip("/")).parents]
        if not controllers:
            tops = [mounted, mounted / "unified"]
            found += [_quota_v2(top / part) for top in tops for part in at]
        elif "cpu" in controllers.split(","):
            tops = [mounted / "cpu", mounted / controllers, mounted / "cpu,cpuacct"]
            found += [_quota_v1(top / part) for top in tops for part in at]
    return [quota for quota in found if quota]


def _quota_v2(folder: Path) -> Fraction | None:
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return Fraction(int(quota), int(period))  # "max" is no number
    return None


def _quota_v1(folder: Path) -> Fraction | None:
    with suppress(OSError, ValueError):
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return Fraction(quota, period) if quota > 0 else None  # -1: no limit
    return None


def resolve(asked: str | None, cpus: Fraction) -> int:
    """How many at once: `asked` (a whole number, a percentage of `cpus`), or half of `cpus`, at most 8.

    Halves are rounded up, and it is at least 1. Raises ValueError for anything else.
    """
    if asked is None:
        return min(MOST_UNASKED, max(1, _rounded(cpus / 2)))
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?%", asked, re.ASCII):
        return max(1, _rounded(cpus * Fraction(asked[:-1]) / 100))
    if re.fullmatch(r"\d{1,9}", asked, re.ASCII) and int(asked) >= 1:
        return int(asked)
    raise ValueError("must be a whole number from 1 up, or a percentage of the CPUs such as 50%")


def _rounded(number: Fraction) -> int:
    """To the nearest whole number, halves up; Python's own `round` takes them to the even one."""
    return int(number + Fraction(1, 2))


def options(number: int, asked: bool) -> list[str]:
    """Snakemake's options for `number` at once. If nobody `asked`, the slots stay as they are configured."""
    if not asked:
        return ["--cores", str(number)]
    slots = {"cpus": number, "api_slots": number, "download_slots": number, "stock_slots": min(number, MOST_STOCK)}
    sequential = ["--jobs", "1"] if number == 1 else []
    return ["--resources", *(f"{name}={slots[name]}" for name in slots), *sequential, "--cores", str(number)]
