"""`cm` as a process: in a pipe, and on a real terminal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from conftest import write_config

CM = [sys.executable, "-m", "cm"]


def cm(workspace: Path, *words: object, **environment: str) -> subprocess.CompletedProcess:
    """Run `cm` as a program would, its output in pipes."""
    command = [*CM, *map(str, words)]
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")} | environment
    return subprocess.run(
        command, cwd=workspace, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def configure(workspace: Path, **keys: object) -> None:
    """The workspace's configuration: the tests' small settings, with single keys and whole sections laid over them."""
    write_config(workspace, **{key: value for key, value in keys.items() if isinstance(value, dict)})
    path = workspace / "config/config.yaml"
    single = {key: value for key, value in keys.items() if not isinstance(value, dict)}
    path.write_text(json.dumps(json.loads(path.read_text()) | single))


def command(said: str) -> str:
    """The Snakemake command that `cm` printed."""
    return next(line for line in said.splitlines() if line.split()[0].endswith("snakemake"))


def made(said: str) -> list[str]:
    """`rule project/scene` of the jobs that a run in a pipe told of."""
    return re.findall(r"^\[\d+/\d+\] (\S+ ?\S*) \d", said, re.MULTILINE)


def processes(workspace: Path) -> list[psutil.Process]:
    """All living processes that have this folder as their current one."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(workspace) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def jobs(workspace: Path, rule: str = "") -> list[psutil.Process]:
    """The scripts of jobs that run in this folder."""
    mark = f".{rule}.py" if rule else ".py"
    return [
        process
        for process in processes(workspace)
        if any("/scripts/tmp" in w and w.endswith(mark) for w in words(process))
    ]


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def half_made(workspace: Path) -> list[Path]:
    return [path for path in workspace.rglob(".*.part*") if ".snakemake" not in path.parts]


class Terminal:
    """`cm` on a terminal of its own, as the leader of its session, and all that it wrote."""

    def __init__(self, workspace: Path, *arguments: str, term: str = "xterm") -> None:
        self.text = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(workspace)
            os.environ["TERM"] = term
            os.execv(CM[0], [*CM, *arguments])

    def read(self, until: str = "") -> str:
        """Wait for a pattern; without one, for the end."""
        while not (until and re.search(until, self.text)):
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.text += data.decode(errors="replace")
        return self.text

    def press(self, key: bytes) -> None:
        os.write(self.fd, key)

    def end(self) -> int:
        """What is left to read is read; the exit status, negative for a signal."""
        self.read()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


CTRL_C, CTRL_Z = b"\x03", b"\x1a"
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
