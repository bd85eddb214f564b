"""Write the whole video's subtitles, as SRT and as WebVTT."""

import re
import unicodedata
from collections.abc import Iterator

from scripts.lib.captions.pages import Limits, Word, hundredths, paginate, scene_times, text_of
from scripts.lib.files import read_json, write_text
from scripts.lib.job import job
from scripts.lib.timeline import scene_frames, starts
from scripts.lib.words import join

LIMITS = Limits(width=42, lines=2, words=24)
"""Two lines of 42 characters, as most subtitling guides have it; one as wide as it is high counts twice."""

Cue = tuple[float, float, list[str]]
"""Start and end, in seconds from the start of the video, and lines."""


def cues(scenes: list[dict], pad_before: float, pad_after: float, fps: int) -> Iterator[Cue]:
    """The subtitles of a video; `scenes` are its scenes' words.json, in the order they are spoken."""
    frames = starts(scene_frames(scene["duration"], pad_before, pad_after, fps) for scene in scenes)
    for first, scene in zip(frames, scenes, strict=False):
        length = hundredths(pad_before + scene["duration"] + pad_after)
        words: list[Word] = []
        for text, start, end in scene_times(scene["words"], pad_before, length):
            apart = bool(words) and join([words[-1].text, text]) != words[-1].text + text
            words.append(Word(text, start, end, columns(text), int(apart)))
        for page in paginate(words, LIMITS, length):
            yield first / fps + page.start, first / fps + page.end, [text_of(line) for line in page.lines]


def columns(text: str) -> int:
    """How many Latin letters a text is about as wide as."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def srt(subtitles: list[Cue]) -> str:
    """SubRip has no escapes, but players take `<i>`, `{\\an8}` and `\\N` for mark-up: a word joiner, which has no
    width, keeps text what it is."""
    text = ""
    for number, (start, end, lines) in enumerate(subtitles, start=1):
        body = re.sub(r"[<{\\]|--(?=>)", "\\g<0>\u2060", "\n".join(lines))
        text += f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{body}\n\n"
    return text


def vtt(subtitles: list[Cue]) -> str:
    text = "WEBVTT\n\n"
    for start, end, lines in subtitles:
        body = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        text += f"{clock(start, '.')} --> {clock(end, '.')}\n{body}\n\n"
    return text


def clock(time: float, point: str) -> str:
    """`00:01:02.345`"""
    minutes, milliseconds = divmod(round(1000 * time), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = snakemake.params.settings
        subtitles = list(
            cues(
                [read_json(path) for path in snakemake.input.words],
                settings["pad_before"],
                settings["pad_after"],
                settings["fps"],
            )
        )
        write_text(snakemake.output.srt, srt(subtitles))
        write_text(snakemake.output.vtt, vtt(subtitles))
