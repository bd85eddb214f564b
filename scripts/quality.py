"""Check a finished video and write what was found, so that nobody has to watch it to know that it is whole."""

import re
from pathlib import Path

from scripts.lib.captions.ass import read_pages
from scripts.lib.files import read_json, write_json
from scripts.lib.inspection import inspect
from scripts.lib.job import job, warn
from scripts.lib.quality import complaints, report
from scripts.lib.timeline import scene_frames, starts

POSITION = re.compile(r"^Dialogue:.*?\\pos\(-?[\d.]+,(-?[\d.]+)\).*?(?:\\fs([\d.]+)|$)", re.MULTILINE)
"""Where an event stands, and the height of its line."""


def quality(
    video: Path, scenes: list[str], words: list[dict], selections: list[dict], captions: list[str], settings: dict
) -> dict:
    """The content of quality.json; all lists are in the order of `scenes`, `captions` the text of their captions.ass.

    Raises MediaError where `video` is no video.
    """
    grid = settings["pad_before"], settings["pad_after"], settings["fps"]
    frames = [scene_frames(spoken["duration"], *grid) for spoken in words]
    return report(
        inspect(video, caption_rows(captions, settings["height"])),
        [
            {
                "id": scene,
                "frames": count,
                "clip": clip,
                "doubts": spoken.get("doubts", []),
                "words": _moved(spoken["words"], first / settings["fps"] + settings["pad_before"]),
                "pages": read_pages(text),
            }
            for scene, count, first, clip, spoken, text in zip(
                scenes, frames, starts(frames)[:-1], selections, words, captions, strict=True
            )
        ],
        settings,
    )


def caption_rows(captions: list[str], height: int) -> tuple[float, float]:
    """The upper and the lower edge of the rows in which captions stand, as shares of the height; equal for none."""
    events = [found for text in captions for found in POSITION.findall(text)]
    if not events:
        return 0.0, 0.0
    middles = [float(y) / height for y, _ in events]
    # Three quarters of a line each way: its half, and room for its outline and for words that pop in. Captions keep
    # away from the frame's edges, so that some rows are always left to look at.
    reach = 0.75 * max(float(size or 0) / height for _, size in events)
    return max(0.05, min(middles) - reach), min(0.95, max(middles) + reach)


def _moved(words: list[dict], seconds: float) -> list[dict]:
    return [{"start": word["start"] + seconds, "end": word["end"] + seconds} for word in words]


if __name__ == "__main__":
    with job(snakemake.log[0]):
        made = quality(
            Path(snakemake.input.video),
            snakemake.params.settings["scenes"],
            [read_json(path) for path in snakemake.input.words],
            [read_json(path) for path in snakemake.input.selections],
            [Path(path).read_text(encoding="utf-8") for path in snakemake.input.captions],
            snakemake.params.settings,
        )
        for complaint in complaints(made):
            warn(complaint)
        write_json(snakemake.output.quality, made)
