"""What a build would do, and why in plain words: Snakemake's own dry run, read from its logger `plan`."""

import ast
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from cm.errors import Failed, Wrong, lines
from cm.invocation import Call, spoken
from cm.supervisor import Supervised

_HEADS = {
    "Forced execution": "it was asked for",
    "Missing output files": "missing",
    "Incomplete output files": "a run was killed while it was made",
    "Updated input files": "{files} changed",
    "Input files updated by another job": "{files} made again",
    "Set of input files has changed since last execution": "other files go in",
    "Code has changed since last execution": "its script changed",
    "Params have changed since last execution": "{changes}",
    "Software environment definition has changed since last execution": "its environment changed",
}
_HEAD = "|".join(map(re.escape, _HEADS))
_REASON = re.compile(rf"(?:^|; )({_HEAD})(?:: (.*?))?(?=; (?:{_HEAD})|$)", re.DOTALL)
_PARAMS = re.compile(r"before: (.*) now: (.*)", re.DOTALL)
_MOST_NAMED = 3
_TAKEN_AWAY = "although it existed before"
_LOOKS = 5


@dataclass(frozen=True)
class Job:
    """A job that would run; project and scene are None where it has none. `why` is in plain words."""

    rule: str
    project: str | None
    scene: str | None
    outputs: list[str]
    why: str


def plan(call: Call, targets: Sequence[str]) -> tuple[list[Job], list[str]]:
    """The jobs that would run, rule by rule, and the warnings of the run's start.

    A run at work may take a file away between two looks of Snakemake's at it, which then gives up: we ask it again.
    Raises Failed with what Snakemake complains of, and Wrong where it does not know an option.
    """
    for _ in range(_LOOKS - 1):
        try:
            return _plan(call, targets)
        except Failed as found:
            if _TAKEN_AWAY not in found.message:
                raise
    return _plan(call, targets)


def _plan(call: Call, targets: Sequence[str]) -> tuple[list[Job], list[str]]:
    from snakemake_logger_plugin_cm.causes import plain

    command = call.command(targets, "--dry-run", "--nocolor", "--logger", "plan")
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
        Supervised(command, stdout=out, stderr=err) as running,
    ):
        code = running.wait()
        if running.stopped:
            sys.exit(128 + running.stopped)
        out.seek(0)
        err.seek(0)
        answer, complaint = out.read().strip(), err.read()
    found = json.loads(answer.splitlines()[-1]) if answer else {"jobs": [], "errors": [], "warnings": []}
    if code:
        said = [line for message in found["errors"] for line in plain(message, str(call.workspace))]
        text = lines(said or spoken(complaint.splitlines())) or f"snakemake ended with status {code}"
        raise Wrong(text) if code == Wrong.exit_code else Failed(text)
    jobs = [_job(one) for one in found["jobs"] if one["rule"] not in ("all", "refused_file")]
    rank = {rule: number for number, rule in reversed(list(enumerate(job.rule for job in jobs)))}
    return sorted(jobs, key=lambda job: (rank[job.rule], job.scene or "")), found["warnings"]


def _job(found: dict) -> Job:
    wildcards = found["wildcards"]
    project = wildcards.get("project") or wildcards.get("refused")
    return Job(found["rule"], project, wildcards.get("scene"), found["outputs"], why(found["reason"]))


def why(reason: str) -> str:
    """Snakemake's reason for a job in plain words."""
    found = dict(_REASON.findall(reason))
    if "Missing output files" in found:
        return "missing"
    parts = []
    for head, words in _HEADS.items():
        if head in found:
            files, changes = _files(found[head]), ""
            if head.startswith("Params"):
                changes = _changes(found[head])
            if head == "Updated input files" and not found[head]:
                continue
            parts.append(words.format(files=files, changes=changes))
    return ", ".join(parts) or "it has to be made"


def _files(text: str) -> str:
    paths = text.split(", ") if text else []
    sources = [path for path in paths if "scripts/" in path and path.endswith(".py")]
    names = sorted({os.path.basename(path) for path in paths if path not in sources})
    if sources:
        names.append("the source")
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return ", ".join(names[:_MOST_NAMED] + more)


def _changes(text: str) -> str:
    """Which settings differ: `crf: 21 → 24`; of long values only the name."""
    found = _PARAMS.search(text)
    try:
        before, now = (ast.literal_eval(part.strip()) for part in found.groups())
        keys = [key for key in now | before if now.get(key, _NONE) != before.get(key, _NONE)]
    except (AttributeError, SyntaxError, TypeError, ValueError):
        return "its settings changed"
    said = [_change(key, before, now) for key in keys[:_MOST_NAMED]]
    more = [f"{len(keys) - _MOST_NAMED} more settings"] if len(keys) > _MOST_NAMED else []
    return ", ".join(said + more) or "its settings changed"


_NONE = object()


def _change(key: str, before: dict, now: dict) -> str:
    plain = all(
        isinstance(side.get(key), int | float | str) and len(str(side.get(key))) <= 20 for side in (before, now)
    )
    return f"{key}: {before[key]} → {now[key]}" if plain and key != "text" else f"{key} changed"
