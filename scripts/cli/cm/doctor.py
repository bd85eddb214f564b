"""`cm doctor`: whether this machine has all that the projects here take, each lack with its remedy."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

import click

from cm import invocation, options
from cm.checks import Check, places, projects, services, tools
from cm.errors import Failed

COLOURS = {"good": "green", "note": None, "warning": "yellow", "bad": "red"}


@click.command()
@options.directory
@options.profile
@options.as_json
def doctor(directory: str, profile: str, as_json: bool) -> None:
    """Whether this machine has all that it takes, each lack with its remedy. Exit status 1 if videos cannot be made.

    Nothing is asked of any server, and keys are never shown.
    """
    call, settings, first = configuration(directory, profile)
    found = [first, *checks(call, settings)]
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in found]}, ensure_ascii=False, indent=1))
    else:
        for check in found:
            click.echo(f"{click.style(f'{check.state:8}', fg=COLOURS[check.state])} {check.name}: {check.found}")
            if check.remedy:
                click.echo(f"{'':9}{click.style('→', dim=True)} {check.remedy}")
    if any(check.state == "bad" for check in found):
        sys.exit(1)


def configuration(directory: str, profile: str) -> tuple[invocation.Call, dict, Check]:
    """What is configured, and whether it is sound; if not, the defaults, so that all else can still be looked at."""
    from scripts.lib.config import complete

    try:
        call = invocation.Call.of(directory, None, profile, (), ())
        return call, call.complete(), Check("configuration", "good", "every key is known, every value allowed")
    except Failed as error:
        settings, _ = complete({}, "")
        call = invocation.Call(invocation.folder(directory), 1, False, None, {}, {}, [], settings)
        faults = "; ".join(error.message.splitlines())
        return call, settings, Check("configuration", "bad", faults, "docs/configuration.md tells of every key")


def checks(call: invocation.Call, settings: dict) -> Iterator[Check]:
    yield from services.environment(call)
    yield tools.python()
    yield tools.packages()
    yield from tools.ffmpeg(settings)
    yield tools.fonts()
    found = projects.known(call, settings)
    yield from projects.workspace(call, found)
    yield from projects.voices(call, found)
    yield from projects.models(call, found)
    yield from services.keys(call, settings, found)
    folder = places.cache_path(settings)
    yield from services.quotas(settings, folder)
    yield from places.cache(settings, folder)
    yield from places.disk(call, folder)
    yield places.machine()
    yield places.slurm()
