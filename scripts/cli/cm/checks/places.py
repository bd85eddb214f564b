"""The cache, the disk, the machine and its cluster."""

import importlib.util
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cm import concurrency, invocation, table
from cm.checkout import ROOT
from cm.checks import Check, said, size_of

LEAST_FREE = 5 * 10**9
"""Bytes: a minute of video with its parts takes a tenth of a gigabyte, downloaded clips more."""


def cache_path(settings: dict) -> Path | None:
    """The cache folder, None where it cannot be made."""
    from scripts.lib.errors import UserError
    from scripts.lib.net.cache import cache_folder

    logging.disable(logging.WARNING)  # what it warns of is a check of ours
    try:
        return cache_folder(settings["cache_dir"])
    except UserError:
        return None
    finally:
        logging.disable(logging.NOTSET)


def cache(settings: dict, folder: Path | None) -> Iterator[Check]:
    from scripts.lib.net.cache import NETWORK, file_system

    if folder is None:
        yield Check("cache", "bad", "its folder cannot be made or written to", "set cache_dir to a folder of yours")
        return
    found = f"{table.size(size_of(folder))}, {folder}"
    kind = file_system(folder)
    if kind in NETWORK:
        yield Check("cache", "warning", f"{found}, on a network file system ({kind})", "set cache_dir to a local disk")
    else:
        yield Check("cache", "good", found)


def disk(call: invocation.Call, folder: Path | None) -> Iterator[Check]:
    places = {"of the workspace": call.workspace} | ({"of the cache": folder} if folder else {})
    for name, place in places.items():
        free = shutil.disk_usage(place).free
        short = free < LEAST_FREE
        remedy = "cm clean --all --dry-run shows what can go" if short else ""
        yield Check(f"disk {name}", "warning" if short else "good", f"{table.size(free)} free", remedy)
        if not os.access(place, os.W_OK):
            yield Check(f"disk {name}", "bad", f"{place} cannot be written to", "choose another folder, or its rights")


def machine() -> Check:
    from scripts.lib.machine import memory_mb

    cpus = concurrency.usable_cpus()
    shown = f"{float(cpus):g} CPU{'s' if cpus != 1 else ''}"
    number = concurrency.resolve(None, cpus)
    return Check(
        "machine", "good", f"{shown}, {table.size(memory_mb() * 10**6)} of memory; --concurrency {number} unless told"
    )


def slurm() -> Check:
    if not shutil.which("sbatch"):
        return Check("Slurm", "note", "not here; only --profile slurm needs it")
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        remedy = f"make -C {ROOT} cluster"
        return Check("Slurm", "warning", "is here, but Snakemake's plugin for it is not", remedy)
    try:
        return Check("Slurm", "good", f"{said('sbatch', '--version').strip()}; --profile slurm")
    except (OSError, subprocess.SubprocessError):
        return Check("Slurm", "warning", "sbatch does not answer", "ask whoever runs the cluster")
