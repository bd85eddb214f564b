"""`cm script`, `audio`, `visuals`, `render` and `build`: Snakemake's targets under the names that people know."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from cm import invocation, lock, naming, options, table
from cm.errors import Failed, Wrong, lines
from cm.leftovers import remove_parts
from cm.supervisor import STOPS, Supervised

MOST_SHOWN = 20


Outcome = TypeVar("Outcome")


def run(call: invocation.Call, targets: Sequence[str]) -> int:
    """Run Snakemake on the terminal: its exit status, or 128 + N if signal N stopped us."""
    command = call.command(targets)
    click.secho(invocation.printed(command), dim=True, err=True)
    code, _ = unlocked(call, lambda: (_supervised(command), None))
    if code < 0:
        raise Failed(f"snakemake was killed ({signal.Signals(-code).name}); run again to go on from here")
    return code


def unlocked(call: invocation.Call, start: Callable[[], tuple[int, Outcome]]) -> tuple[int, Outcome]:
    """What `start` says, an exit status first; it is called when no other run is at work in the workspace.

    Raises Failed where a Snakemake is that no `cm` started.
    """
    try:
        with lock.alone(call.workspace, say) as done:
            code, outcome = start()
            if code > 128 or done:
                remove_parts(call)
    except lock.Held as error:
        raise Failed(str(error)) from None
    return code, outcome


def say(lines: Iterable[str]) -> None:
    for line in lines:
        click.secho(line, fg="yellow", err=True)


def _supervised(command: list[str]) -> int:
    """Run Snakemake: its exit status, or 128 + N if signal N stopped us.

    The run is shown by our logger, on a descriptor of its own. What else comes, on standard error, is passed on, less
    what Python has to say when it is interrupted.
    """
    sys.stdout.flush()
    screen = os.dup(sys.stderr.fileno())
    environment = os.environ | {"CM_SCREEN": str(screen)}
    with (
        open(screen, "w"),  # noqa: PTH123
        Supervised(command, pass_fds=[screen], env=environment, stderr=subprocess.PIPE) as running,
    ):
        rest = threading.Thread(target=_pass_on, args=[running], daemon=True)
        rest.start()
        code = running.wait()
        rest.join()
        return 128 + running.stopped if running.stopped else code


def _pass_on(running: Supervised) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [*STOPS, signal.SIGTSTP, signal.SIGALRM])  # they are the main thread's
    for line in invocation.spoken(line.decode("utf-8", "replace") for line in running.process.stderr):
        if not running.stopped:
            with contextlib.suppress(OSError):  # nobody reads on, and Snakemake must not wait for us
                sys.stderr.write(line)
                sys.stderr.flush()


@click.command()
@options.projects
@options.running
@click.pass_context
def audio(ctx: click.Context, projects: tuple[str, ...], **given: object) -> None:
    """Speak the scenes and mix the soundtrack: narrations, word times, soundtrack.m4a, timestamps.json.

    \b
    cm audio salt
    cm audio --set narration.voice=en-gb
    """
    make(ctx, projects, ["soundtrack.m4a", "timestamps.json"], **given)


@click.command()
@options.projects
@options.running
@click.pass_context
def visuals(ctx: click.Context, projects: tuple[str, ...], **given: object) -> None:
    """Choose what each scene shows and fetch it: the selection, clips, credits.md, visuals.json.

    The narrations are made too, because visuals.json says how long each clip is shown.

    \b
    cm visuals script.json --concurrency 8
    cm visuals salt --concurrency 1          one step after the other, to see what goes wrong
    """
    make(ctx, projects, ["credits.md", "visuals.json"], **given)


@click.command()
@options.projects
@options.running
@click.pass_context
def render(ctx: click.Context, projects: tuple[str, ...], **given: object) -> None:
    """Make the video, video.mp4, and whatever it needs that is not there.

    \b
    cm render projects/salt --concurrency 50%
    cm render salt --profile draft           half the size, fastest encoding, in draft/
    """
    make(ctx, projects, ["video.mp4"], **given)


@click.command()
@options.projects
@options.running
@options.per_run
@click.pass_context
def build(ctx: click.Context, projects: tuple[str, ...], **given: object) -> None:
    """Make the video and all that goes with it: subtitles, thumbnail, credits, quality report.

    With no PROJECT: every project that is not archived. Only what an edit made stale is made again.

    \b
    cm build
    cm build salt --set captions.style=pill
    cm build --dry-run                       what would be made, and why
    cm build salt -- --forcerun narration    all after -- goes to Snakemake
    cm build --per-run 20                    hundreds of projects, in runs of twenty
    """
    make(ctx, projects, None, **given)


@click.command()
@options.projects
@options.running
@click.pass_context
def script(ctx: click.Context, projects: tuple[str, ...], **given: object) -> None:
    """Write projects/NAME/script.json from projects/NAME/brief.yaml, by the language model that is configured.

    \b
    cm script salt
    """
    call = called(ctx, **given)
    named = naming.projects(call.workspace, projects)
    wanted = invocation.chosen(call, named)
    briefed = [name for name in wanted if (call.workspace / f"projects/{name}/brief.yaml").exists()]
    for name in [name for name in wanted if name not in briefed] if named else []:
        folder = call.workspace / "projects" / name
        written = next((file.name for file in sorted(folder.glob("script.*"))), None)
        has = f"it has {written}: cm build {name} makes its video" if written else "or write its script.json yourself"
        raise Wrong(f"projects/{name} has no brief.yaml to write a script from; write one, {has}")
    if not briefed:
        raise Wrong("no project has a brief.yaml to write a script from; write projects/NAME/brief.yaml")
    warn_of_overruled(call, briefed)
    build_targets(call, [[f"projects/{name}/script.json" for name in briefed]], given["dry_run"])


def called(ctx: click.Context, **given: object) -> invocation.Call:
    """The options of a command, resolved."""
    extra = ctx.obj[options.EXTRA]
    return invocation.Call.of(given["directory"], given["concurrency"], given["profile"], given["sets"], extra)


def make(
    ctx: click.Context, words: Sequence[str], files: Sequence[str] | None, per_run: int | None = None, **given: object
) -> None:
    """Build some files of the projects that are named, or of all; by default what is delivered."""
    call = called(ctx, **given)
    named = naming.projects(call.workspace, words, build=True)
    names = invocation.chosen(call, named)
    unwritten = [name for name in names if naming.unwritten(call.workspace, name)]
    if named and unwritten:
        raise Wrong(f"projects/{unwritten[0]} has a brief and no script yet; write it first: cm script {unwritten[0]}")
    names = [name for name in names if name not in unwritten]
    if not names and (unwritten or files or per_run):
        hint = f" {unwritten[0]}" if unwritten else ""
        raise Wrong(f"no project has a script yet; write it first: cm script{hint}")
    warn_of_overruled(call, names)
    if files or named or per_run:
        mine = dict.fromkeys(names, files) if files else delivered(call, names)
        size = per_run or len(names) or 1
        runs = [
            wanted(call, {name: mine[name] for name in names[first : first + size]})
            for first in range(0, len(names), size)
        ]
    else:
        runs = [[]]  # Snakemake's own default, and a short command
    try:
        build_targets(call, runs, given["dry_run"])
    finally:
        if given["dry_run"]:
            naming.forget(named)


def delivered(call: invocation.Call, names: Sequence[str]) -> dict[str, list[str]]:
    """By project, the files that are made when nobody asks for certain ones."""
    from scripts.lib.delivered import DELIVERED, delivered
    from scripts.lib.projects import read_projects

    known = {}
    with contextlib.suppress(Failed), contextlib.chdir(call.workspace):  # what is wrong, the build will say
        known = read_projects(Path("projects"), call.complete(), only=set(names))
    return {name: delivered(known[name]) if name in known else DELIVERED for name in names}


def wanted(call: invocation.Call, files: dict[str, Sequence[str]]) -> list[str]:
    """Files by project as Snakemake's targets; of a folder that is no project's, what tells so."""
    results = call.place("results")
    return [
        target
        for name, mine in files.items()
        for target in (
            [f"{results}/{name}/{file}" for file in mine]
            if re.fullmatch(naming.NAME, name)
            else [f"{results}/{_refused(name)}/refused"]
        )
    ]


def _refused(name: str) -> str:
    """As rules/common.smk calls a project whose folder's name is none."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def build_targets(call: invocation.Call, runs: Sequence[Sequence[str]], dry_run: bool) -> None:
    """Run or plan, the targets of each run after those of the one before; say how it went, and end the process with its
    status. What fails in one run stops no other; a signal stops all."""
    worst = 0
    for number, targets in enumerate(runs, start=1):
        if len(runs) > 1:
            click.secho(f"run {number} of {len(runs)}", bold=True, err=True)
        if dry_run:
            show_plan(call, targets)
            continue
        before = {target: _date(call, target) for target in targets}
        code = run(call, targets)
        if code > 128:
            sys.exit(code)
        if not code:
            show_where(call, before)
        worst = max(worst, min(code, Wrong.exit_code))
    sys.exit(worst)


