"""List what footage is at hand, the user's own and the generated backgrounds, each with a vector of what it shows."""

from functools import partial
from pathlib import Path

import yaml

from scripts.lib.embedding.engines import Embed, called, section, vectors
from scripts.lib.files import write_json
from scripts.lib.footage import local, procedural
from scripts.lib.job import job, warn
from scripts.lib.problems import printable

MOST_WARNINGS = 10


def footage_index(files: list[str], folder: str, catalogue: dict[str, dict], model: str, embed: Embed) -> dict:
    """Every usable clip with its vector, and every refused file with the reason; `model` is what `embed` is called.

    A clip whose name and side text say nothing is like nothing: its vector is all zeros.
    """
    own, refused = local.entries(files, folder)
    entries = own + procedural.entries(catalogue)
    texts = list(dict.fromkeys(entry["description"] for entry in entries if entry["description"]))
    made, tokens = embed(texts)
    by_text = dict(zip(texts, made, strict=True))
    nothing = [0.0] * max(map(len, made), default=1)
    entries = [entry | {"vector": by_text.get(entry["description"], nothing)} for entry in entries]
    return {"model": model, "tokens": tokens, "entries": entries, "refused": refused}


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
        embedder = snakemake.params.settings["embedder"]
        index = footage_index(
            files=list(snakemake.input.files),
            folder=snakemake.params.settings["folder"],
            catalogue=yaml.safe_load(Path(snakemake.input.catalogue).read_text(encoding="utf-8")),
            model=called(embedder),
            embed=partial(
                vectors,
                embedding=section(embedder, snakemake.config),
                model=Path(snakemake.input.model).parent if snakemake.input.model else None,
                config=snakemake.config,
            ),
        )
        write_json(snakemake.output.index, index)
        for message in warnings(index):
            warn(message)
