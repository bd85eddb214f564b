"""Write what each scene shows, as content-machine 1.1.0 writes it, for tools that read that."""

from pathlib import PurePath

from scripts.lib.files import read_json, write_json
from scripts.lib.job import job
from scripts.lib.media import PICTURE
from scripts.lib.timeline import scene_frames

SOURCES = {
    "local": "user-footage",
    "pexels": "stock-pexels",
    "pixabay": "stock-pixabay",
    # The format has no word for a background that the tool itself draws. Of its two fallbacks, readers paint
    # `fallback-color` from a colour in `assetPath`, and play the file of a `mock`; both they credit to the tool.
    "procedural": "mock",
}


def visuals(
    scenes: list[str],
    selections: list[dict],
    words: list[dict],
    media: list[str],
    embedding: str,
    pad_before: float,
    pad_after: float,
    fps: int,
) -> dict:
    """What a whole video shows; all lists are in the order of `scenes`.

    `selections` and `words` are the scenes' artifacts, `media` the files they show, `embedding` the name of the model
    that compared them. Of what the format may hold, similarities are left out: they change with every wording of a
    visual direction, and this file is to change with the choice alone.
    """
    sources = [SOURCES[chosen["provider"]] for chosen in selections]
    return {
        "schemaVersion": "1.1.0",
        "scenes": [
            {
                "sceneId": scene,
                "source": source,
                "assetPath": path,
                "duration": round(scene_frames(spoken["duration"], pad_before, pad_after, fps) / fps, 6),
                **_motion(path),
            }
            for scene, source, spoken, path in zip(scenes, sources, words, media, strict=True)
        ],
        "totalAssets": len(scenes),
        "fromUserFootage": sources.count("user-footage"),
        "fromStock": sum(source.startswith("stock-") for source in sources),
        "fallbacks": sources.count("mock"),
        "fromGenerated": 0,  # in this format: pictures that a model made
        "embeddingModel": embedding,
    }


def _motion(path: str) -> dict:
    """How a file comes to move: pictures are panned and zoomed."""
    still = PurePath(path).suffix.lower() in PICTURE
    return {
        "assetType": "image" if still else "video",
        "motionStrategy": "kenburns" if still else "none",
        "motionApplied": still,
    }


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_json(
            snakemake.output.visuals,
            visuals(
                selections=[read_json(path) for path in snakemake.input.selections],
                words=[read_json(path) for path in snakemake.input.words],
                media=list(snakemake.input.media),
                **snakemake.params.settings,
            ),
        )
