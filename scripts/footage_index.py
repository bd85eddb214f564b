"""List what footage is at hand, the user's own and the generated backgrounds, each with a vector of what it shows."""

from pathlib import Path

import yaml

from scripts.lib.embedding import minilm
from scripts.lib.files import write_json
from scripts.lib.footage import local, procedural
from scripts.lib.job import job, warn
from scripts.lib.problems import printable

MOST_WARNINGS = 10


def footage_index(files: list[str], folder: str, catalogue: dict[str, dict], model: Path) -> dict:
    """Every usable clip with its vector, and every refused file with the reason.

    A clip whose name and side text say nothing is like nothing: its vector is all zeros.
    """
    own, refused = local.entries(files, folder)
    entries = own + procedural.entries(catalogue)
    for entry, vector in zip(entries, minilm.embed([entry["description"] for entry in entries], model), strict=True):
        entry["vector"] = vector if entry["description"] else [0.0] * len(vector)
    return {"model": "minilm", "entries": entries, "refused": refused}


def warnings(index: dict) -> list[str]:
    """What the user should know of their folder; never more than a screen of it."""
    refused = [f"{printable(file['path'])}: is left out: {file['why']}" for file in index["refused"]]
    silent = [printable(entry["path"]) for entry in index["entries"] if not entry["description"]]
    told = refused[:MOST_WARNINGS]
    if len(refused) > MOST_WARNINGS:
        told.append(f"{len(refused) - MOST_WARNINGS} more files of the footage folder are left out; see the index")
    if silent:
        also = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        told.append(f"{silent[0]}{also}: neither name nor text file says what it shows, so it fits no scene by itself")
    return told


if __name__ == "__main__":
    with job(snakemake.log[0]):
        index = footage_index(
            files=list(snakemake.input.files),
            catalogue=yaml.safe_load(Path(snakemake.input.catalogue).read_text(encoding="utf-8")),
            model=Path(snakemake.input.model).parent,
            **snakemake.params.settings,
        )
        write_json(snakemake.output.index, index)
        for message in warnings(index):
            warn(message)
