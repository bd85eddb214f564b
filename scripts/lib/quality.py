"""Whether a finished video is fit to post: what was measured, held against what was asked for."""

from collections import Counter
from itertools import pairwise
from math import inf

from scripts.lib.inspection import Inspection, Stretch
from scripts.lib.loudness import LUFS
from scripts.lib.problems import printable
from scripts.lib.timeline import starts

# How far a value may be off before it is a warning, and before it is bad.
EXACT = 0, 0
BLEMISH = 0, inf
LOUDNESS = 1.0, 3.0
"""LU from that: what EBU R 128 allows where exact normalisation is not to be had, and what is plainly heard."""
PEAK = -1.0, 0.0
"""dBTP: the most that EBU R 128 and the platforms allow, and where the sound clips."""
SOUND = 0.05, 0.5
"""Seconds between the ends of sound and picture: two AAC frames, and a sound plainly cut off."""
SILENCE = 0.5, 3.0
"""Seconds that a silence outlasts the longest pause between words: a voice fades early, and a word that is missing."""
BLACK, FROZEN = (0, 2.0), (0, 5.0)
"""Seconds of the longest stretch: any that is found is a blemish, and from there on the scene is broken."""
READING = 18.0, inf
"""Characters a second over the video; subtitling guides allow 17 (BBC) to 20 (Netflix)."""
PAGE = 0.5
"""Seconds that a caption page is seen. Subtitles are given 5/6 s and more (Netflix), but captions of a few words keep
pace with the voice."""

AGAIN = "delete the video's `scenes` folder and video.mp4, and build again"
REPLACE = "add the clip to the scene's `reject`, or name another as its `footage`"
ADVICE = {
    "frame size": AGAIN,
    "frame rate": AGAIN,
    "format": "many players and sites take only H.264 with 4:2:0 colour; set video.encoder to libx264",
    "frames": AGAIN,
    "faststart": "delete video.mp4 and build again",
    "black stretch": REPLACE,
    "frozen stretch": REPLACE,
    "sound length": "delete soundtrack.m4a and video.mp4, and build again",
    "loudness": "listen to the narration and the music: one is nearly silent, or all peaks",
    "true peak": "lower music.volume_db",
    "silence": "listen to the narration of the scene that is spoken there",
    "narration": "listen to it and read the scene's text; if both are right, set timing.language, or a "
    "larger timing.model",
    "reading speed": "lower narration.speed",
    "shortest page": "lower narration.speed, or raise captions.max_words",
    "repeated clips": "add footage, or the key of a stock site",
}
"""What to do about each check that can fail, by its name."""


def report(found: Inspection, scenes: list[dict], settings: dict) -> dict:
    """The content of quality.json.

    `scenes`, in order: each with `id`, `frames`, `clip` (its selection), `doubts` (those of words.json), `words`
    (`start` and `end` in seconds from the start of the video) and `pages` (`start`, `end`, `text`). `settings`:
    `width`, `height`, `fps`.
    """
    clips = [scene["clip"] for scene in scenes]
    checks = [
        *_picture(found, scenes, settings),
        *_sound(found, scenes, settings),
        _narration(scenes),
        *_pages([page for scene in scenes for page in scene["pages"]]),
        *_clips(clips),
    ]
    verdicts = {check["verdict"] for check in checks}
    footage = Counter(clip["provider"] for clip in clips)
    return {
        "verdict": "bad" if "bad" in verdicts else "warnings" if "warning" in verdicts else "good",
        "length": round(found.frames / found.fps, 3),
        "footage": dict(sorted(footage.items())),
        "fallbacks": footage["procedural"],
        "checks": checks,
    }


def complaints(quality: dict) -> list[str]:
    """A line for each check that is not good: what is wrong, and what to do."""
    return [
        f"{check['name']}: {printable(str(check['value']), 200)}, wanted {check['wanted']}; {ADVICE[check['name']]}"
        for check in quality["checks"]
        if check["verdict"] != "good"
    ]


def _check(name: str, value: object, wanted: object, off: float, limits: tuple[float, float]) -> dict:
    """One check; `off` is how far the value is from what is wanted."""
    verdict = "good" if off <= limits[0] else "warning" if off <= limits[1] else "bad"
    return {"name": name, "value": value, "wanted": wanted, "verdict": verdict}


