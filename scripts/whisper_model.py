"""Fetch a recogniser from Hugging Face, or take stock of the user's own; its manifest stands for it as an input."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.job import job, warn
from scripts.lib.timing.needs import FILES, NEEDED
from scripts.lib.timing.published import MODELS

FETCHED = "files"
"""The folder beside a manifest that holds what was fetched; it is there when all of it is."""
SUMS = "fetched.json"
"""What came, written when all of it is there."""


class Unreachable(UserError):
    """The hub cannot be asked, or does not give what it promised."""


def whisper_model(size: str, folder: Path, timeout: list[float]) -> dict:
    """Fetch the model of a size into `folder`, where it is not there yet; the content of its manifest.

    What comes is held to the sizes and digests that the hub lists for one commit of the model's repository, and is
    renamed into its place when all of it is there. A fetch that was broken off goes on where it stopped. `timeout`:
    seconds to connect, and that the hub may be silent.

    Raises UserError where the model cannot be had.
    """
    repository, megabytes = MODELS[size]
    files, part = folder / FETCHED, folder / ".fetching"
    with FileLock(folder / ".lock"):
        with suppress(OSError, ValueError, KeyError):
            manifest = read_json(files / SUMS)
            if all(sha256(files / name) == digest for name, digest in manifest["sha256"].items()):
                return manifest
        try:
            revision = fetch(repository, part, timeout)
        except Unreachable as error:
            raise Unreachable(
                f"the recogniser {size} cannot be fetched from Hugging Face ({repository}): {error}\nIt is a download "
                f"of {megabytes} MB. Without a way there, put the files of a model converted for faster-whisper into a "
                "folder and name that as timing.model, or set timing.engine to estimate"
            ) from None
        except OSError as error:
            raise UserError(f"{error.filename or part}: {error.strerror or error}; make room and run again") from None
        sums = {path.name: sha256(path) for path in sorted(part.iterdir()) if path.name in FILES}
        manifest = {"name": size, "repository": repository, "revision": revision, "sha256": sums}
        write_json(part / SUMS, manifest)
        shutil.rmtree(part / ".cache", ignore_errors=True)  # the hub's notes on how far it came
        shutil.rmtree(files, ignore_errors=True)
        part.rename(files)
    return manifest


def fetch(repository: str, folder: Path, timeout: list[float]) -> str:
    """Fetch a model's files from the hub, or what is missing of them; the commit they are of.

    Raises Unreachable, which says why.
    """
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # plain HTTP, which mirrors and proxies know
    import httpx2
    from huggingface_hub import HfApi, constants, set_client_factory, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError

    if constants.HF_HUB_OFFLINE:
        raise Unreachable("HF_HUB_OFFLINE is set")
    limits = httpx2.Timeout(timeout[1], connect=timeout[0]).as_dict()

    def limit(request: httpx2.Request) -> None:
        request.extensions["timeout"] = limits  # most of the hub's client's own requests wait for ever

    set_client_factory(lambda: httpx2.Client(follow_redirects=True, event_hooks={"request": [limit]}))
    hub = HfApi()
    try:
        revision = hub.repo_info(repository, revision="main").sha
        snapshot_download(repository, revision=revision, local_dir=folder, allow_patterns=list(FILES))
        # It takes an unfinished folder for the whole where the hub goes away, and no digest is compared.
        listed = {
            entry.path: entry
            for entry in hub.list_repo_tree(repository, recursive=True, revision=revision)
            if entry.path in FILES
        }
    except (httpx2.HTTPError, EntryNotFoundError, ConnectionError, ValueError) as error:
        raise Unreachable(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__) from None
    if missing := NEEDED - set(listed):
        raise Unreachable(f"it has no {', '.join(sorted(missing))}")
    for name, entry in listed.items():
        if not is_whole(folder / name, entry):
            (folder / name).unlink(missing_ok=True)
            raise Unreachable(f"{name} came damaged; run again")
    return revision


def is_whole(path: Path, listed: object) -> bool:
    """Whether a file is the one that the hub lists: by SHA-256 where it is large, else as git knows it."""
    if not path.is_file() or path.stat().st_size != listed.size:
        return False
    if listed.lfs:
        return sha256(path) == listed.lfs.sha256
    return hashlib.sha1(b"blob %d\0" % listed.size + path.read_bytes()).hexdigest() == listed.blob_id


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    with job(snakemake.log[0]):
        out = Path(snakemake.output.manifest)
        size, own = snakemake.wildcards.recogniser, [Path(file) for file in snakemake.input.files]
        if own:
            made = {"name": own[0].parent.name, "sha256": {path.name: sha256(path) for path in own}}
        else:
            try:
                made = whisper_model(size, out.parent, snakemake.config["network"]["timeout"])
            except Unreachable as error:
                if snakemake.wildcards.manifest == "manifest":
                    raise
                warn(str(error))
                made = {"name": size, "missing": str(error).splitlines()[0]}
        write_json(out, made)
