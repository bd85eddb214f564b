"""Why a job or a run failed, in the words of a job's log or of Snakemake, without their tracebacks."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

MOST_BYTES = 100_000
MOST_LINES = 60

_FRAME = re.compile(r'\s+File ".*", line \d+')
_EXCEPTION = re.compile(r'(\w+)(?: in rule (\S+))?(?: in file "(.+)", line (\d+))?:\s*')
_LOCK = """another run holds {folder}, or one was killed there
  if none is running: snakemake --unlock, with the same --directory and --snakefile, then run again"""


def read(log: str | Path) -> list[str]:
    """The lines of a log's last 100 kB; none where there is no such file."""
    try:
        with Path(log).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - MOST_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def warnings(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if line.startswith("warning:")]


def errors(lines: list[str]) -> list[str]:
    """From the first `error:` line to the end, less warnings; of a traceback, which the log keeps, the last line."""
    start = next((number for number, line in enumerate(lines) if line.startswith("error:")), len(lines))
    found = [line for line in lines[start:] if line.strip() and not line.startswith("warning:")]
    trace = next((number for number, line in enumerate(found) if line.startswith("Traceback ")), len(found))
    found[trace:-1] = []
    if len(found) > MOST_LINES:
        found[MOST_LINES:] = [f"… and {len(found) - MOST_LINES} more lines in the log"]
    return found


def of_job(logs: Iterable[str], crash: str) -> list[str]:
    """Why a job failed: the errors in its logs; where they name none, their last lines and how its process ended.

    `crash` is Snakemake's account of it, or nothing.
    """
    texts = [read(log) for log in logs]
    found = [line for lines in texts for line in errors(lines)]
    if found:
        return found
    last = [line for lines in texts for line in [line for line in lines if line.strip()][-10:]]
    status = re.search(r"returned non-zero exit status (\d+)", crash)
    signal = re.search(r"died with <Signals\.(\w+)", crash)
    if signal:
        memory = ", perhaps for want of memory" if signal[1] == "SIGKILL" else ""
        return [*last, f"it was killed ({signal[1]}){memory}"]
    if status:
        return [*last, f"it ended with exit status {status[1]}"]
    return last + (plain(crash, "") if crash else [])


def of_submission() -> list[str]:
    """Why the cluster took no job, as profiles/bin/sbatch has put it down."""
    lines = [line.strip() for line in read(os.environ.get("SUBMISSION_REFUSED", "")) if line.strip()]
    return ["the cluster did not take it", *lines]


def plain(message: str, folder: str) -> list[str]:
    """Snakemake's account of an exception: what it says, and where; `folder` is the workspace."""
    if message.startswith("LockException"):
        return _LOCK.format(folder=folder).splitlines()
    if message.lstrip().startswith("Traceback "):
        return message.split("\n\n")[-1].strip().splitlines() or message.strip().splitlines()[-1:]
    head, _, text = message.partition("\n")
    known = _EXCEPTION.fullmatch(head)
    if not known:
        return message.splitlines()
    where = ", ".join(filter(None, [known[2] and f"in rule {known[2]}", known[3] and f"{known[3]}, line {known[4]}"]))
    lines = [line for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    said = [line for line in lines if line not in ("Error:", "Wildcards:", "Traceback:")] or [known[1]]
    return [said[0].strip(), *said[1:], *([f"  ({where})"] if where else [])]
