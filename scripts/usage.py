"""Sum up what the answers of models cost that a video is made from."""

from collections.abc import Iterator
from pathlib import Path

from scripts.lib.files import read_json, write_json
from scripts.lib.job import job
from scripts.lib.llm.costs import COUNTS


def usage(artifacts: dict[str, dict], embedder: str) -> dict:
    """Every call by what it was for, such as `ranking sea`, and their sums; what a server did not count is left out of
    these. `artifacts` are by the same names; `embedder` is the model of their vectors."""
    calls = [call for name, artifact in artifacts.items() for call in costs(name, artifact, embedder)]
    sums = {count: sum(call[count] or 0 for call in calls) for count in COUNTS}
    return {"total": {"calls": len(calls)} | sums, "calls": calls}


def costs(name: str, artifact: dict, embedder: str) -> Iterator[dict]:
    """The calls that an artifact took; vectors, for which several artifacts share a request, count as one each."""
    if artifact.get("tokens"):
        yield {"for": name, "model": embedder, "prompt_tokens": artifact["tokens"], "completion_tokens": 0}
    for call in artifact.get("calls", []):
        yield {"for": name, "model": artifact["model"], **{count: call[count] for count in COUNTS}}


def name(path: Path) -> str:
    """`ranking sea` for `scenes/sea/ranking.json`."""
    return f"{path.stem} {path.parent.name}"


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = snakemake.params.settings
        artifacts = {"proposal": settings["proposal"]} if settings["proposal"] else {}
        artifacts |= {name(Path(path)): read_json(path) for path in snakemake.input.artifacts}
        write_json(snakemake.output.usage, usage(artifacts, settings["embedder"]))
