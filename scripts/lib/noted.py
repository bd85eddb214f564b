"""What Snakemake noted of jobs that failed."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

from scripts.lib.files import read_json, write_json

LONGEST = 254
"""Letters of a part of a note's name; Snakemake cuts a longer one to pieces, all but the last marked by @."""


def expect_again(runs: Path, notes: Path) -> None:
    """Make Snakemake take for stale what failed in the latest run and is not there since.

    Of a job that fails, Snakemake 9.27 notes what it was given just as of one that is done, and removes what it wrote:
    with the files behind it still there from before, the next run would find everything up to date. A note of params
    that no job has is that of a stale file. `runs` holds the runs' events, `notes` is .snakemake/metadata.
    """
    for output in failed(runs):
        note = notes.joinpath(*named(output))
        if not Path(output).exists() and note.is_file():
            write_json(note, read_json(note) | {"params": ["failed"]})


def failed(runs: Path) -> list[str]:
    """The outputs of the jobs that failed or were killed in the latest run, as far as its events say."""
    outputs = []
    for latest in sorted(runs.glob("*.jsonl"))[-1:]:
        for line in latest.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):  # the cut last line of a killed run
                event = json.loads(line)
                if event["event"] == "job" and event["outcome"] != "done":
                    outputs += event["outputs"]
    return outputs


def named(output: str) -> list[str]:
    """The path of an output's note below the folder of notes: the output's own path in base64."""
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[at : at + LONGEST] for at in range(0, len(name), LONGEST)]
    return [*("@" + part for part in parts[:-1]), parts[-1]]
