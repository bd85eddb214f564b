"""`cm watch`: make a video again whenever its script, its settings or the footage change."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from cm import building, invocation, naming, options
from cm.errors import Failed
from cm.supervisor import Supervised

LOOK_SECONDS = 0.05
LOOK_SHARE = 0.05
"""Of a processor at most: where there are thousands of clips, looking takes longer, and is done more seldom."""
PASSING = re.compile(r"[.#].*|.*~|4913")
"""Names of files that editors write beside the one that is edited."""
SETTLE_SECONDS = 0.05
"""A save may be several writes: a build starts when nothing has changed for so long."""


@click.command()
@options.project
@options.directory
@options.profile
@options.sets
@options.concurrency
@click.pass_context
def watch(
    ctx: click.Context, project: str, directory: str, profile: str, sets: tuple[str, ...], concurrency: str
) -> None:
    """Make a video again whenever its script, its settings or the footage are saved, until Ctrl-C.

    A fault in the script is told, and waited over.

    \b
    cm watch salt
    cm watch salt --profile draft            quick looks, half the size, in draft/
    """
    extra = ctx.obj[options.EXTRA]
    call = invocation.Call.of(directory, concurrency, profile, sets, extra)
    (named,) = naming.projects(call.workspace, [project], build=True)
    building.warn_of_overruled(call, [named.name])
    click.secho(invocation.printed(call.command(_targets(call, named.name))), dim=True, err=True)
    warned: list[str] = []
    for _ in saves(call, named.name):
        start = time.monotonic()
        try:
            if not (call.workspace / "projects" / named.name).is_dir():
                raise Failed(f"projects/{named.name} is gone; put it back, or stop with Ctrl-C")
            call = invocation.Call.of(directory, concurrency, profile, sets, extra)  # its settings may have been saved
            targets = _targets(call, named.name)
            code, said = build(call, targets)
        except click.ClickException as error:
            click.echo(f"{_clock()} {click.style('failed', fg='red')}: {error.format_message()}")
            continue
        if code > 128:
            sys.exit(code)
        click.echo(f"{_clock()} {outcome(call, targets[0], code, said, time.monotonic() - start)}")
        warnings = [line for line in said if line.startswith("warning:")]
        building.say(f"  {line}" for line in warnings if line not in warned)
        warned = warnings


def _targets(call: invocation.Call, name: str) -> list[str]:
    return building.wanted(call, building.delivered(call, [name]))


def _clock() -> str:
    return time.strftime("%H:%M:%S")


def saves(call: invocation.Call, project: str) -> Iterator[None]:
    """Yield at once, and then after every change of what a project is made from."""
    places, before = sources(call, project), None
    while True:
        start = time.monotonic()
        now = snapshot(places)
        if now != before:
            while now != (later := _after(SETTLE_SECONDS, places)):
                now = later
            places = sources(call, project)
            before = snapshot(places)
            yield
        else:
            time.sleep(max(LOOK_SECONDS, (time.monotonic() - start) / LOOK_SHARE))


def _after(seconds: float, places: Sequence[Path]) -> dict:
    time.sleep(seconds)
    return snapshot(places)


def sources(call: invocation.Call, project: str) -> list[Path]:
    """The files and folders that a project is made from and that people change, as it is configured now."""
    from scripts.lib.projects import read_projects

    found = [f"projects/{project}", "config", ".env"]
    try:
        with contextlib.chdir(call.workspace):
            settings = call.complete()
            own = read_projects(Path("projects"), settings, only={project}).get(project)
    except Failed:  # the build says why
        return [call.workspace / place for place in [*found, "footage"]]
    found.append(settings["stock"]["local"]["path"])
    if own:
        found += filter(None, [own.settings["music"]["path"], *(scene["footage"] for scene in own.scenes.values())])
    return [call.workspace / place for place in found]


def snapshot(places: Sequence[Path]) -> dict[str, tuple[int, int, int]]:
    """Date, size and number of every file that lies there."""
    found = {}
    queue = list(places)
    while queue:
        path = queue.pop()
        try:
            if path.is_dir():
                queue += (file for file in path.iterdir() if not PASSING.fullmatch(file.name))
            else:
                state = path.stat()
                found[str(path)] = state.st_mtime_ns, state.st_size, state.st_ino
        except OSError:  # gone since it was listed
            continue
    return found


def build(call: invocation.Call, targets: Sequence[str]) -> tuple[int, list[str]]:
    """Build once: the exit status, 128 + N if signal N stopped us, and what Snakemake said. Raises Failed."""
    return building.unlocked(call, lambda: _build(call.command(targets)))


def _build(command: list[str]) -> tuple[int, list[str]]:
    said = []
    _draw("building…")
    with Supervised(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        told = (line.decode("utf-8", "replace").rstrip("\n") for line in running.process.stdout)
        for text in invocation.spoken(told):
            if text.startswith("["):
                _draw(text)
            else:
                said.append(text)
        code = running.wait()
        _draw("")
        return (128 + running.stopped if running.stopped else code), said


def _draw(text: str) -> None:
    """A line that moves, on a terminal."""
    if sys.stderr.isatty():
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        sys.stderr.write(f"\r\x1b[K{text[: columns - 1]}")
        sys.stderr.flush()


def outcome(call: invocation.Call, video: str, code: int, said: Sequence[str], seconds: float) -> str:
    """How a build went, in a line; where there is more than one fault, the others below it."""
    where = invocation.shown(call.workspace / video)
    if not code:
        done = next(
            (re.match(r"done: (\d+ jobs?) in [\d:]+(, .*)?", line) for line in said if line[:5] == "done:"), None
        )
        facts = f" ({done[1]}{done[2] or ''})" if done else ""
        return (
            f"{click.style('built', fg='green')} in {seconds:.1f} s: {where}{facts}" if done else f"up to date: {where}"
        )
    first, *more = faults(said) or ["it ended without a reason; run cm build to see more"]
    return f"{click.style('failed', fg='red')}: {first}" + "".join(f"\n  {line}" for line in more)


def faults(said: Sequence[str]) -> list[str]:
    """What is wrong, a line each, from what our logger prints: a head for each failed job, and indented its causes."""
    found, head = [], ""
    for line in said:
        if re.match(r"failed: \d+ of \d+ jobs|stopped by an error|full log:", line):
            break
        cause = line.strip().removeprefix("error: ")
        if line.startswith(("failed: ", "refused: ")):
            head = "" if line.startswith("refused") else line.removeprefix("failed: ") + ": "
        elif line.startswith("  log: ") and found:
            found[-1] += f" ({cause})"
        elif not line.startswith("warning:") and cause:
            found.append(head + cause)
    return found
