"""A brief: what a video is to be about. Read from its file, and held against a script that was written to it."""

import re
import unicodedata
from itertools import groupby
from pathlib import Path

from scripts.lib.config import schema, shaped, validator
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.llm.pace import LETTERS_A_WORD, rate, seconds
from scripts.lib.problems import dotted, faults, report
from scripts.lib.words import split

TOLERANCE = 0.2
"""By how much a script may be longer or shorter than the brief wants: the voice decides the rest."""
MOST_TOLERANCE = 0.35
"""What still will do where a model does no better: lengths are estimates."""
LEAST_WORDS = 3
"""That a scene, a hook or a call to action says."""
SECONDS_A_SCENE = 7
"""Where the brief gives no number of scenes."""
MOST_HOOK = 15
MOST_CTA = 25
LEAST_VISUAL = 4
"""Words; a scene's clip is found by them."""
UNSEEN = re.compile(
    r"\b(text(?! message)|title|caption|subtitle|logo|overlay|infographic|diagram|graph(?! paper)|"
    r"(bar|pie|line|flow)[- ]?(chart|graph)|split[- ]?screen|end card|montage|collage|concept(?! car)|idea|metaphor|"
    r"abstract(?! (art|paint|sculpt|mural|pattern))\w*|essence|symboli[sz]\w+|represent\w*|visuali[sz]\w+|depict\w*|"
    r"imagery)s?\b",
    re.IGNORECASE,
)
"""What no camera films, or no clip is found by."""
DENIED = re.compile(r"\b(no|not|without)\b[^,.;:]*", re.IGNORECASE)
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
    """Seconds of a video whose scenes say these texts; `voice` is as of `pace.seconds`, with `pad_before`
    and `pad_after`."""
    pads = voice["pad_before"] + voice["pad_after"]
    return sum(seconds(text, voice) + pads for text in spoken)


def check_possible(brief: dict, voice: dict) -> None:
    """Raises UserError where a script cannot be as short as it is to be, however little each scene says."""
    _, least, _ = scene_counts(brief)
    a_scene = voice["pad_before"] + voice["pad_after"] + LEAST_WORDS * LETTERS_A_WORD / rate(voice)
    takes = (least + 2) * a_scene
    if takes > (1 + TOLERANCE) * brief["length"]:
        raise UserError(
            f"brief.yaml: length: is {brief['length']:g} seconds; scenes: {least} of them, hook and call to action "
            f"take {takes:.0f} seconds, however little they say; raise length, or lower scenes or narration.pad_after"
        )


def unmet(brief: dict, script: dict, spoken: list[str], voice: dict) -> tuple[list[str], list[str]]:
    """In what way a script is not what the brief wants, for the model to mend: what makes it useless; and what may be
    lived with, since these rules know only so much. `spoken` are all texts, hook and call to action included.

    No word of the brief's own stands in it: what a model is told is ours.
    """
    scenes = script["scenes"]
    _, least, most = scene_counts(brief)
    useless, found = _forbidden(brief["forbidden"], script), []
    if not least <= len(scenes) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        useless.append(f"scenes: has {len(scenes)} entries; {wanted} are wanted")
    made = length(spoken, voice)
    off = abs(made - brief["length"]) / brief["length"]
    if off > TOLERANCE:
        (useless if off > MOST_TOLERANCE else found).append(_wrong_length(brief["length"], made))
    for key, limit in (("hook", MOST_HOOK), ("cta", MOST_CTA)):
        if (words := len(split(script[key]))) > limit:
            found.append(f"{key}: has {words} words; one sentence of at most {limit} is wanted")
    for number, scene in enumerate(scenes, 1):
        found += [f"scenes {number}.visualDirection: {fault}" for fault in _unfilmable(scene["visualDirection"])]
    seen = sorted((" ".join(scene["visualDirection"].casefold().split()), n) for n, scene in enumerate(scenes, 1))
    for _, group in groupby(seen, lambda pair: pair[0]):
        if len(numbers := [str(number) for _, number in group]) > 1:
            found.append(f"scenes {' and '.join(numbers)}: have the same visualDirection; show something else in each")
    return useless, found


def _wrong_length(wanted: float, made: float) -> str:
    share = f"{abs(made - wanted) / made:.0%}" if made > wanted else f"{abs(made - wanted) / max(made, 1):.0%}"
    change = f"leave out about {share} of the words" if made > wanted else f"add about {share} of the words"
    return f"all that is spoken takes about {made:.0f} seconds; {wanted:g} are wanted: {change}"


def _unfilmable(visual: str) -> list[str]:
    words = visual.split()
    found = []
    if len(words) < LEAST_VISUAL:
        found.append(f"has {len(words)} words; say with subject, place and light what is seen")
    if unseen := UNSEEN.search(DENIED.sub("", visual)):
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
        f"{field}: uses number {number} of the brief's forbidden words"
        for field, text in fields.items()
        for number, word in enumerate(words, 1)
        if says(_plain(text), _plain(word))
    ]


def says(text: str, word: str) -> bool:
    """Whether a text has a word, as a whole word where words are set apart."""
    if not word:
        return False
    places = (found.start() for found in re.finditer(f"(?={re.escape(word)})", text))
    if SPACELESS.search(word):
        return any(True for _ in places)
    return any(
        not _joined(text[max(0, start - 1) : start], word[0])
        and not _joined(word[-1], text[start + len(word) : start + len(word) + 1])
        for start in places
    )


def _joined(left: str, right: str) -> bool:
    """Whether two characters stand in one word; many scripts write vowels as marks, which are no letters to `re`."""
    return all(c and (c.isalnum() or c == "_" or unicodedata.category(c)[0] == "M") for c in (left, right))


def _plain(text: str) -> str:
    """Letters as they are read: in one case, none that cannot be seen, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c for c in folded if unicodedata.category(c) != "Cf").split())
