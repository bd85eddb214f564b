"""`cm init`: a project to begin with."""

import re
from pathlib import Path

import click

from cm import invocation, naming, options
from cm.errors import Wrong

EXAMPLE = Path(__file__).with_name("example.yaml")


@click.command()
@click.argument("name")
@options.directory
def init(name: str, directory: str) -> None:
    """Start a project: projects/NAME/script.yaml, a short script with a comment on every field.

    \b
    cm init why-the-sea-is-salty
    cm init salt --directory ~/videos        in another workspace; an empty folder will do
    """
    from scripts.lib.problems import printable

    workspace = invocation.folder(directory)
    name = name.removeprefix("projects/").rstrip("/")
    if not re.fullmatch(naming.NAME, name) or len(name) > naming.MOST_LETTERS:
        near = re.sub("[^a-z0-9]+", "-", name.lower())[: naming.MOST_LETTERS].strip("-")
        hint = f"; for example {near}" if near else ""
        allowed = f"small letters, digits and hyphens, at most {naming.MOST_LETTERS}"
        raise Wrong(f"{printable(name)}: is not a name for a project: {allowed}{hint}")
    folder = workspace / "projects" / name
    if folder.exists():
        raise Wrong(f"{invocation.shown(folder)} is there already; choose another name")
    folder.mkdir(parents=True)
    text = EXAMPLE.read_text(encoding="utf-8").replace("cm build NAME", f"cm build {name}", 1)
    (folder / "script.yaml").write_text(text, encoding="utf-8")
    there = "" if workspace == Path.cwd() else f" --directory {invocation.shown(workspace)}"
    click.echo(f"{invocation.shown(folder / 'script.yaml')}: an example; make it yours, then")
    click.echo(f"  cm build {name}{there}     make the video")
    click.echo(f"  cm watch {name}{there}     make it again whenever the script is saved")
