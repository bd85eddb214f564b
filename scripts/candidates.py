"""List what all providers offer for a scene, the likest to its visual direction first."""

from operator import mul

from scripts.lib.files import read_json, write_json
from scripts.lib.footage import procedural
from scripts.lib.job import job

MOST = 100
"""Clips of one provider: more than a video has scenes, and a file that stays small."""


def candidates(
    scene: str, vector: list[float], index: list[dict], providers: list[str], width: int, height: int
) -> dict:
    """The clips of `index` for a frame of `width` x `height`, best first; ties by the order of `providers`, then by id.

    Similarity is the cosine of the angle between the vectors, which are of length 1. Plain Python: to import numpy
    takes as long as to compare 5,000 clips.
    """
    offered = [
        {
            "provider": clip["provider"],
            "id": clip["id"],
            "kind": clip["kind"],
            "path": clip["path"],
            "page": clip["page"],
            "author": clip["author"],
            "licence": clip["licence"],
            "url": None,
            "size": clip["size"] or procedural.size(width, height),
            "duration": clip["duration"],
            "similarity": round(sum(map(mul, vector, clip["vector"])), 4),
        }
        for clip in index
        if clip["provider"] in providers
    ]
    offered.sort(key=lambda clip: (-clip["similarity"], providers.index(clip["provider"]), clip["id"]))
    best = [[clip for clip in offered if clip["provider"] == provider][:MOST] for provider in providers]
    kept = {id(clip) for clips in best for clip in clips}
    return {"scene": scene, "candidates": [clip for clip in offered if id(clip) in kept]}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_json(
            snakemake.output.candidates,
            candidates(
                scene=snakemake.wildcards.scene,
                vector=read_json(snakemake.input.embedding)["vector"],
                index=read_json(snakemake.input.index)["entries"],
                **snakemake.params.settings,
            ),
        )
