"""What to ask a stock site for: from all that a scene wants to the one word that it is about."""

import re
import unicodedata

from scripts.lib.words import join, split

MOST_LETTERS = 100
"""Pixabay refuses more."""
WORDS = (5, 3, 2, 1)
"""Sites find clips that have every word, more or less: of six, few have all; each step finds some ten times as many."""
JOINERS = "'-\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""What stands inside a word, beside letters, their marks and digits."""
ANYTHING = "background"
"""What is asked for a visual direction without a letter."""


def listed(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


TOGETHER = {
    r"close[ -]?ups?": "close-up",
    r"slow[ -]?mo(?:tion)?": "slow-motion",
    r"time[ -]?lapses?": "timelapse",
    r"(?:drone|bird'?s[ -]eye|aerial) (?:shots?|views?|footage)": "aerial",
    r"(?:low|high|wide|dutch)[ -]angle": "",
    r"(?:(?:establishing|tracking|panning|dolly|wide|medium|long|full|static|handheld|insert|angle)[ -])+shots?": "",
    r"(?:cuts?|fades?|cross-?fades?|dissolves?|zooms?) (?:in|out|to|into)": "",
    r"(?:pans?|tilts?) (?:across|over|up|down|to|from)": "",
    r"(?:end|title|text)[ -](?:cards?|overlays?|screens?)": "",
    r"depth of field": "",
}
"""Terms of several words: sites know some of them; the others speak of the film and not of what it shows."""
CAMERA = listed(
    "b-roll broll camera caption captions cinematic clip clips display displaying displays fade featuring features",
    "film footage foreground frame frames framing fullscreen handheld lens montage onscreen on-screen panning scene",
    "shot shots show showing shown shows subtitle subtitles text tilting title transition transitions video view",
    "views visual visuals zoom zooming zooms 4k hd uhd 8k",
)
"""Words about the film. Aerial, close-up, drone, macro, timelapse and the like are kept: clips are found by them."""
STOP = listed(
    "a about above across after against all along also am among an and another any are around as at away be because",
    "been before behind being below beneath beside between beyond both but by can could did do does down during each",
    "either else etc every few for from front get gets goes had has have having he her here hers him his how i if in",
    "inside into is it its itself just like made make makes many me more most much my near next no nor not of off on",
    "onto or other our out outside over own per quite rather she so some someone something such than that the their",
    "them then there these they this those through to too toward towards under until up upon us very via was we were",
    "what when where which while who whose will with within without would you your",
)
WEAK = listed(
    "aerial background big black blue blurred bold bokeh bright brown calm clean clear close-up cold colorful",
    "colourful cyan dark deep different distant drone dry early empty enormous fast fine first fresh full gentle",
    "giant gold golden gray great green grey half heavy high huge hyperlapse large last late left light-blue little",
    "long low macro main massive new old open orange pink pov purple quick quiet quickly quietly red right round",
    "several sharp short simple single slow slow-motion slowly small smooth soft softly still strong tall thick thin",
    "three tiny timelapse turquoise two vast vibrant violet warm wet white whole wide yellow young",
)
"""Words that a clip may well lack: what something is like, and how it is filmed."""
NOUNS = listed(
    "building ceiling clothing crossing duckling earring evening lightning morning painting pudding railing spring",
    "string wedding wing",
)
"""Words in -ing that are things; the others are what things do."""


def queries(visual: str, terms: list[str]) -> list[str]:
    """What to ask for in turn, as long as too little is found: the script's own search terms, then fewer and fewer
    words of the visual direction. At least one; none twice, longer than a site allows, or without a letter or a digit.
    """
    own = [short(" ".join(term.split()).lower()) for term in terms if any(c.isalnum() for c in term)]
    return list(dict.fromkeys([*own, *widening(visual)])) or [ANYTHING]


def widening(visual: str) -> list[str]:
    """The most telling words of a text, as many as may be, then fewer; in the order of the text."""
    words = telling(visual)
    weighed = sorted(words, key=weak)  # of equals, the first stays first: directions begin with what they are about
    return [short(join([word for word in words if word in weighed[:most]])) for most in WORDS if words]


def telling(visual: str) -> list[str]:
    """The words of a text that say what is seen, each once; all of them where that leaves none."""
    plain = visual.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for phrase, word in TOGETHER.items():
        plain = re.sub(rf"(?<!\w){phrase}(?!\w)", f" {word} ", plain)
    letters = "".join(c if unicodedata.category(c)[0] in "LMN" or c in JOINERS else " " for c in plain)
    words = [re.sub("'s?$", "", word.strip("'-")) for _, word in split(letters) if re.search(r"\w", word)]
    kept = [word for word in words if word not in STOP | CAMERA and (len(word) > 1 or not word.isascii())]
    return list(dict.fromkeys(kept or words))


def weak(word: str) -> bool:
    """Whether a word is the first to go."""
    doing = word.endswith("ing") and len(word) > 5 and word not in NOUNS
    return doing or word in WEAK or word.isdigit() or (len(word) == 2 and word.isascii())


def short(query: str) -> str:
    """As many words as a site allows letters for."""
    return query if len(query) <= MOST_LETTERS else query[: MOST_LETTERS + 1].rpartition(" ")[0] or query[:MOST_LETTERS]
