"""The Snakemake command that a `cm` command stands for."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cm import concurrency, naming, settings
from cm.checkout import ROOT, SNAKEFILE
from cm.errors import Wrong


@dataclass
class Call:
    """What the options of a command ask for; `settings` are what is configured for it, unchecked."""

    workspace: Path
    number: int
    asked: bool
    profile: Path | None
    profile_keys: dict
    changes: dict
    extra: list[str]
    settings: dict | None = None

    def __post_init__(self) -> None:
        if self.settings is None:
            self.settings = settings.written(self.workspace, self.profile_keys, self.changes)

    @classmethod
    def of(
        cls, directory: str, number: str | None, profile: str | None, sets: Sequence[str], extra: Sequence[str]
    ) -> "Call":
        """Raises Wrong and Failed."""
        workspace = folder(directory)
        try:
            resolved = concurrency.resolve(number, concurrency.usable_cpus())
        except ValueError as error:
            raise Wrong(f"--concurrency {number}: {error}") from None
        file = settings.find_profile(profile) if profile else None
        keys = settings.read_profile(file) if file else {}
        return cls(workspace, resolved, number is not None, file, keys, settings.changes(sets), list(extra))

    def complete(self) -> dict:
        """All settings, checked. Raises Failed."""
        return settings.complete(self.workspace, self.profile_keys, self.changes)

    def place(self, name: str) -> str:
        """The folder of a path variable: `results`, `resources`, `logs` or `benchmarks`."""
        places = self.settings.get("pathvars")
        return str(places.get(name) or name) if isinstance(places, dict) else name

    def command(self, targets: Sequence[str], *options: str) -> list[str]:
        """Snakemake's command for some targets (none: all projects), to be run in the current folder.

        Options that take any number of words come first: else they would swallow the targets, or those in `extra`.
        """
        words = [snakemake(), *(self._changes() if self.changes else []), *options]
        if os.path.realpath("Snakefile") != str(SNAKEFILE) or not _here(self.workspace):
            words += ["--snakefile", shown(SNAKEFILE)]
        if not _here(self.workspace):
            words += ["--directory", shown(self.workspace)]
        if self.profile:
            words += ["--profile", shown(self.profile.parent if self.profile.is_relative_to(ROOT) else self.profile)]
        if self.asked or not {"cores", "jobs", "executor"} & self.profile_keys.keys():
            words += concurrency.options(self.number, self.asked)
        return [*words, *targets, *self.extra]

    def _changes(self) -> list[str]:
        """A profile's own configuration would win over a file: the file holds it as well, and its option is emptied."""
        config = settings.profile_config(self.profile_keys)
        whole: dict = {}
        settings.lay(whole, config)
        settings.lay(whole, self.changes)
        emptied = ["--config"] if config else []
        return [*emptied, "--configfile", shown(settings.configfile(self.workspace, whole))]


def folder(directory: str) -> Path:
    """The workspace. Raises Wrong where there is none."""
    path = Path(directory).resolve()
    if not path.is_dir():
        raise Wrong(f"--directory {directory}: there is no such folder")
    return path


def chosen(call: Call, named: Sequence[naming.Named]) -> list[str]:
    """The projects that a command is about: those it names, else all that are not archived. Raises Wrong."""
    if named:
        return [one.name for one in named]
    found = naming.there(call.workspace)
    if not found:
        hint = ""
        inside = next((up for up in call.workspace.parents if up.name == "projects" and up.is_dir()), None)
        if inside:
            hint = f"; or is the workspace {inside.parent}? Go there, or say --directory {shown(inside.parent)}"
        raise Wrong(f"there is no project under {shown(call.workspace / 'projects')}: cm init NAME makes one{hint}")
    return [name for name in found if not naming.archived(call.workspace, name)]


def snakemake() -> str:
    """This environment's Snakemake, by its name alone where that leads to it."""
    own = Path(sys.executable).parent / "snakemake"
    found = shutil.which("snakemake")
    return "snakemake" if found and os.path.realpath(found) == os.path.realpath(own) else str(own)


def printed(command: Sequence[str]) -> str:
    """A command as it can be pasted into a shell."""
    return shlex.join(command)


def spoken(lines: Iterable[str]) -> Iterator[str]:
    """What Snakemake says beside its log, less the profiles that it uses, and of its usage the last line alone."""
    usage = False
    for line in lines:
        usage = line.startswith("usage: ") or (usage and ": error: " not in line)
        if not usage and not line.startswith("Using "):
            yield line


def _here(path: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(".")


def shown(path: Path) -> str:
    """A path from the current folder where that is shorter, else whole."""
    near = os.path.relpath(path)
    return near if not near.startswith("../..") else str(path)
