"""Put a proposed script into its project; beside the one that is there, where a person has written or edited that."""

import hashlib
import json
from itertools import chain, count
from pathlib import Path

from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.job import job, warn
from scripts.lib.llm.room import check_room


def script(proposal: dict) -> dict:
    """The content of script.json. Its `meta` says how it was made, and what it was then: see `edited`."""
    meta = {
        "topic": proposal["brief"]["topic"],
        "estimatedDuration": proposal["seconds"],
        "wordCount": proposal["words"],
        "model": proposal["model"],
        "calls": proposal["calls"],
        "promptVersion": proposal["prompt"],
        "seed": proposal["seed"],
        "temperature": proposal["temperature"],
        "brief": proposal["brief"],
    }
    made = proposal["script"] | {"meta": meta}
    return made | {"meta": meta | {"sha256": digest(made)}}


def digest(script: dict) -> str:
    """Of what a script says, its own digest aside; white space and the order of keys make no difference."""
    meta = script.get("meta")
    meta = {key: value for key, value in meta.items() if key != "sha256"} if isinstance(meta, dict) else meta
    return hashlib.sha256(json.dumps(script | {"meta": meta}, sort_keys=True).encode()).hexdigest()


def edited(path: Path) -> bool:
    """Whether a person has had a hand in a file: it is not as it was when it was written from a proposal."""
    try:
        found = read_document(path)
    except UserError:
        return True
    meta = found.get("meta") if isinstance(found, dict) else None
    return not isinstance(meta, dict) or meta.get("sha256") != digest(found)


def place(target: Path) -> Path:
    """Where a new script is written: `target`, or beside it the first name that no person's file has."""
    names = chain([target, target.with_suffix(".new.json")], (target.with_suffix(f".new{n}.json") for n in count(2)))
    return next(path for path in names if not path.exists() or not edited(path))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        target = Path(snakemake.output.script)
        check_room(target.parent)
        path = place(target)
        write_json(path, script(read_json(snakemake.input.proposal)))
        if path != target:
            warn(f"{target}: is left as it is, since a person wrote or edited it; the new script is {path}")
