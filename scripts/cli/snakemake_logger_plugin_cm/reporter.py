"""What a run's records mean: lines for the screen, and events for the run's file."""

import os
import re
import threading
from logging import ERROR, WARNING, LogRecord, getLogger

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_cm import causes
from snakemake_logger_plugin_cm.cluster import Cluster
from snakemake_logger_plugin_cm.progress import Progress, clock
from snakemake_logger_plugin_cm.runs import Job, RunFile, runs_folder, usual_seconds
from snakemake_logger_plugin_cm.screen import GREEN, RED, YELLOW, Screen

MOST_VIDEOS = 20
TARGET = "all"
"""The rule that makes nothing itself: no job to people."""
ABORTING = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
SUMMED_UP = ("Exiting because a job execution failed", "WorkflowError:\nAt least one job did not complete")
INTERRUPTED = re.compile(r"died with <Signals\.SIGINT|returned non-zero exit status 130\b")
GUESSES = ("No SLURM account given", "No account was given", "Unable to guess SLURM account")
"""What the Slurm executor says of each run that names no account, as most do."""
UNSUBMITTED = ("SLURM sbatch failed", "Error submitting jobscript")
UNWRITTEN = re.compile(r"Job (\d+) +completed successfully, but some output files are missing.*?\n(.*)", re.DOTALL)


