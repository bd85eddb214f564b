"""Which project is meant: by its folder, its name, or a script file, which becomes one where it is none yet."""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cm.errors import Failed, Wrong, lines

NAME = "[a-z0-9][a-z0-9-]*"
SCRIPTS = (".json", ".yaml", ".yml")
OWN = re.compile(r"(script|brief)\.(json|ya?ml)")
"""The files of a project's folder that stand for the project."""


@dataclass(frozen=True)
class Named:
    """A project, and its folder if naming it made that."""

    name: str
    made: Path | None = None


def there(workspace: Path) -> list[str]:
    """The folders under projects/ that are meant as projects."""
    folder = workspace / "projects"
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path.name for path in paths if path.is_dir() and path.name[0] not in "._"]


def unwritten(workspace: Path, name: str) -> bool:
    """Whether a project has only a brief as yet."""
    folder = workspace / "projects" / name
    return (folder / "brief.yaml").exists() and not any(os.path.lexists(folder / f"script{end}") for end in SCRIPTS)


def archived(workspace: Path, name: str) -> bool:
    """Whether a project keeps out of what is built when none is named."""
    from scripts.lib.documents import read_document
    from scripts.lib.errors import UserError

    file = workspace / "projects" / name / "config.yaml"
    try:
        own = read_document(file) if file.exists() else {}
    except UserError:  # the build will say so
        return False
    return isinstance(own, dict) and own.get("archived") is True


def projects(workspace: Path, words: Sequence[str]) -> list[Named]:
    """The projects that the words of a command name. Raises Wrong where one names none."""
    found = [_project(workspace, word) for word in words]
    return list({named.name: named for named in reversed(found)}.values())[::-1]


def _project(workspace: Path, word: str) -> Named:
    from scripts.lib.problems import nearest, printable

    folder = workspace / "projects"
    if "/" not in word and (folder / word).is_dir():
        return _checked(word)
    path = Path(os.path.abspath(word))
    if _same(path.parent, folder) and path.is_dir():
        return _checked(path.name)
    if _same(path.parent.parent, folder) and path.is_file():
        if not OWN.fullmatch(path.name):
            raise Wrong(f"{printable(word)}: is not the script of its project; name the project: {path.parent.name}")
        return _checked(path.parent.name)
    if path.is_file():
        return _registered(workspace, word, path)
    if path.is_dir():
        raise Wrong(
            f"{printable(word)}: is no project of this workspace; put it under {folder}, name its script file, "
            "or name its workspace with --directory"
        )
    if path.suffix in SCRIPTS:
        raise Wrong(f"{printable(word)}: there is no such file")
    known = there(workspace)
    hint = nearest(Path(word).name, known) if known else f"; there is none under {folder}: cm init NAME makes one"
    raise Wrong(f"there is no project {printable(word)}{hint}")


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _checked(name: str) -> Named:
    if not re.fullmatch(NAME, name):
        allowed = "small letters, digits and hyphens, starting with a letter or a digit"
        raise Wrong(f"projects/{name}: is not a name for a project; rename the folder: {allowed}")
    return Named(name)


def _registered(workspace: Path, word: str, file: Path) -> Named:
    """A script that lies elsewhere: a project named after its file, which holds a link to it, so that edits count."""
    from scripts.lib.problems import printable
    from scripts.lib.script import read_script

    if file.suffix not in SCRIPTS:
        raise Wrong(f"{printable(word)}: is no script; a script is a file of {', '.join(SCRIPTS)}")
    name = re.sub("[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    if not name:
        raise Wrong(f"{printable(word)}: its name gives none for a project; rename it, with letters or digits")
    folder = workspace / "projects" / name
    link = folder / f"script{file.suffix}"
    if _same(link, file):
        return Named(name)
    if os.path.lexists(folder):
        raise Wrong(f"{printable(word)}: projects/{name} is another project; rename the file, or name the project")
    folder.mkdir(parents=True)
    inside = file.is_relative_to(workspace)
    link.symlink_to(os.path.relpath(file, folder) if inside else file)
    made = Named(name, made=folder)
    with contextlib.chdir(workspace):  # where footage is looked for
        inner = link.relative_to(workspace)
        _, faults = read_script(inner)
    if faults:
        forget([made])
        raise Failed(lines(fault.replace(inner.as_posix(), printable(word), 1) for fault in faults))
    return made


def forget(named: Sequence[Named]) -> None:
    """Take back what naming made."""
    for folder in filter(None, (one.made for one in named)):
        for link in folder.iterdir():
            link.unlink()
        folder.rmdir()