def _picture(found: Inspection, scenes: list[dict], settings: dict) -> list[dict]:
    size, wanted = f"{found.width}x{found.height}", f"{settings['width']}x{settings['height']}"
    fps, frames = settings["fps"], sum(scene["frames"] for scene in scenes)
    return [
        _check("frame size", size, wanted, size != wanted, EXACT),
        _check("frame rate", round(found.fps, 3), fps, abs(found.fps - fps) > 0.001, EXACT),
        _check("format", found.codec, "h264 yuv420p", found.codec != "h264 yuv420p", BLEMISH),
        _check("frames", found.frames, frames, found.frames != frames, EXACT),
        _check("faststart", found.faststart, True, not found.faststart, BLEMISH),
        _check("black stretch", _where(found.black, scenes, fps), "none", _longest(found.black), BLACK),
        _check("frozen stretch", _where(found.frozen, scenes, fps), "none", _longest(found.frozen), FROZEN),
    ]


def _where(stretches: list[Stretch], scenes: list[dict], fps: int) -> str:
    """Stretches as times and scenes, to look at: `1.2-3.4 s (s01), 8-9.5 s (s03, s04)`."""
    edges = pairwise(frame / fps for frame in starts(scene["frames"] for scene in scenes))
    spans = [(scene["id"], *span) for scene, span in zip(scenes, edges, strict=True)]
    found = [(a, b, [name for name, start, end in spans if start < b and a < end]) for a, b in stretches]
    return ", ".join(f"{a:g}-{b:g} s ({', '.join(names)})" for a, b, names in found) or "none"


def _longest(stretches: list[Stretch]) -> float:
    return max((end - start for start, end in stretches), default=0.0)


def _sound(found: Inspection, scenes: list[dict], settings: dict) -> list[dict]:
    length = sum(scene["frames"] for scene in scenes) / settings["fps"]
    words = [word for scene in scenes for word in scene["words"]]
    ends, begins = [0.0, *(word["end"] for word in words)], [*(word["start"] for word in words), length]
    pause = max(begin - end for end, begin in zip(ends, begins, strict=True))
    silence = _longest(found.silent)
    return [
        _check("sound length", round(found.audio, 3), round(length, 3), abs(found.audio - length), SOUND),
        _check("loudness", found.loudness, LUFS, abs(found.loudness - LUFS), LOUDNESS),
        _check("true peak", found.peak, f"at most {PEAK[0]}", found.peak, PEAK),
        _check("silence", round(silence, 3), f"at most {pause + SILENCE[0]:.3f}", silence - pause, SILENCE),
    ]


def _narration(scenes: list[dict]) -> dict:
    """Whether the narration says what the script does, as far as somebody listened."""
    doubts = [f"{scene['id']}: {doubt}" for scene in scenes for doubt in scene["doubts"]]
    return _check("narration", "; ".join(doubts) or "the script", "the script", len(doubts), BLEMISH)


def _pages(pages: list[dict]) -> list[dict]:
    """How captions read: their speed, taken together, and the shortest page."""
    if not pages:
        return []
    seconds = [page["end"] - page["start"] for page in pages]
    speed = round(sum(len(page["text"]) for page in pages) / sum(seconds), 1)
    shortest = round(min(seconds), 3)
    return [
        _check("reading speed", speed, f"at most {READING[0]:g}", speed, READING),
        _check("shortest page", shortest, f"at least {PAGE}", PAGE - shortest, BLEMISH),
    ]


def _clips(clips: list[dict]) -> list[dict]:
    """Which clips are seen more than once, and, as a note, how many are generated."""
    shown = Counter(f"{clip['provider']}:{clip['id']}" for clip in clips)
    often = [clip for clip, times in shown.items() if times > 1]
    generated = sum(clip["provider"] == "procedural" for clip in clips)
    return [
        _check("repeated clips", ", ".join(often) or "none", "none", len(often), BLEMISH),
        _check("generated backgrounds", generated, "any", 0, BLEMISH),
    ]