class Reporter:
    """Takes the records of a run in their order; `end` says how it went."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.made: set[str] = set()
        self.spared: set[str] = set()
        self.targets = 0
        self.progress = Progress()
        self.cluster = Cluster()
        self.idle = "planning"
        self.facts: dict[str, object] = {"cores": None, "limits": {}}
        self.file: RunFile | None = None
        self.failures: list[Job] = []
        self.crashes: dict[int, str] = {}
        self.told: set[str] = set()
        self.videos: list[str] = []
        self.broken = self.aborted = False
        self.actions = {
            None: self._message,
            LogEvent.WORKFLOW_STARTED: self._begin,
            LogEvent.RESOURCES_INFO: self._limits,
            LogEvent.RUN_INFO: self._plan,
            LogEvent.PROGRESS: self._count,
            LogEvent.JOB_INFO: self._start,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.JOB_ERROR: self._job_error,
            LogEvent.GROUP_ERROR: self._group_error,
            LogEvent.ERROR: self._error,
        }

    def take(self, record: LogRecord) -> None:
        self.cluster.take(record)
        action = self.actions.get(getattr(record, "event", None))
        if action:
            action(record)

    def line(self, now: float, columns: int) -> str:
        return self.progress.line(now, columns, self.idle)

    def note_waits(self, found: dict[int, str], now: float) -> None:
        """Take it that of the running jobs these wait, and for what."""
        waiting = self.progress.waiting
        for number, job in self.progress.running.items():
            what = found.get(number)
            if what == waiting.get(number):
                continue
            if what:
                waiting[number] = what
            else:
                del waiting[number]
            if self.file:
                self.file.waiting(job, now, what)
            if what and what not in self.told and not self.screen.moves:
                self.told.add(what)
                self.screen.print([f"waiting: {what}"], YELLOW)

    def end(self, now: float, interrupted: bool) -> None:
        """Close the run's file and say what was built, how it went and where the full log is."""
        self.aborted |= interrupted
        for crash in self.crashes.values():
            self._broken(crash)
        for number in list(self.progress.running):  # of a job whose files it did not accept, Snakemake says no more
            self._fail(number, now, [], [])
        if self.file:
            failed = self.failures or self.broken
            self.file.close(now, "aborted" if self.aborted else "failed" if failed else "done")
        if self.progress.done or self.failures or self.aborted:
            self._sum_up(now)

    def _sum_up(self, now: float) -> None:
        done, total = self.progress.done, self.progress.total
        time = clock(now - self.progress.start)
        if self.videos:
            more = len(self.videos) - MOST_VIDEOS
            self.screen.print([*self.videos[:MOST_VIDEOS], *([f"and {more} more videos"] if more > 0 else [])])
        if self.aborted and not total:
            self.screen.print(["aborted while planning"], RED)
            return
        if self.aborted:
            self.screen.print([f"aborted: {done} of {total} jobs done in {time}; run again to go on from here"], RED)
        elif self.failures:
            names = [f"  {job.name}" for job in self.failures]
            self.screen.print([f"failed: {len(names)} of {total} jobs, {done} done in {time}", *names], RED)
        elif self.broken:
            self.screen.print([f"stopped by an error: {done} of {total} jobs done in {time}"], RED)
        else:
            spared = f", {len(self.spared)} spared" if self.spared else ""
            self.screen.print([f"done: {done} {'job' if done == 1 else 'jobs'} in {time}{spared}"], GREEN)
        log = self.file.log if self.file else full_log()
        if log:
            self.screen.print([f"full log: {self.screen.path(log)}"])

    def _begin(self, record: LogRecord) -> None:
        self.progress.start = record.created

    def _limits(self, record: LogRecord) -> None:
        if hasattr(record, "cores"):
            self.facts["cores"] = record.cores
        if hasattr(record, "provided_resources"):
            limits = record.provided_resources.items()
            self.facts["limits"] = {name: limit.value for name, limit in limits if not name.startswith("_")}

    def _plan(self, record: LogRecord) -> None:
        self.targets = record.stats.get(TARGET, 0)
        self.progress.total = record.stats["total"] - self.targets
        self.progress.planned = {rule: number for rule, number in record.stats.items() if rule not in ("total", TARGET)}

    def _count(self, record: LogRecord) -> None:
        self.progress.total = record.total - self.targets

    def _start(self, record: LogRecord) -> None:
        job = Job.of(record)
        self.progress.running[job.id] = job
        self.idle = ""
        folder = runs_folder(job)
        if folder and not self.file:
            self.progress.usual = usual_seconds(folder)
            facts = {"jobs": self.progress.total, **self.facts}
            self.file = RunFile(folder, self.progress.start, full_log(), facts)
        if self.file:
            self.file.started(job)

    def _finish(self, record: LogRecord) -> None:
        job = self.progress.stop(record.job_id)
        self.made.update(job.outputs[:1])
        if job.rule != TARGET:
            self.progress.finish(job, record.created)
        if self.file:
            self.file.ended(job, record.created, "done")
        if not self.screen.moves and job.outputs:
            count = f"[{self.progress.done}/{self.progress.total}]"
            self.screen.print([f"{count} {job.name} {record.created - job.start:.1f} s"])
        self._warn(job)
        if job.rule == "video":
            self.videos += [f"{job.name}  {self.screen.path(output)}" for output in job.outputs]

    def _job_error(self, record: LogRecord) -> None:
        crash = self.crashes.pop(record.thread, "")
        self.aborted |= INTERRUPTED.search(crash) is not None  # Ctrl-C may reach a job before it reaches Snakemake
        message = record.rule_msg or ""
        if message.startswith(UNSUBMITTED):
            self._fail(record.jobid, record.created, causes.of_submission(), [])
        else:
            why = causes.of_job(record.log, crash)
            self._fail(record.jobid, record.created, why + message.splitlines(), record.log)

    def _group_error(self, record: LogRecord) -> None:
        """Of a cluster's job that holds several of ours; each of them is reported next, with its own log. One without
        a number was never submitted."""
        submitted = hasattr(record, "external_jobid")
        why = causes.of_job(record.aux_logs, "") if submitted else causes.of_submission()
        self._blame("failed: a group of jobs", why, record.aux_logs)

    def _fail(self, number: int, end: float, why: list[str], logs: list[str]) -> None:
        job = self.progress.stop(number)
        if self.file:
            self.file.ended(job, end, "killed" if self.aborted else "failed")
        if self.aborted:
            return
        self.failures.append(job)
        self._warn(job)
        if job.rule == "refused":
            self._blame(f"refused: {job.project}", why, [])
        else:
            self._blame(f"failed: {job.name}", why, logs)

    def _warn(self, job: Job) -> None:
        for log in job.logs:
            for warning in causes.warnings(causes.read(log)):
                self.screen.print([f"warning: {job.name}: {warning.removeprefix('warning:').strip()}"], YELLOW)

    def _blame(self, head: str, why: list[str], logs: list[str]) -> None:
        where = [f"log: {self.screen.path(log)}" for log in logs if os.path.exists(log)]
        self.screen.print([head, *(f"  {line}" for line in why + where)], RED)

    def _error(self, record: LogRecord) -> None:
        unwritten = UNWRITTEN.search(record.msg)
        if unwritten:
            files = [line.partition(" (missing")[0] for line in unwritten[2].splitlines()]
            self._fail(int(unwritten[1]), record.created, [f"it ended well but did not write {', '.join(files)}"], [])
        elif record.thread != threading.main_thread().ident:
            self.crashes[record.thread] = record.msg  # the job's own record follows from the same thread
        elif not record.msg.startswith(SUMMED_UP):
            self._broken(record.msg)

    def _broken(self, message: str) -> None:
        self.broken = True
        first, *rest = causes.plain(message, os.getcwd())
        self.screen.print([f"error: {first}", *rest], RED)

    def _message(self, record: LogRecord) -> None:
        self.spared = getattr(record, "planned_outputs", self.spared) - self.made
        again = re.match(r"Trying to restart job ([\w-]+)", record.msg)
        if again:
            numbers = self.cluster.numbers(again[1])
            for job in [job for job in self.failures if job.id in numbers]:
                self.failures.remove(job)
                self.screen.print([f"trying again: {job.name}"], YELLOW)
        elif record.msg.startswith("Nothing to be done"):
            self.screen.print(["nothing to do, everything is up to date"], GREEN)
        elif record.msg.startswith(ABORTING):
            self.aborted = True
            self.idle = "stopping"
        elif record.msg.startswith("Creating conda environment"):
            self.idle = record.msg
            if not self.screen.moves:
                self.screen.print([record.msg])
        elif record.levelno >= WARNING and not record.msg.startswith((*SUMMED_UP, *GUESSES)):
            kind, colour = ("error", RED) if record.levelno >= ERROR else ("warning", YELLOW)
            first, *rest = record.msg.strip().splitlines()
            self.screen.print([f"{kind}: {first}", *rest], colour)


def full_log() -> str | None:
    """Snakemake's own log file of this run."""
    handlers = getLogger("snakemake.logging").handlers
    return next((handler.baseFilename for handler in handlers if handler.name == "DefaultLogFileHandler"), None)
