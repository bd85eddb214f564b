"""Which project is meant: by its folder, its name, or a script file, which becomes one where it is none yet."""

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cm.errors import Failed, Wrong, lines

NAME = "[a-z0-9][a-z0-9-]*"
MOST_LETTERS = 100
"""Of a new project's name: logs and half-written files are called after it, with more around it."""
SCRIPTS = (".json", ".yaml", ".yml")
OWN = re.compile(r"(script|brief)\.(json|ya?ml)")
"""The files of a project's folder that stand for the project."""


@dataclass(frozen=True)
class Named:
    """A project; the script from elsewhere that named it, and how that was written; its folder, if naming made it."""

    name: str
    script: Path | None = None
    word: str = ""
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


def projects(workspace: Path, words: Sequence[str], build: bool = False) -> list[Named]:
    """The projects that the words of a command name; to `build` them, scripts from elsewhere are registered.

    Raises Wrong where a word names none, and Failed where such a script is faulty.
    """
    found: dict[str, Named] = {}
    try:
        for named in [_project(workspace, word) for word in words]:
            there = _registered(workspace, named, build) if named.script else named
            found.setdefault(named.name, there)
    except BaseException:
        forget(found.values())
        raise
    return list(found.values())


def _project(workspace: Path, word: str) -> Named:
    from scripts.lib.problems import nearest, printable

    folder = workspace / "projects"
    if not word:
        raise Wrong("a PROJECT is a folder, a name or a script file; this one is empty")
    if "/" not in word and word not in (".", "..") and os.path.isdir(folder / word):
        return _checked(word)
    path = Path(os.path.abspath(word))
    if _same(path.parent, folder) and os.path.isdir(path):
        return _checked(path.name)
    if _same(path.parent.parent, folder) and os.path.isfile(path):
        if not OWN.fullmatch(path.name):
            raise Wrong(f"{printable(word)}: is not the script of its project; name the project: {path.parent.name}")
        return _checked(path.parent.name)
    if os.path.isfile(path):
        return _elsewhere(workspace, word, path)
    if os.path.isdir(path):
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


def _elsewhere(workspace: Path, word: str, file: Path) -> Named:
    """A script that lies elsewhere: a project named after its file."""
    from scripts.lib.problems import printable

    if file.suffix not in SCRIPTS:
        raise Wrong(f"{printable(word)}: is no script; a script is a file of {', '.join(SCRIPTS)}")
    name = re.sub("[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    if not name:
        raise Wrong(f"{printable(word)}: its name gives none for a project; rename it, with letters or digits")
    if len(name) > MOST_LETTERS:
        raise Wrong(f"{printable(word)}: its name is too long for a project's; at most {MOST_LETTERS} letters")
    return Named(name, script=file, word=printable(word))


def _registered(workspace: Path, named: Named, build: bool) -> Named:
    """Its project holds a link to the script, so that edits count."""
    from scripts.lib.script import read_script

    folder = workspace / "projects" / named.name
    link = folder / f"script{named.script.suffix}"
    if _same(link, named.script):
        return named
    scripts = [path for end in SCRIPTS if os.path.lexists(path := folder / f"script{end}")]
    moved = {path: path.readlink() for path in scripts if path.is_symlink() and not path.exists()}
    if os.path.lexists(folder) and (not moved or len(moved) < len(scripts)):
        raise Wrong(f"{named.word}: projects/{named.name} is another project; rename the file, or name the project")
    if not build:
        raise Wrong(f"{named.word}: is no project yet; cm build {named.word} makes it one")
    made = None if folder.exists() else folder
    folder.mkdir(parents=True, exist_ok=True)
    for path in moved:
        path.unlink()
    inside = named.script.is_relative_to(workspace)
    link.symlink_to(os.path.relpath(named.script, folder.resolve()) if inside else named.script)
    with contextlib.chdir(workspace):  # where footage is looked for
        inner = link.relative_to(workspace)
        _, faults = read_script(inner)
    if faults:
        link.unlink()
        for path, target in moved.items():
            path.symlink_to(target)
        if made:
            made.rmdir()
        raise Failed(lines(fault.replace(inner.as_posix(), named.word, 1) for fault in faults))
    return Named(named.name, made=made)


def forget(named: Iterable[Named]) -> None:
    """Take back what naming made."""
    for folder in filter(None, (one.made for one in named)):
        for link in folder.iterdir():
            link.unlink()
        folder.rmdir()
