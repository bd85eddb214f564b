"""`cm timeline`: what ran when, on which slots, as a picture, a table and a few words."""

from pathlib import Path

import click

from cm import invocation, options
from cm.errors import Wrong


@click.command()
@click.argument("run", required=False)
@options.directory
@options.profile
@click.option(
    "--output", "-o", metavar="FILE", help="The picture; the table goes beside it. Default: beside the run's events."
)
def timeline(run: str | None, directory: str, profile: str, output: str | None) -> None:
    """What ran when, and whether the limits were used: a picture (SVG) and a table (CSV) of a run.

    RUN is its events file, or the stamp that its name begins with; without it, the latest run.

    \b
    cm timeline
    cm timeline 20260501T1200 -o monday.svg
    """
    from scripts.lib.files import replacing, write_text
    from scripts.lib.gantt import picture
    from scripts.lib.lanes import read_run, report

    if output and Path(output).suffix != ".svg":
        raise Wrong(f"--output {output}: the picture is an SVG; name a file that ends in .svg")
    call = invocation.Call.of(directory, None, profile, (), ())
    events = _events(call.workspace / call.place("logs") / "runs", run)
    found = read_run(events)
    drawn = Path(output) if output else events.with_suffix(".svg")
    table = drawn.with_suffix(".csv")
    write_text(drawn, picture(found))
    with replacing(table) as part:
        found.jobs.to_csv(part, index=False, float_format="%.3f")
    click.echo("\n".join(report(found)))
    click.echo(f"picture: {invocation.shown(drawn)}\ntable: {invocation.shown(table)}")


def _events(runs: Path, run: str | None) -> Path:
    """Raises Wrong where there is none, or more than one."""
    if run and Path(run).is_file():
        return Path(run)
    found = sorted(runs.glob(f"{glob_escaped(run or '')}*.jsonl"))
    if not found:
        raise Wrong(
            f"there is no run {run or ''} in {invocation.shown(runs)}".replace("  ", " ") + "; build something first"
        )
    if run and len(found) > 1:
        raise Wrong(f"{run} is the beginning of {len(found)} runs: {', '.join(path.stem for path in found[:5])}")
    return found[-1]


def glob_escaped(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)