def show_plan(call: invocation.Call, targets: Sequence[str]) -> None:
    """What would be made, and why, a line a job."""
    from cm.plan import plan

    click.secho(invocation.printed(call.command(targets, "--dry-run")), dim=True, err=True)
    jobs, warnings = plan(call, targets)
    for warning in warnings:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    if not jobs:
        click.echo("nothing to do, everything is up to date")
        return
    for project in sorted({job.project or "" for job in jobs}):
        mine = [job for job in jobs if (job.project or "") == project]
        if any(job.rule == "refused" for job in mine):
            click.echo(f"{click.style('refused:', fg='red')} {project}")
            click.echo(lines(f"  {problem}" for problem in refusals(call)[project]))
            continue
        click.echo(f"{project or 'for all projects'}: {table.number(len(mine), 'job')}")
        rows = [[job.rule, job.scene or "", click.style(job.why, dim=True)] for job in mine]
        click.echo("\n".join(table.aligned(rows)))
    click.echo(f"would run {table.number(len(jobs), 'job')}")
    choices = [output for job in jobs if job.rule == "selection" for output in job.outputs]
    if any((call.workspace / output).exists() for output in choices):
        click.echo("where the choice of footage stays as it is, what hangs on it will not be made again")
    elif choices:
        click.echo("and what is shown: clips and segments are planned when the footage has been chosen")


