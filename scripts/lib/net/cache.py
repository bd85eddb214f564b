"""The folder that all runs of a user share: HTTP cache, downloaded clips, quota ledger."""

import os
from contextlib import suppress
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.job import warn

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs", "9p", "afs"}
"""File systems on which SQLite and file locks of several machines cannot be relied on."""


def cache_folder(cache_dir: str) -> Path:
    """`cache_dir`, or where it is empty the platform's folder for caches; made, for its owner alone, where missing.

    Warns of a network file system. Raises UserError where it cannot be written to.
    """
    if cache_dir:
        folder = Path(cache_dir).expanduser()
    else:
        from platformdirs import user_cache_path

        folder = user_cache_path("content-machine")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cache_dir: {folder} cannot be made ({error.strerror}); name another folder") from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"cache_dir: {folder} cannot be written to; name another folder")
    if (kind := file_system(folder)) in NETWORK:
        warn(
            f"cache_dir: {folder} is on a network file system ({kind}): limits may not hold between machines; "
            "name a folder on a local disk"
        )
    return folder


def file_system(folder: Path) -> str:
    """The type of the file system that a folder is on, as Linux names it; empty where that is not known."""
    device = os.stat(folder).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            fields = line.split()
            if fields[2] == number:
                return fields[fields.index("-") + 1]
    return ""
