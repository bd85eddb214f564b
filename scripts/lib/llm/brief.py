"""A brief: what a video is to be about. Read from its file, and held against a script that was written to it."""

import re
import unicodedata
from itertools import groupby
from pathlib import Path

from scripts.lib.config import schema, shaped, validator
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.llm.pace import seconds
from scripts.lib.problems import dotted, faults, printable, report
from scripts.lib.words import split

TOLERANCE = 0.2
"""By how much a script may be longer or shorter than the brief wants: the voice decides the rest."""
SECONDS_A_SCENE = 7
"""Where the brief gives no number of scenes."""
MOST_HOOK = 15
MOST_CTA = 25
LEAST_VISUAL = 4
"""Words; a scene's clip is found by them."""
UNSEEN = re.compile(
    r"\b(text|title|caption|subtitle|logo|overlay|infographic|diagram|split[- ]?screen|end card|montage|collage|"
    r"concept|idea|metaphor|abstract\w*|essence|symboli[sz]\w+|represent\w*|visuali[sz]\w+|depict\w*|imagery)s?\b",
    re.IGNORECASE,
)
"""What no camera films, or no clip is found by."""
SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Burmese, Khmer, Kana and Han: where a word ends cannot be seen."""


def read_brief(path: Path) -> dict:
    """The brief, every key filled in. Raises UserError with all that is wrong with it, a line each."""
    form = schema("brief")
    brief = shaped(read_document(path), form, fill=False)
    if wrong := report(path.as_posix(), faults(validator("brief"), brief), dotted):
        raise UserError("\nerror: ".join(wrong))
    defaults = {key: part["default"] for key, part in form["properties"].items() if "default" in part}
    return {key: brief.get(key, defaults.get(key)) for key in form["properties"]}


def scene_counts(brief: dict) -> tuple[int, int, int]:
    """How many scenes to ask for, and the least and the most that will do."""
    if brief["scenes"]:
        return (brief["scenes"],) * 3
    wanted = max(2, round(brief["length"] / SECONDS_A_SCENE))
    return wanted, max(1, wanted // 2), 2 * wanted


def length(spoken: list[str], voice: dict) -> float:
    """Seconds of a video whose scenes say these texts; `voice` has `engine`, `speed`, `pad_before` and `pad_after`."""
    pads = voice["pad_before"] + voice["pad_after"]
    return sum(seconds(text, voice["engine"], voice["speed"]) + pads for text in spoken)


def unmet(brief: dict, script: dict, spoken: list[str], voice: dict) -> list[str]:
    """In what way a script is not what the brief wants, for the model to mend. `spoken` are all texts, hook and call to
    action included."""
    scenes = script["scenes"]
    _, least, most = scene_counts(brief)
    found = []
    if not least <= len(scenes) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        found.append(f"scenes: has {len(scenes)} entries; {wanted} are wanted")
    found += _wrong_length(brief["length"], length(spoken, voice))
    for key, limit in (("hook", MOST_HOOK), ("cta", MOST_CTA)):
        if (words := len(split(script[key]))) > limit:
            found.append(f"{key}: has {words} words; one sentence of at most {limit} is wanted")
    for number, scene in enumerate(scenes, 1):
        found += [f"scenes {number}.visualDirection: {fault}" for fault in _unfilmable(scene["visualDirection"])]
    seen = sorted((" ".join(scene["visualDirection"].casefold().split()), n) for n, scene in enumerate(scenes, 1))
    for _, group in groupby(seen, lambda pair: pair[0]):
        if len(numbers := [str(number) for _, number in group]) > 1:
            found.append(f"scenes {' and '.join(numbers)}: have the same visualDirection; show something else in each")
    return found + _forbidden(brief["forbidden"], script)


def _wrong_length(wanted: float, made: float) -> list[str]:
    if abs(made - wanted) <= TOLERANCE * wanted:
        return []
    share = f"{abs(made - wanted) / made:.0%}" if made > wanted else f"{abs(made - wanted) / max(made, 1):.0%}"
    change = f"leave out about {share} of the words" if made > wanted else f"add about {share} of the words"
    return [f"all that is spoken takes about {made:.0f} seconds; {wanted:g} are wanted: {change}"]


def _unfilmable(visual: str) -> list[str]:
    words = visual.split()
    found = []
    if len(words) < LEAST_VISUAL:
        found.append(f"has {len(words)} words; say with subject, place and light what is seen")
    if unseen := UNSEEN.search(visual):
        found.append(f"asks for '{unseen[0]}', which no camera films; describe one thing that is seen")
    letters = [c for c in visual if c.isalpha()]
    if sum(c.isascii() for c in letters) < len(letters) / 2:
        found.append("is to be in English, in which clips are described")
    return found


def _forbidden(words: list[str], script: dict) -> list[str]:
    fields = {key: script[key] for key in ("title", "hook", "cta")}
    fields |= {f"scenes {n}.text": scene["text"] for n, scene in enumerate(script["scenes"], 1)}
    fields |= {f"scenes {n}.visualDirection": scene["visualDirection"] for n, scene in enumerate(script["scenes"], 1)}
    fields["hashtags"] = " ".join(script["hashtags"])
    return [
        f"{field}: uses the forbidden word '{printable(word, 40)}'"
        for field, text in fields.items()
        for word in words
        if says(_plain(text), _plain(word))
    ]


def says(text: str, word: str) -> bool:
    """Whether a text has a word, as a whole word where words are set apart."""
    start, end = (r"(?<!\w)", r"(?!\w)") if not SPACELESS.search(word) else ("", "")
    first, last = start if word[:1].isalnum() else "", end if word[-1:].isalnum() else ""
    return bool(word) and bool(re.search(first + re.escape(word) + last, text))


def _plain(text: str) -> str:
    """Letters as they are read: in one case, none that cannot be seen, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c for c in folded if unicodedata.category(c) != "Cf").split())