def refusals(call: invocation.Call) -> dict[str, list[str]]:
    """What is wrong with each faulty project, by the name that Snakemake's rule `refused` gives it."""
    from scripts.lib.projects import read_projects

    with contextlib.chdir(call.workspace):
        projects = read_projects(Path("projects"), call.complete())
    return {_refused(name): project.problems for name, project in projects.items() if project.problems}


def warn_of_overruled(call: invocation.Call, names: Iterable[str]) -> None:
    """Projects' own settings win over the run's: say so, where --set asks for something else."""
    from scripts.lib.documents import read_document
    from scripts.lib.errors import UserError

    asked = {(section, key) for section, keys in call.changes.items() if isinstance(keys, dict) for key in keys}
    for name in names if asked else []:
        file = call.workspace / "projects" / name / "config.yaml"
        try:
            own = read_document(file) if file.exists() else {}
        except UserError:  # the build will say so
            continue
        for section, key in sorted(asked):
            if isinstance(own, dict) and isinstance(own.get(section), dict) and key in own[section]:
                what = f"{section}.{key}"
                say([f"warning: projects/{name}/config.yaml sets {what} itself: --set does not change it there"])


def _date(call: invocation.Call, target: str) -> float:
    try:
        return (call.workspace / target).stat().st_mtime
    except OSError:
        return 0.0


def show_where(call: invocation.Call, before: dict[str, float]) -> None:
    """Where the files are that were asked for; the run itself has told of the videos that it made."""
    told = [target for target in before if target.endswith("/video.mp4") and _date(call, target) > before[target]]
    projects = {Path(target).parent for target in told}
    rows = [
        [Path(target).name, shown, table.size(path.stat().st_size)]
        for target in before
        if Path(target).parent not in projects
        for path, shown in [_place(call, target)]
        if path.exists()
    ]
    for line in table.aligned(rows[:MOST_SHOWN], indent=0):
        click.echo(line, err=True)
    if len(rows) > MOST_SHOWN:
        click.echo(f"and {len(rows) - MOST_SHOWN} more files", err=True)


def _place(call: invocation.Call, target: str) -> tuple[Path, str]:
    path = call.workspace / target
    return path, invocation.shown(path)
