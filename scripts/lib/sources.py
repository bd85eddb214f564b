"""Which of the project's modules a script uses, read from its import statements without running it."""

import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"^[ \t]*(?:from (scripts[\w.]*) import (\([^)]*\)|.*)|import (scripts.*))", re.MULTILINE)
"""An import of ours, on lines of its own. Python's parser would find the same in five times as long, and every start of
Snakemake waits for it."""


def sources(script: str) -> list[str]:
    """Paths, relative to the project's root, of a script and of every `scripts.*` module it uses, directly or not.

    Imports inside functions count. Snakemake compares the script's date alone and is blind to what it imports, so
    each rule names these files as inputs, which are compared by content.
    """
    found: dict[str, None] = {}
    queue = [script]
    while queue:
        path = queue.pop()
        if path not in found:
            found[path] = None
            queue += imports(path)
    return sorted(found)


@functools.cache
def imports(path: str) -> tuple[str, ...]:
    """The project's modules that one file imports, as paths relative to the root, packages' `__init__.py` included."""
    names = set()
    for package, members, modules in IMPORT.findall((ROOT / path).read_text(encoding="utf-8")):
        inside = (f"{package}.{name}" for name in re.findall(r"\w+", members))
        names.update(re.findall(r"[\w.]+", modules) if modules else [package, *inside])
    return tuple(file for name in sorted(names) for file in _files(name))


@functools.cache
def _files(name: str) -> list[str]:
    """The files that importing a dotted name runs: its packages' `__init__.py` and the module; none for a function."""
    parts = name.split(".")
    packages = ["/".join([*parts[:n], "__init__.py"]) for n in range(1, len(parts) + 1)]
    return [file for file in [*packages, "/".join(parts) + ".py"] if (ROOT / file).is_file()]
