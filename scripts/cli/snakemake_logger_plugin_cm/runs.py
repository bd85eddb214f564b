"""The events of a run as JSON lines, for whoever asks later what ran, when and how it ended.

Every run that starts a job leaves `LOGS/runs/STAMP.jsonl` (STAMP: when it began, UTC, so that names sort by age) and
beside it `STAMP.log`, Snakemake's own full log. Each line is one object, written out as soon as it is known: of a run
that was killed all is there but the end, and at worst the last line is cut. Times are UNIX seconds. While the run
lasts, its process holds a lock (flock) on the file.

    {"event": "run", "version": 1, "start", "jobs", "cores", "limits": {resource: number}}
        First. `jobs`: as planned, less `all`, before a checkpoint adds to them; `cores` is null on a cluster.
    {"event": "started", "job", "rule", "project", "scene", "start", "threads", "resources": {name: value}}
        `job` is Snakemake's number, the same for each attempt. On a cluster, `start` is when the job was submitted.
        `project` and `scene` are null where the rule has none.
    {"event": "waiting", "job", "time", "what"}
        The job waits, for `what` ("pexels: free again at 14:32"); with null, it goes on. Seen once a second.
    {"event": "job", "job", "rule", "project", "scene", "start", "threads", "resources", "end",
     "outcome": "done"|"failed"|"killed", "outputs": [path], "reason"}
        Paths are relative to the workspace; `reason` says why the job had to run; `killed`: it was running when the
        run was aborted.
    {"event": "end", "end", "outcome": "done"|"failed"|"aborted"}
        Last.
"""

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from logging import LogRecord
from pathlib import Path

RUNS_READ = 5


@dataclass(frozen=True)
class Job:
    """One attempt of a job; `wildcards` in the order in which its paths name them."""

    id: int
    rule: str
    wildcards: dict[str, str]
    start: float
    threads: int
    resources: dict[str, object]
    outputs: list[str]
    logs: list[str]
    reason: str

    @classmethod
    def of(cls, record: LogRecord) -> "Job":
        """The job that Snakemake announces with a JOB_INFO."""
        values = dict(record.resources.items())
        resources = {name: value for name, value in values.items() if name != "tmpdir" and not name.startswith("_")}
        wildcards, outputs, logs = dict(record.wildcards), list(record.output), list(record.log)
        head = (record.jobid, record.rule_name, wildcards, record.created, record.threads)
        return cls(*head, resources, outputs, logs, record.reason)

    @property
    def name(self) -> str:
        """As people know it: `segment demo/hook`."""
        return " ".join(filter(None, [self.rule, "/".join(self.wildcards.values())]))

    @property
    def project(self) -> str | None:
        return self.wildcards.get("project") or self.wildcards.get("refused")

    def event(self) -> dict[str, object]:
        scene = self.wildcards.get("scene")
        head = {"job": self.id, "rule": self.rule, "project": self.project, "scene": scene, "start": self.start}
        return {**head, "threads": self.threads, "resources": self.resources}


def runs_folder(job: Job) -> Path | None:
    """LOGS/runs, known by where the job's log lies: LOGS/RULE/WILDCARD/….log or LOGS/RULE.log; None if elsewhere."""
    for log in job.logs:
        parents = Path(log).parents
        if len(parents) > len(job.wildcards):
            logs = parents[len(job.wildcards)]
            if Path(log).relative_to(logs).parts[0] in (job.rule, f"{job.rule}.log"):
                return logs / "runs"
    return None


class RunFile:
    """The events of one run, appended line by line."""

    def __init__(self, runs: Path, start: float, full_log: str | None, facts: dict[str, object]) -> None:
        runs.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(start)) + f".{int(start % 1 * 1000):03}Z"
        self.file = (runs / f"{stamp}.jsonl").open("x", encoding="utf-8")
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self.file, fcntl.LOCK_EX)
        self.log = full_log
        if full_log:
            with contextlib.suppress(OSError):  # a file system without hard links: the log is where Snakemake put it
                os.link(full_log, runs / f"{stamp}.log")
                self.log = str(runs / f"{stamp}.log")
        self._write({"event": "run", "version": 1, "start": start, **facts})

    def started(self, job: Job) -> None:
        self._write({"event": "started", **job.event()})

    def ended(self, job: Job, end: float, outcome: str) -> None:
        facts = {"end": end, "outcome": outcome, "outputs": job.outputs, "reason": job.reason}
        self._write({"event": "job", **job.event(), **facts})

    def waiting(self, job: Job, time: float, what: str | None) -> None:
        self._write({"event": "waiting", "job": job.id, "time": time, "what": what})

    def close(self, end: float, outcome: str) -> None:
        self._write({"event": "end", "end": end, "outcome": outcome})
        self.file.close()

    def _write(self, event: dict) -> None:
        self.file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self.file.flush()


def usual_seconds(runs: Path) -> dict[str, float]:
    """How long a job of each rule took on average in the latest run that had any, of the last five."""
    usual = {}
    for path in sorted(runs.glob("*.jsonl"))[-RUNS_READ:]:
        totals: dict[str, list[float]] = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):  # the cut last line of a killed run
                event = json.loads(line)
                if event["event"] == "job" and event["outcome"] == "done":
                    totals.setdefault(event["rule"], []).append(event["end"] - event["start"])
        usual |= {rule: sum(seconds) / len(seconds) for rule, seconds in totals.items()}
    return usual
