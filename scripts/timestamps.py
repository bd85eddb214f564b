"""Write when every word of the video is spoken, as content-machine 1.0.0 writes it, for tools that read that."""

from itertools import pairwise

from scripts.lib.files import read_json, write_json
from scripts.lib.job import job
from scripts.lib.timeline import scene_frames, starts


def timestamps(
    scenes: list[str], words: list[dict], engine: str, pad_before: float, pad_after: float, fps: int
) -> dict:
    """The timestamps of a whole video; `words` are its scenes' words.json, in the order of `scenes`.

    Times are seconds from the start of the video. `audioStart` and `audioEnd` are a scene's first and last moment on
    the frame grid, its pauses included: readers take a scene's length on the screen from them.
    """
    frames = starts(scene_frames(spoken["duration"], pad_before, pad_after, fps) for spoken in words)
    spans = [
        {
            "sceneId": scene,
            "audioStart": round(start / fps, 6),
            "audioEnd": round(end / fps, 6),
            "words": [_moved(word, start / fps + pad_before) for word in spoken["words"]],
        }
        for scene, spoken, (start, end) in zip(scenes, words, pairwise(frames), strict=True)
    ]
    every = [word for span in spans for word in span["words"]]
    return {
        "schemaVersion": "1.0.0",
        "scenes": spans,
        "allWords": every,
        "totalDuration": round(frames[-1] / fps, 6),
        "ttsEngine": engine,
        "asrEngine": "+".join(sorted({spoken["engine"] for spoken in words})),
        "wordCount": len(every),
    }


def _moved(word: dict, offset: float) -> dict:
    """A word with its times moved by `offset` seconds."""
    return word | {"start": round(word["start"] + offset, 6), "end": round(word["end"] + offset, 6)}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        words = [read_json(path) for path in snakemake.input.words]
        write_json(snakemake.output.timestamps, timestamps(words=words, **snakemake.params.settings))
