"""One run at a time in a workspace; Snakemake's lock of a run that was killed is removed, that of a live one never.

Snakemake locks by files that name what a run reads and writes (.snakemake/locks). A killed run leaves them, and one
that ends takes those of all others with it. So each `cm` that runs Snakemake holds, with its guard, a lock (flock) on
.snakemake/cm.lock, and looks for the processes of Snakemakes that were started without it.
"""

import fcntl
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path


class Held(Exception):
    """The workspace's lock stays: who holds it, in words for the user."""


@contextmanager
def alone(workspace: Path, say: Callable[[Iterable[str]], None]) -> Iterator[list[str]]:
    """The workspace for this `cm` alone: waited for while another has it, and a killed run's lock is removed.

    Gives what was done to that end, in words; that and the waiting are said. Raises Held while a Snakemake is at work
    that no `cm` started.
    """
    (workspace / ".snakemake").mkdir(exist_ok=True)
    with (workspace / ".snakemake/cm.lock").open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say([f"waiting for another cm at work in {workspace}"])
            fcntl.flock(mark, fcntl.LOCK_EX)
        done = _unlock(workspace)
        say(done)
        yield done


def locks(workspace: Path) -> list[Path]:
    return sorted((workspace / ".snakemake/locks").glob("*.lock"))


def _unlock(workspace: Path) -> list[str]:
    """Remove the locks that stand here now, if no Snakemake lives that could hold them, and end its orphaned jobs.

    A job that outlived its Snakemake would put an old result in the place of a new one.
    """
    found = locks(workspace)
    if not found:
        return []
    host = _host(workspace, found)
    if host not in (None, os.uname().nodename):
        raise Held(
            f"a run on {host} holds {workspace}, or was killed there; "
            "if none is running: snakemake --unlock, with the same --directory and --snakefile"
        )
    runs, jobs = _processes(workspace)
    if runs:
        raise Held(f"snakemake (process {runs[0].pid}) is at work in {workspace}; wait for it, or stop it")
    for job in jobs:
        _end(job)
    found = [lock for lock in found if lock.exists()]
    if not (found or jobs):
        return []
    for lock in found:
        lock.unlink(missing_ok=True)
    orphans = ", and what was still running of it is ended" if jobs else ""
    return [f"a run was killed here: its lock is removed{orphans}"]


def _host(workspace: Path, found: list[Path]) -> str | None:
    """The host that the run which wrote the locks was on, as the log that it had begun by then says."""
    try:
        written = min(lock.stat().st_mtime for lock in found)
    except FileNotFoundError:  # that run has ended since
        return None
    for log in sorted((workspace / ".snakemake/log").glob("*.snakemake.log"), reverse=True):
        with suppress(ValueError, OSError):
            begun = datetime.strptime(log.name.removesuffix(".snakemake.log"), "%Y-%m-%dT%H%M%S.%f").timestamp()
            if begun <= written:
                with log.open(encoding="utf-8", errors="replace") as file:
                    host = re.search(r"^\s*Host: *(\S+)", file.read(10_000), re.MULTILINE)
                return host[1] if host else None
    return None


def _processes(workspace: Path) -> tuple[list, list]:
    """The Snakemakes, and the scripts of jobs, that work in this folder (Snakemake makes it its current one)."""
    import psutil

    runs, jobs = [], []
    for process in psutil.process_iter():
        run = False
        try:
            words = process.cmdline()
            run = any(os.path.basename(word) == "snakemake" for word in words[:4])
            job = not run and any("/.snakemake/scripts/" in word for word in words)
            if (run or job) and os.path.samefile(process.cwd(), workspace):
                (runs if run else jobs).append(process)
        except psutil.AccessDenied:  # of another user, who may work here too
            with suppress(psutil.Error):
                if run and process.uids().real == workspace.stat().st_uid:
                    runs.append(process)
        except (psutil.Error, OSError):  # it has ended
            continue
    return runs, jobs


def _end(job: object) -> None:
    """Kill a job's process and all below it."""
    import psutil

    with suppress(psutil.Error):
        for process in [*job.children(recursive=True), job]:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
