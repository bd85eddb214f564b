"""Whether a workspace is in use; Snakemake's lock of a run that was killed is removed, that of a live one never.

Snakemake locks by files that name what a run reads and writes (.snakemake/locks), and a killed run leaves them. Each
`cm` that runs Snakemake, and its guard, hold a shared lock (flock) on .snakemake/cm.lock. Whoever gets that lock for
itself alone knows that no `cm` is at work, and looks for the processes of Snakemakes that were started without it.
"""

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Self

PATIENCE_SECONDS = 12.0
"""How long a killed run's guard may take to end what is left of it (supervisor.ESCALATION)."""


class Held(Exception):
    """The workspace's lock stays: who holds it, in words for the user."""


class InUse:
    """The workspace marked as in use, as a context; on entry a killed run's lock is removed.

    `done` says what was done to that end, in words.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.done: list[str] = []

    def __enter__(self) -> Self:
        (self.workspace / ".snakemake").mkdir(exist_ok=True)
        self.mark = (self.workspace / ".snakemake/cm.lock").open("a")
        if _alone(self.mark, seconds=0):
            with suppress(Held):  # Snakemake will say so, if what it holds is in our way
                self.done += _unlock(self.workspace)
        fcntl.flock(self.mark, fcntl.LOCK_SH)
        return self

    def __exit__(self, *_: object) -> None:
        self.mark.close()

    def free(self) -> bool:
        """After a Snakemake that found the workspace locked: wait for a killed run's end and remove its lock.

        Whether there was one. Raises Held.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        try:
            while not _alone(self.mark, seconds=0.2):
                if time.monotonic() > until or any(map(_led, _processes(self.workspace)[0])):
                    raise Held(f"another cm is at work in {self.workspace}; wait for it, or stop it")
            done = _unlock(self.workspace)
        finally:
            fcntl.flock(self.mark, fcntl.LOCK_SH)
        self.done += done
        return bool(done)


@contextmanager
def alone(workspace: Path) -> Iterator[None]:
    """Keep every other `cm` from running Snakemake here. Raises Held while one does, or a Snakemake without it."""
    (workspace / ".snakemake").mkdir(exist_ok=True)
    with (workspace / ".snakemake/cm.lock").open("a") as mark:
        if not _alone(mark, seconds=0):
            raise Held(f"a cm is at work in {workspace}; wait for it, or stop it")
        runs, _ = _processes(workspace)
        if runs:
            raise Held(f"snakemake (process {runs[0].pid}) is at work in {workspace}; wait for it, or stop it")
        yield


def locks(workspace: Path) -> list[Path]:
    return sorted((workspace / ".snakemake/locks").glob("*.lock"))


def _alone(mark: object, seconds: float) -> bool:
    """Try for so long to hold the mark exclusively."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)
        else:
            return True


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
    for lock in found:
        lock.unlink(missing_ok=True)
    orphans = ", and what was still running of it is ended" if jobs else ""
    return [f"a run was killed here: its lock is removed{orphans}"]


def _host(workspace: Path, found: list[Path]) -> str | None:
    """The host that the run which wrote the locks was on, as the log that it had begun by then says."""
    written = min(lock.stat().st_mtime for lock in found)
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


def _led(run: object) -> bool:
    """Whether a Snakemake's `cm` lives; a killed one has left it to the system's first process."""
    import psutil

    try:
        return "cm" in {os.path.basename(word) for word in run.parent().cmdline()[:4]}
    except (psutil.Error, AttributeError):
        return False


def _end(job: object) -> None:
    """Kill a job's process and all below it."""
    import psutil

    with suppress(psutil.Error):
        for process in [*job.children(recursive=True), job]:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
