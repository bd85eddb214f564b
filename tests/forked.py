"""Snakemake as a process of its own that need not import it first: half of what the tests' many short runs would take.

It is forked from a server that has imported Snakemake, what it imports later too, and none of ours; all else is as on a
command line.
"""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["snakemake.cli", "snakemake.report.html_reporter", "jsonschema", "nbformat", "smart_open", "yte"]
)


def run(arguments: list[str], folder: Path, environment: dict[str, str], out: Path) -> int:
    """The exit status of `snakemake ARGUMENTS` in a folder, negative for a signal; what it prints goes to `out`."""
    process = _context.Process(target=_snakemake, args=(arguments, folder, environment, out))
    process.start()
    process.join()
    return process.exitcode


def _snakemake(arguments: list[str], folder: Path, environment: dict[str, str], out: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, target, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(target, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)
    tempfile.tempdir = None  # as the environment says now
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
