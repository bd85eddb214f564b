"""What a cluster is not to learn, why it takes no job, and what it still does of a run that was killed."""

import os
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from dotenv import dotenv_values

PATIENCE_SECONDS = 120
_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""How Snakemake's plugin for Slurm names the jobs of a run."""


def keep_keys_here(settings: Iterable[dict], faulty: Iterable[str], commands: Path) -> None:
    """Have the commands in the folder `commands`, which leave keys out, submit the jobs of this process.

    A cluster stores the environment of what is submitted. Left out are the variables of `.env`, and those that a
    `key_env` names: in `settings`, of the run and of its projects, and in the text of `faulty` projects' own.
    """
    sections = [section for own in settings for section in (*own.values(), *own["stock"].values())]
    names = {section["key_env"] for section in sections if isinstance(section, dict) and "key_env" in section}
    names.update(name for text in faulty for name in re.findall(r"""key_env["']?\s*:\s*["']?(\w+)""", text))
    names.update(name for name in dotenv_values(".env") if re.fullmatch(r"[A-Za-z_]\w*", name))
    os.environ["KEYS_STAY_HERE"] = " ".join(sorted(names))
    os.environ["SUBMISSION_REFUSED"] = os.path.abspath(".snakemake/submission-refused")
    os.environ["PATH"] = f"{commands}:{os.environ['PATH']}"


def cancel_orphans() -> int:
    """Cancel the Slurm jobs of runs that were killed in this folder, and wait for their end: one that ends later would
    put an old result in the place of a new one. How many there were. To be called while no other run is at work here.
    """
    found = _orphans()
    if found:
        subprocess.run(["scancel", *found], check=False)
        until = time.monotonic() + PATIENCE_SECONDS
        while _orphans() and time.monotonic() < until:
            time.sleep(1)
    return len(found)


def _orphans() -> list[str]:
    """Numbers of the jobs in the queue that a run here submitted; none while Slurm does not answer.

    Snakemake's plugin names jobs by their run, and Snakemake's log of the run says which. The folder that Slurm has for
    a job is the one where Snakemake was called, from which it may work in others.
    """
    command = ["squeue", "--me", "--noheader", "--format=%A|%j"]
    said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    rows = [row for line in said.splitlines() if _RUN.fullmatch((row := line.split("|", 1))[1])]
    logs = [log.read_bytes() for log in Path(".snakemake/log").glob("*.log")] if rows else []
    return sorted({number for number, run in rows if any(f"SLURM run ID: {run}".encode() in log for log in logs)})
