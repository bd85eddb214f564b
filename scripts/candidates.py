"""List what all providers offer for a scene, the likest to its visual direction first."""

from operator import mul
from pathlib import Path

from scripts.lib.embedding.engines import section, vectors
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.footage import pexels, pixabay, procedural
from scripts.lib.footage.renditions import fitting
from scripts.lib.job import job

SITES = {"pexels": pexels, "pixabay": pixabay}
MOST = 100
"""Clips of one provider: more than a video has scenes, and a file that stays small."""


def candidates(
    scene: str,
    vector: list[float],
    index: list[dict],
    found: list[dict],
    sources: list[str],
    providers: list[str],
    width: int,
    height: int,
) -> dict:
    """The clips of `index` and those `found` on stock sites (`sources`), for a frame of `width` x `height`, best first;
    ties by the order of `providers`, then by id. Each clip has its vector.

    Similarity is the cosine of the angle between the vectors, which are of length 1. Plain Python: to import numpy
    takes as long as to compare 5,000 clips.
    """
    offered = [
        {
            "provider": clip["provider"],
            "id": clip["id"],
            "kind": clip["kind"],
            "path": clip["path"],
            "description": clip["description"],
            "page": clip["page"],
            "author": clip["author"],
            "licence": clip["licence"],
            "url": clip.get("url"),
            "size": clip["size"] or procedural.size(width, height),
            "duration": clip["duration"],
            "similarity": round(sum(map(mul, vector, clip["vector"])), 4),
        }
        for clip in [*index, *found]
        if clip["provider"] in providers
    ]
    offered.sort(key=lambda clip: (-clip["similarity"], providers.index(clip["provider"]), clip["id"]))
    best = [[clip for clip in offered if clip["provider"] == provider][:MOST] for provider in providers]
    kept = {id(clip) for clips in best for clip in clips}
    return {"scene": scene, "sources": sources, "candidates": [clip for clip in offered if id(clip) in kept]}


def stock(searches: list[dict], width: int, height: int) -> list[dict]:
    """Every clip in the sites' answers once, its vector aside, and of its files the one that suits the frame.

    Raises ServiceError for an answer that is none.
    """
    clips = {
        (clip["provider"], clip["id"]): clip
        for search in searches
        for asked in reversed(search["asked"])  # of two answers, the first one is kept
        for clip in SITES[search["provider"]].clips(asked["answer"])
    }
    found = []
    for clip in clips.values():
        file = fitting(clip.pop("renditions"), width, height)
        own = {"kind": "video", "path": None, "description": clip.pop("words"), "url": file["url"]}
        found.append(clip | own | {"size": [file["width"], file["height"]]})
    return found


def embedded(clips: list[dict], embedder: dict, model: Path | None, config: dict) -> tuple[list[dict], int]:
    """The clips with the vectors of their descriptions, and the tokens that a server counted; a clip without has an
    empty vector and is like nothing. The further parameters are those of `vectors`.
    """
    texts = sorted({clip["description"] for clip in clips if clip["description"]})
    made, tokens = vectors(texts, embedder, model, config) if texts else ([], 0)
    by_text = dict(zip(texts, made, strict=True))
    return [clip | {"vector": by_text.get(clip["description"], ())} for clip in clips], tokens


def check_lengths(vector: list[float], clips: list[dict]) -> None:
    """Raises UserError where some clip's vector has not the length of the scene's: they come from different models."""
    for clip in clips:
        if clip["vector"] and len(clip["vector"]) != len(vector):
            raise UserError(
                f"the scene's vector has {len(vector)} numbers, that of {clip['provider']}:{clip['id']} "
                f"{len(clip['vector'])}: the server's embedding model is not what it was; make all vectors anew: "
                "snakemake --cores 8 --forcerun embedding footage_index"
            )


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = dict(snakemake.params.settings)
        embedder = section(settings.pop("embedder"), snakemake.config, snakemake.wildcards.project)
        model = Path(snakemake.input.model).parent if snakemake.input.model else None
        searches = [read_json(path) for path in snakemake.input.searches]
        found = stock(searches, settings["width"], settings["height"])
        found, tokens = embedded(found, embedder, model, snakemake.config)
        vector = read_json(snakemake.input.embedding)["vector"]
        index = read_json(snakemake.input.index)["entries"]
        check_lengths(vector, [*index, *found])
        made = candidates(
            scene=snakemake.wildcards.scene,
            vector=vector,
            index=index,
            found=found,
            sources=[search["provider"] for search in searches],
            **settings,
        )
        write_json(snakemake.output.candidates, made | {"tokens": tokens})
