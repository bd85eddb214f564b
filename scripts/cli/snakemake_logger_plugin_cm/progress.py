"""How far a run is, in a line of text."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from snakemake_logger_plugin_cm.runs import Job

CHECKPOINT = "selection"


@dataclass
class Progress:
    """What has been and what is to be done.

    `planned` counts the jobs of each rule before the first one ran; `total`, all jobs known by now, grows when a
    checkpoint adds to them. `waiting` says for what, of the running jobs, those wait that do. `finished` holds number
    and seconds of the finished jobs of each rule, `usual` a rule's mean seconds in earlier runs.
    """

    start: float = field(default_factory=time.time)
    planned: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    running: dict[int, Job] = field(default_factory=dict)
    waiting: dict[int, str] = field(default_factory=dict)
    finished: dict[str, tuple[int, float]] = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return sum(number for number, _ in self.finished.values())

    def stop(self, number: int) -> Job:
        self.waiting.pop(number, None)
        return self.running.pop(number)

    def finish(self, job: Job, end: float) -> None:
        number, seconds = self.finished.get(job.rule, (0, 0.0))
        self.finished[job.rule] = (number + 1, seconds + end - job.start)

    def line(self, now: float, columns: int, idle: str) -> str:
        """`[12/56] 21% segment demo/hook, narration demo/outro · 0:14 left`, cut to fit; `idle` where no job runs.

        While jobs wait it says so, and how long the run has lasted: when a quota is free again is no rule's mean.
        """
        left = None if self.waiting else self.seconds_left(now)
        tail = f"· {clock(now - self.start)}" if left is None else f"· {clock(left)} left"
        head = f"[{self.done}/{self.total}] {100 * self.done // self.total}%" if self.total else ""
        names = [job.name for number, job in self.running.items() if number not in self.waiting]
        names = names or [idle] * (not self.running)
        waits = [f"· {wait}" for wait in self._waits()]
        for last in [[*waits, tail], [tail]] if waits else [[tail]]:
            for shown in range(min(len(names), columns), -1, -1):
                more = [f"+{len(names) - shown}"] if shown < len(names) else []
                text = " ".join(filter(None, [head, ", ".join(names[:shown] + more), *last]))
                if len(text) < columns:
                    return text
        return head[: max(0, columns - 1)]

    def _waits(self) -> list[str]:
        """`pexels: free again at 14:32, 3 scenes wait`, for each that is waited for."""
        waiting: dict[str, list[int]] = {}
        for number, what in self.waiting.items():
            waiting.setdefault(what.partition(":")[0], []).append(number)
        lines = []
        for numbers in waiting.values():
            kind = "scene" if all(self.running[number].wildcards.get("scene") for number in numbers) else "job"
            count = f"1 {kind} waits" if len(numbers) == 1 else f"{len(numbers)} {kind}s wait"
            lines.append(f"{self.waiting[numbers[-1]]}, {count}")
        return lines

    def seconds_left(self, now: float) -> float | None:
        """From how long the jobs of each rule take and how many of them run side by side; None while that is unknown.

        Jobs behind the checkpoint are not planned before it has run: each selection still to come is taken to add as
        many as those before it did on average.
        """
        busy = sum(seconds for _, seconds in self.finished.values())
        chosen = self._finished(CHECKPOINT)
        to_choose = self.planned.get(CHECKPOINT, 0) - chosen
        if not self.finished or (to_choose > 0 and not chosen):
            return None

        def mean(rule: str) -> float:
            number, seconds = self.finished.get(rule, (0, 0.0))
            return seconds / number if number else self.usual.get(rule, busy / self.done)

        work = sum((number - self._finished(rule)) * mean(rule) for rule, number in self.planned.items())
        added = self.total - sum(self.planned.values())
        if added > 0:
            seen = [*self.finished, *(job.rule for job in self.running.values())]
            late = set(seen) - set(self.planned) or set(self.usual) - set(self.planned) or set(seen)
            number = added * (1 + to_choose / chosen if chosen else 1)
            number -= sum(self._finished(rule) for rule in set(self.finished) - set(self.planned))
            work += number * sum(map(mean, late)) / len(late)
        ages = [(job.rule, now - job.start) for job in self.running.values()]
        work -= sum(min(age, mean(rule)) for rule, age in ages)
        side_by_side = (busy + sum(age for _, age in ages)) / max(now - self.start, 1e-3)
        return max(0.0, work) / max(1.0, side_by_side)

    def _finished(self, rule: str) -> int:
        return self.finished.get(rule, (0, 0.0))[0]


def clock(seconds: float) -> str:
    """0:07, 12:30 or 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
