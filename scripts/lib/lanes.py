"""Which job of a run held which slot, and when: tables from a run's events, to see whether limits were used and kept.

The format of the events is told in scripts/cli/snakemake_logger_plugin_cm/runs.py.
"""

import fcntl
import heapq
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scripts.lib.errors import UserError
from scripts.lib.problems import printable

COLUMNS = ["job", "rule", "project", "scene", "outcome", "start", "end", "seconds", "waited"]
ORDER = ["cpus", "gpu", "api_slots", "stock_slots", "download_slots"]
MOST_LANES = 64
"""Of what is held by more at once, such as megabytes, the amount is told and not who held which."""
MOST_IDLE = 16
"""Lanes up to which a resource is told of where it was never held."""


@dataclass(frozen=True)
class Run:
    """A run of Snakemake. `began` is UNIX time in seconds; all other times are seconds since then.

    `jobs` has a row for each attempt of a job, in the order they started: COLUMNS; how much it held of each of
    `resources`; and in RESOURCE_lanes, as text (`1 2`), on which lanes, numbered from 1. `waits` has a row for each
    wait of a job for a quota: `row` of the job, `start`, `end`, `what`. The outcome is `done`, `failed`, `aborted`,
    `killed` or `running`; a job's is `done`, `failed`, `killed` or `running`.
    """

    began: float
    seconds: float
    outcome: str
    limits: dict[str, float]
    resources: list[str]
    jobs: pd.DataFrame
    waits: pd.DataFrame

    def slots(self, name: str) -> int:
        """How many lanes a resource has: up to its limit, or its peak where that is higher; 0 where none are told."""
        opened = max((int(lane) for lanes in self.jobs[f"{name}_lanes"] for lane in lanes.split()), default=0)
        return max(opened, min(MOST_IDLE, int(self.limits.get(name) or 0))) if opened else 0


