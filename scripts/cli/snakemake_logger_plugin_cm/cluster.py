"""What Slurm says of a run's jobs where Snakemake's executor would wait for ever and say nothing.

The executor takes a job for running until `squeue` lists it as ended. It never learns of one whose record is gone, and
has no eye for one that cannot start.
"""

import re
import subprocess
from collections.abc import Iterable, Mapping
from logging import LogRecord

from snakemake_interface_logger_plugins.common import LogEvent

UNNOTICED_SECONDS = 300
"""The executor looks every three minutes at least: what it has not seen by then, it will not see."""
QUERY_SECONDS = 60
ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")
ITS_TURN = re.compile(
    "None|Priority|Resources|Nodes required|BeginTime|Dependency|Licenses|Prolog|Reservation|ReqNodeNotAvail"
    "|(QOS|Assoc)(Grp|Max)(?!.*(PerJob|PerNode|Wall|(?<!Run)Minutes))"
)
"""Why jobs wait when all is well: others come first, or as much of ours is at work as may be at once. A limit that one
job alone goes beyond, or a budget that is used up, is another matter."""
ADVICE = {
    "PartitionTimeLimit": "it asks for more time than its partition allows; lower `runtime` or name another partition",
    "PartitionNodeLimit": "no node of its partition is large enough; name another partition",
    "PartitionConfig": "its partition does not take it; name another partition",
    "JobHeldUser": "somebody holds it; scontrol release {id}",
    "launch failed requeued held": "its node could not start it; scontrol release {id}",
}
OTHERWISE = "scontrol show job {id} says more; if it is never to start, Ctrl-C"
"""What to do about a reason; squeue's manual has them all (JOB REASON CODES)."""

_RUN = re.compile(r"SLURM run ID: (\S+)")
_SUBMITTED = re.compile(r"Job (\S+) has been submitted with SLURM jobid (\d+)")


class Cluster:
    """The Slurm jobs of a run: told of by the executor, looked for with `squeue`."""

    def __init__(self) -> None:
        self.run = ""
        self.members: dict[str, set[int]] = {}
        """Snakemake's numbers of the jobs of a group, by the name that the executor has for it."""
        self.jobs: dict[str, set[int]] = {}
        """The same by Slurm's number, for all that was submitted."""
        self.lost: dict[str, float] = {}
        """Since when a job has been over for Slurm and not for Snakemake."""
        self.told: set[str] = set()

    def take(self, record: LogRecord) -> None:
        if getattr(record, "event", None) == LogEvent.GROUP_INFO:
            numbers = {job.jobid for job in record.jobs}
            self.members |= {job.uuid(): numbers for job in record.jobs}
        elif found := _RUN.match(record.msg):
            self.run = found[1]
        elif found := _SUBMITTED.match(record.msg):
            self.jobs[found[2]] = self.numbers(found[1])

    def numbers(self, name: str) -> set[int]:
        """Snakemake's numbers of the jobs that the executor has under a name: a group's, or the one that it is."""
        return self.members.get(name) or {int(name)}

    def look(self, running: Mapping[int, str], now: float) -> list[str]:
        """What is to be said by now, each thing once. `running`: names of the jobs that Snakemake takes for running,
        by its numbers; a retried job keeps its number, so that only its latest Slurm job counts."""
        latest = {number: slurm for slurm, numbers in list(self.jobs.items()) for number in numbers}
        names = {slurm: running[number] for number, slurm in latest.items() if number in running}
        if not names:
            return []
        try:
            states = self._states()
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
            return self._once("silent", f"Slurm does not answer; the run waits until it does: {''.join(said)}")
        self.told.discard("silent")
        blocked, over = {}, {}
        for slurm, name in names.items():
            state, reason = states.get(slurm, ("", ""))
            if state and state not in ENDED:
                self.lost.pop(slurm, None)
                if state == "PENDING" and not ITS_TURN.match(reason):
                    blocked.setdefault(reason, {})[slurm] = name
            elif now - self.lost.setdefault(slurm, now) >= UNNOTICED_SECONDS and slurm not in self.told:
                over.setdefault(f"has {state} for" if state else "knows no more of", {})[slurm] = name
        lines = []
        for reason, jobs in blocked.items():
            advice = ADVICE.get(reason, OTHERWISE).format(id=next(iter(jobs)))
            lines += self._once(reason, f"Slurm does not start {_named(jobs)}: {reason}; {advice}")
        for what, jobs in over.items():
            self.told |= jobs.keys()
            text = f"Slurm {what} {_named(jobs)}, and Snakemake will not see the end of it"
            lines.append(f"{text}; press Ctrl-C and run again: what is done stays done")
        return lines

    def _states(self) -> dict[str, tuple[str, str]]:
        command = ["squeue", "--noheader", "--states=all", f"--name={self.run}", "--format=%i|%T|%r"]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=QUERY_SECONDS).stdout
        rows = (line.split("|", 2) for line in said.splitlines())
        return {number: (state, reason) for number, state, reason in rows}

    def _once(self, about: str, text: str) -> Iterable[str]:
        new = about not in self.told
        self.told.add(about)
        return [text] if new else []


def _named(jobs: Mapping[str, str]) -> str:
    """`job 17 (segment demo/s01)`, and how many more there are."""
    (number, name), *more = jobs.items()
    return f"job {number} ({name})" + (f" and {len(more)} more" if more else "")
