"""The stock clips that all projects and runs of a user share: `clips/PROVIDER/ID-HASH.mp4` in the cache folder.

A clip's time of change is when it was last used. Beside it lie a note of its size and SHA-256, and, while it is
fetched, its part file and its lock.
"""

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from scripts.lib.files import read_json, replacing, write_json
from scripts.lib.footage.whole import check
from scripts.lib.net.cache import cache_folder
from scripts.lib.net.download import DownloadError, digest, download

WEEK = 7 * 86_400
"""Seconds after which nobody is expected to go on with a part file."""


def fetch(clip: dict, url: str, target: Path, config: dict) -> None:
    """Write a stock clip to `target`: from the shared folder, or from `url` into it first.

    `clip` is one of a selection, `config` the run's. Processes that want the same clip fetch it once. Raises
    DownloadError; UserError where nothing can be written.
    """
    folder = clips_folder(config["cache_dir"])
    kept = place(folder, clip)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with held(kept):
        fetched = not sound(kept)
        if fetched:
            download(url, kept, config["network"], check=lambda part: (check(part), _note(kept, part)))
        os.utime(kept)
        copy(kept, target)
        name = f"{clip['provider']}:{clip['id']}"
        logging.info("%s: %s, %d bytes", name, "fetched" if fetched else "was fetched before", target.stat().st_size)
    if fetched:
        prune(folder, config["cache_max_gb"] * 1e9)


def clips_folder(cache_dir: str) -> Path:
    return cache_folder(cache_dir) / "clips"


def place(folder: Path, clip: dict) -> Path:
    """Where a clip is kept. Each of its renditions has a place, by the link's path and the size: what follows in a link
    signs it and changes. Raises DownloadError for a name that is none of a stock clip."""
    name = f"{clip['provider']}/{clip['id']}"
    if not re.fullmatch(r"[a-z]{1,20}/[A-Za-z0-9_-]{1,64}", name):
        raise DownloadError("is no clip of a stock site: its id has other characters than letters, digits, - and _")
    width, height = clip["size"]
    rendition = hashlib.sha256(f"{urlsplit(clip['url'] or '').path} {width}x{height}".encode()).hexdigest()[:8]
    return folder / f"{name}-{rendition}.mp4"


@contextmanager
def held(clip: Path, timeout: float = -1) -> Iterator[None]:
    """No other process touches the clip meanwhile; one that dies lets go of it.

    Raises filelock's Timeout where another holds it for longer than `timeout` seconds (-1: as long as it takes).
    """
    lock = clip.with_suffix(".lock")
    with FileLock(lock, timeout=timeout):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # who waits for it notices, and makes a new one


def sound(clip: Path) -> bool:
    """Whether a clip is there, as it was when it was fetched."""
    try:
        noted = read_json(clip.with_suffix(".json"))
        return clip.stat().st_size == noted["size"] and digest(clip) == noted["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _note(clip: Path, part: Path) -> None:
    """Written before the clip has its name: a clip without a note, or with another's, is fetched anew."""
    write_json(clip.with_suffix(".json"), {"size": part.stat().st_size, "sha256": digest(part)})


def copy(source: Path, target: Path) -> None:
    """Write a file of its own with the same bytes; where the file system can share them, they are not copied."""
    with replacing(target) as part:
        with suppress(OSError, AttributeError), source.open("rb") as read, part.open("wb") as written:
            while os.copy_file_range(read.fileno(), written.fileno(), 2**30):
                pass
        if not part.exists() or part.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, part)


def usage(folder: Path) -> tuple[int, int]:
    """How many clips are kept, and the bytes of the whole folder."""
    found = _entries(folder)
    return sum(clip in files for clip, files, _, _ in found), sum(size for *_, size in found)


def prune(folder: Path, most: float) -> int:
    """Remove what was used longest ago until at most `most` bytes are left, and what is left of fetches that nobody has
    gone on with for a week; returns the bytes freed. What another process holds is passed over."""
    found = _entries(folder)
    total, freed = sum(size for *_, size in found), 0
    for clip, files, used, size in found:
        abandoned = clip not in files and used < time.time() - WEEK
        if total - freed <= most and not abandoned:
            continue
        with suppress(Timeout), held(clip, timeout=0):
            for file in files:
                file.unlink(missing_ok=True)
            freed += size
    return freed


def _entries(folder: Path) -> list[tuple[Path, list[Path], float, int]]:
    """Each clip with the files that belong to it, when one of them was last used, and their bytes; oldest first."""
    belonging: dict[Path, list[tuple[Path, os.stat_result]]] = {}
    for file in folder.glob("*/*"):
        if file.suffix != ".lock":
            with suppress(FileNotFoundError):
                stat = file.stat()  # first: a part file may be gone by now, and its clip not there yet
                clip = file.with_name(file.name.lstrip(".").partition(".")[0] + ".mp4")
                belonging.setdefault(clip, []).append((file, stat))
    entries = [
        (clip, [file for file, _ in files], max(s.st_mtime for _, s in files), sum(s.st_size for _, s in files))
        for clip, files in belonging.items()
    ]
    return sorted(entries, key=lambda entry: (entry[2], entry[0]))
