"""Columns of text, sizes and times, as people read them."""

import time
from collections.abc import Iterable, Sequence

import click

MINUTE, HOUR, DAY = 60, 3600, 86400


def aligned(rows: Iterable[Sequence[str]], indent: int = 2) -> list[str]:
    """Rows as lines, their columns under each other; the last column is as long as it likes."""
    rows = [list(row) for row in rows]
    widths = [max(len(click.unstyle(row[n])) for row in rows) for n in range(max(map(len, rows), default=0) - 1)]
    return [
        " " * indent
        + "  ".join(
            [cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=False)]
            + list(row[len(widths) :])
        ).rstrip()
        for row in rows
    ]


def size(number: int) -> str:
    """Bytes as `820 B`, `1.2 MB`: units of 1000."""
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 999.5:
            break
        number, unit = number / 1000, larger
    return f"{number:.1f} {unit}" if number < 9.95 and unit != "B" else f"{number:.0f} {unit}"


def ago(then: float) -> str:
    """A time in the past as `3 min ago`."""
    seconds = max(0.0, time.time() - then)
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} ago"
    return "just now" if seconds < 2 else f"{int(seconds)} s ago"


def minutes(seconds: float) -> str:
    """0:07, 12:30."""
    return "{}:{:02}".format(*divmod(round(seconds), 60))


def number(count: int, one: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"
