"""Find out when each word of a scene is spoken."""

from array import array
from math import floor

from scripts.lib.audio import RATE, read_wav, speech
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.job import job, warn
from scripts.lib.timing.estimate import estimate
from scripts.lib.timing.native import native
from scripts.lib.words import split

SHORTEST = 0.02
"""Seconds of a word that is not spoken at all, such as a dash: a caption of no length cannot be shown."""


def words(text: str, engine: str, samples: array, narration: dict) -> dict:
    """The content of words.json: the text's own words, and their times from the start of the narration.

    Raises UserError where the voice's marks are asked for and there are none.
    """
    marks, duration = narration["marks"], len(samples) / RATE
    if engine == "native" and not marks:
        raise UserError(
            f"timing.engine: the voice {narration['voice']} ({narration['engine']}) gives no marks; set it to auto"
        )
    spoken = split(text)
    if marks and engine != "estimate":
        engine, spans = "native", native(spoken, marks)
    else:
        warn("word times are guessed by length; timing.engine: auto takes the voice's own where it has them, as espeak")
        engine, spans = "estimate", estimate([word for _, word in spoken], *(place / RATE for place in speech(samples)))
    spans = in_order(spans, floor(duration * 1e6) / 1e6)  # so that no end, once rounded, is beyond the sound
    return {
        "engine": engine,
        "duration": duration,
        "words": [
            {"word": word, "start": round(start, 6), "end": round(end, 6)}
            for (_, word), (start, end) in zip(spoken, spans, strict=True)
        ],
    }


def in_order(spans: list[tuple[float, float]], duration: float) -> list[tuple[float, float]]:
    """The spans moved as little as it takes for each to have a length, and to end by the next one's start."""
    least = min(SHORTEST, duration / len(spans))
    starts, earliest = [], 0.0
    for start, _ in spans:
        starts.append(max(start, earliest))
        earliest = starts[-1] + least
    latest = duration
    for n in reversed(range(len(starts))):
        starts[n] = min(starts[n], latest - least)
        latest = starts[n]
    nexts = [*starts[1:], duration]
    return [
        (start, min(max(end, start + least), following))
        for start, (_, end), following in zip(starts, spans, nexts, strict=True)
    ]


if __name__ == "__main__":
    with job(snakemake.log[0]):
        found = words(
            **snakemake.params.settings,
            samples=read_wav(snakemake.input.audio),
            narration=read_json(snakemake.input.narration),
        )
        write_json(snakemake.output.words, found)
