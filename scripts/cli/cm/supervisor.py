"""Run a command so that nothing of it outlives this process, however that ends.

The command leads a process group of its own, in which all its children stay. A signal that asks us to stop is passed to
the whole group: first SIGINT, on which Snakemake cancels its jobs and tidies up; jobs that do not heed it get SIGTERM;
whatever is left, SIGKILL. Against a SIGKILL of ours, a guard waits in a session of its own for us to vanish, and then
does the same.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from types import FrameType
from typing import Self

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ESCALATION = ((3.0, signal.SIGTERM), (7.0, signal.SIGKILL))
"""What follows on the first SIGINT: seconds after the last signal, and the next one."""
SAME_STOP_SECONDS = 0.5
"""`timeout` and others signal a process and then its group: two signals that mean one."""


class Supervised:
    """A running command, as a context: it has ended, and its whole group with it, when the context is left.

    `stopped` is the signal by which we were asked to stop, or None.
    """

    def __init__(self, command: list[str], **popen: object) -> None:
        self.command = command
        self.popen = popen
        self.process: subprocess.Popen | None = None
        self.stopped: int | None = None
        self.stopped_at = 0.0
        self.escalation = list(ESCALATION)

    def __enter__(self) -> Self:
        self.earlier = {number: signal.getsignal(number) for number in (*STOPS, signal.SIGTSTP, signal.SIGALRM)}
        for number in STOPS:
            if self.earlier[number] != signal.SIG_IGN:  # nohup
                signal.signal(number, self._stop)
        signal.signal(signal.SIGTSTP, self._pause)
        signal.signal(signal.SIGALRM, self._escalate)
        self.guard, self.line = _guard()
        try:
            self.process = subprocess.Popen(
                self.command, process_group=0, stdin=subprocess.DEVNULL, preexec_fn=self._begin, **self.popen
            )
        except BaseException:
            self.__exit__()
            raise
        if self.stopped:
            self._interrupt()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.returncode is None:
            if self.stopped is None and not _ended(self.process.pid):
                self._interrupt()
            self.wait()
        os.write(self.line, b"done")
        os.close(self.line)
        os.waitpid(self.guard, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self.earlier.items():
            signal.signal(number, handler)

    def wait(self) -> int:
        """The command's exit status; by then nothing of its group is left."""
        if hasattr(os, "waitid"):  # while the leader is not reaped, no other group can get its number
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self.process.wait()
        _kill(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def _begin(self) -> None:
        """In the command's process, before it starts."""
        os.write(self.line, b"%d\n" % os.getpid())
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has its background commands ignore it
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # a group behind the terminal may write to it

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self.stopped is None:
            self.stopped, self.stopped_at = number, time.monotonic()
            if self.process:
                self._interrupt()
        elif self.process and time.monotonic() - self.stopped_at > SAME_STOP_SECONDS:
            _kill(self.process.pid, signal.SIGKILL)

    def _interrupt(self) -> None:
        _kill(self.process.pid, signal.SIGINT)
        signal.setitimer(signal.ITIMER_REAL, self.escalation[0][0])

    def _escalate(self, *_: object) -> None:
        _, number = self.escalation.pop(0)
        _kill(self.process.pid, number)
        if self.escalation:
            signal.setitimer(signal.ITIMER_REAL, self.escalation[0][0])

    def _pause(self, *_: object) -> None:
        """Ctrl-Z stops all of it, `fg` and `bg` let all of it go on."""
        if self.process:
            _kill(self.process.pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        if self.process:
            _kill(self.process.pid, signal.SIGCONT)


def _guard() -> tuple[int, int]:
    """Start the guard: its process, and the line on which it is told the group, and at the end that all is well."""
    heard, line = os.pipe()
    guard = os.fork()
    if guard:
        os.close(heard)
        return guard, line
    try:
        os.setsid()
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.close(line)
        told = b""
        while part := os.read(heard, 100):
            told += part
        if told and not told.endswith(b"done"):
            _end(int(told))
    finally:
        os._exit(0)


def _end(group: int) -> None:
    for number, seconds in ((signal.SIGINT, ESCALATION[0][0]), (signal.SIGTERM, ESCALATION[1][0])):
        _kill(group, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not _there(group):
                return
            time.sleep(0.05)
    _kill(group, signal.SIGKILL)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a group of zombies
        os.killpg(group, number)


def _there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _ended(process: int) -> bool:
    """Whether a child has ended; it is not reaped."""
    if not hasattr(os, "waitid"):
        return False
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