def read_run(path: Path) -> Run:
    """The run whose events `path` holds; it may have been killed, or go on. Raises UserError where it holds none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            goes_on = _is_locked(file.fileno())
            events = list(_events(file))
    except OSError as error:
        raise UserError(f"{printable(str(path))}: {error.strerror}; name a run's LOGS/runs/STAMP.jsonl") from None
    head = events[0] if events and isinstance(events[0], dict) else {}
    if (head.get("event"), head.get("version")) != ("run", 1):
        raise UserError(f"{printable(str(path))}: holds no events of a run; name a run's LOGS/runs/STAMP.jsonl")

    began, limits, last = head["start"], head["limits"], events[-1]
    heard = max(event[key] for event in events for key in ("start", "time", "end") if key in event)
    end = time.time() if goes_on else heard
    attempts, waits = _attempts(events, end, "running" if goes_on else "killed")

    jobs = pd.DataFrame(attempts, columns=COLUMNS)
    waits = pd.DataFrame(waits, columns=["row", "start", "end", "what"])
    for table in (jobs, waits):
        table[["start", "end"]] = table[["start", "end"]].astype(float) - began
    jobs["seconds"] = jobs["end"] - jobs["start"]
    jobs["waited"] = (waits["end"] - waits["start"]).groupby(waits["row"]).sum().reindex(jobs.index, fill_value=0.0)
    resources = _resources(attempts, limits)
    for name in resources:
        jobs[name] = [_amount(attempt["resources"].get(name)) for attempt in attempts]
        intervals = jobs[["start", "end", name]].itertuples(index=False, name=None)
        few = held(jobs, name)["held"].max() <= MOST_LANES
        jobs[f"{name}_lanes"] = [" ".join(map(str, taken)) for taken in lanes(intervals)] if few else ""
    outcome = "running" if goes_on else last["outcome"] if last["event"] == "end" else "killed"
    return Run(began, end - began, outcome, limits, resources, jobs, waits)


def lanes(intervals: Iterable[tuple[float, float, float]]) -> list[tuple[int, ...]]:
    """The lanes, from 1, of each (start, end, how many), in the order of their starts.

    Greedy interval partitioning: a lane is free again where its interval ends, and one is opened only where too few are
    free, so that there are as many as are ever held at once. Neighbouring lanes are preferred.
    """
    taken: list[tuple[float, tuple[int, ...]]] = []
    free: set[int] = set()
    opened, out = 0, []
    for start, end, number in intervals:
        number = int(number)
        while taken and taken[0][0] <= start:
            free.update(heapq.heappop(taken)[1])
        while len(free) < number:
            opened += 1
            free.add(opened)
        inside = sorted(free)
        windows = (tuple(inside[first : first + number]) for first in range(len(inside) - number + 1))
        chosen = min(windows, key=lambda window: window[-1] - window[0]) if number else ()
        free.difference_update(chosen)
        heapq.heappush(taken, (end, chosen))
        out.append(chosen)
    return out


def held(jobs: pd.DataFrame, name: str) -> pd.DataFrame:
    """How much of a resource is held from each moment (`at`) on; what ends at a moment is gone before others start."""
    starts = pd.DataFrame({"at": jobs["start"], "held": jobs[name]})
    ends = pd.DataFrame({"at": jobs["end"], "held": -jobs[name]})
    steps = pd.concat([starts, ends]).sort_values(["at", "held"], ignore_index=True)
    return steps.assign(held=steps["held"].cumsum())


def use(run: Run) -> pd.DataFrame:
    """How much of each resource was held: a row for the whole of it, without `slot`, then one for each of its slots.

    `peak`: most at once; `mean` over the run; `busy`: the share of the run during which any was held; `jobs`: how many
    held some.
    """
    rows = []
    for name in run.resources:
        jobs = run.jobs[run.jobs[name] > 0]
        rows.append({"resource": name, "limit": run.limits.get(name), **_use(jobs, name, run.seconds)})
        on = jobs[f"{name}_lanes"].str.split().explode()
        for slot in range(1, run.slots(name) + 1):
            one = jobs.loc[on.index[on == str(slot)]].assign(**{name: 1.0})
            rows.append({"resource": name, "slot": slot, "limit": 1, **_use(one, name, run.seconds)})
    table = pd.DataFrame(rows, columns=["resource", "slot", "limit", "peak", "mean", "busy", "jobs"])
    return table.astype({"slot": "Int64", "limit": float})


def in_words(whole: pd.Series) -> str:
    """Of a row of `use`: `api_slots: peak 3 of 5, mean 1.4, busy 62 %`."""
    name, limit, peak, mean, busy = (whole[key] for key in ("resource", "limit", "peak", "mean", "busy"))
    of = f" of {limit:,.0f}" if limit == limit else ", no limit"
    if not peak:
        return f"{name}: not used{of.replace(' of', ', limit')}"
    return f"{name}: peak {peak:,.0f}{of}, mean {mean:,.{0 if peak > MOST_LANES else 2}f}, busy {100 * busy:.0f} %"


def heading(run: Run) -> str:
    return f"{counted(len(run.jobs))} in {run.seconds:,.1f} s, {run.outcome}"


def counted(number: int) -> str:
    return f"{number:,} {'job' if number == 1 else 'jobs'}"


def report(run: Run) -> list[str]:
    """What a terminal is told: how the run ended, and the use of each resource and of its slots."""
    table = use(run)
    lines = [heading(run)]
    for name in run.resources:
        whole, *each = (row for _, row in table[table["resource"] == name].iterrows())
        each = ", ".join(f"{100 * row['busy']:.0f}" for row in each)
        lines.append(in_words(whole) + (f"; each slot {each} %" if each else ""))
    return lines


def _use(jobs: pd.DataFrame, name: str, seconds: float) -> dict[str, float]:
    steps = held(jobs, name)
    busy = (steps["at"].shift(-1) - steps["at"])[steps["held"] > 0].sum()
    mean = (jobs[name] * jobs["seconds"]).sum()
    return {
        "peak": steps["held"].max() if len(steps) else 0.0,
        "mean": mean / seconds if seconds else 0.0,
        "busy": busy / seconds if seconds else 0.0,
        "jobs": len(jobs),
    }


def _events(lines: Iterable[str]) -> Iterable[dict]:
    for line in lines:
        with suppress(ValueError):  # the cut last line of a run that was killed
            yield json.loads(line)


def _is_locked(file: int) -> bool:
    """Whether the run that writes to the file goes on."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    return False


def _attempts(events: list[dict], end: float, outcome: str) -> tuple[list[dict], list[list]]:
    """The jobs by start, and their waits; where no end is told, that is `end`, with `outcome`."""
    attempts: list[dict] = []
    waits: list[list] = []
    running: dict[int, dict] = {}
    waiting: dict[int, list] = {}
    for event in events:
        number = event.get("job")
        if event["event"] == "started":
            running[number] = {"resources": {}, **event, "end": end, "outcome": outcome}
            attempts.append(running[number])
        elif event["event"] in ("job", "waiting") and number in running:
            if number in waiting:
                waiting.pop(number)[2] = event.get("end", event.get("time"))
            if event["event"] == "job":
                running.pop(number).update(event)
            elif event["what"]:
                waiting[number] = [running[number], event["time"], end, event["what"]]
                waits.append(waiting[number])
    attempts.sort(key=lambda attempt: attempt["start"])
    rows = {id(attempt): row for row, attempt in enumerate(attempts)}
    return attempts, [[rows[id(attempt)], *rest] for attempt, *rest in waits]


def _resources(attempts: list[dict], limits: dict[str, float]) -> list[str]:
    """What is limited, and what is so elsewhere; of Snakemake's other resources there is always enough."""
    names = {name for attempt in attempts for name in attempt["resources"]}
    names = {name for name in names if name in ORDER or name.endswith("_slots")} | limits.keys()
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def _amount(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
