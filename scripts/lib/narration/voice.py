"""A fetched voice: its files, and the manifest that stands for them as an input, since they are large."""

from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json

MANIFEST = "manifest.json"


def write_manifest(manifest: Path, name: str, licence: str, sha256: dict[str, str]) -> None:
    """Name a voice's files, which lie beside the manifest, in the order its engine takes them."""
    write_json(manifest, {"name": name, "licence": licence, "sha256": sha256})


def files_of(given: list[Path]) -> list[Path]:
    """The files that a manifest names; others as they are given.

    Raises UserError where one is gone.
    """
    if [path.name for path in given] != [MANIFEST]:
        return given
    files = [given[0].parent / name for name in read_json(given[0])["sha256"]]
    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: is gone; remove {given[0]} as well and run again, so that both are fetched")
    return files
