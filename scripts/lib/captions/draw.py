"""Draw a caption page as ASS events, one a word: what the styles look like."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from scripts.lib.captions.ass import color_tag, escape, event
from scripts.lib.captions.layout import Placed
from scripts.lib.captions.pages import Page, Word
from scripts.lib.captions.styles import STYLES

JOINED = re.compile("[\u200d\u20e3]")
"""Zero-width joiner and enclosing keycap."""


def draw(page: Page, placed: Sequence[Placed], em: float, settings: dict) -> Iterator[str]:
    """The page's events. `placed`: its words in the order they are spoken; `em` in pixels; the captions' `settings`."""
    look = {"karaoke": _karaoke, "pill": _pill, "bold": _bold, "minimal": _minimal}[settings["style"]]
    times = [*(one.word.start for one in placed), page.end]
    for one, spoken in zip(placed, pairwise(times), strict=True):
        yield from look(page, one, spoken, em, settings)


def _karaoke(page: Page, one: Placed, spoken: tuple[float, float], em: float, settings: dict) -> Iterator[str]:
    """The spoken word in colour, a little larger."""
    start, end = (round(1000 * (time - page.start)) for time in spoken)
    on = _step(start, f"\\1c{color_tag(settings['highlight'])}&") + f"\\t({start},{start + 80},\\fscx105\\fscy105)"
    off = _step(end, f"\\1c{color_tag(settings['color'])}&") + f"\\t({end},{end + 80},\\fscx100\\fscy100)"
    yield event(page.start, page.end, _text(one, em, settings, on + off))


def _pill(page: Page, one: Placed, spoken: tuple[float, float], em: float, settings: dict) -> Iterator[str]:
    """A rounded box behind the spoken word, whose letters then need no outline."""
    start, end = (round(1000 * (time - page.start)) for time in spoken)
    if start < end:
        spaced = all(word.gap for line in page.lines for word in line[1:])
        box = _rounded(one.width + (0.44 if spaced else 0.16) * em, 1.24 * em, 0.3 * em)
        x, y = one.left + one.width / 2, one.baseline - 0.35 * em
        tags = f"\\an5\\pos({x:.2f},{y:.2f})\\1c{color_tag(settings['highlight'])}&"
        yield event(*spoken, f"{{{tags}\\fscx90\\fscy90\\t(0,80,\\fscx100\\fscy100)\\p1}}{box}")
    on = _step(start, f"\\1c{color_tag(contrast(settings['highlight']))}&\\bord0\\shad0")
    off = _step(end, f"\\1c{color_tag(settings['color'])}&{_edge(em, settings)}")
    yield event(page.start, page.end, _text(one, em, settings, on + off), layer=1)


def _bold(page: Page, one: Placed, spoken: tuple[float, float], em: float, settings: dict) -> Iterator[str]:
    """All words at once, popping in, the strongest in colour."""
    color = f"\\1c{color_tag(settings['highlight'])}&" if one.word is strongest(page.words) else ""
    pop = "\\fscx78\\fscy78\\t(0,80,\\fscx106\\fscy106)\\t(80,150,\\fscx100\\fscy100)"
    yield event(page.start, page.end, _text(one, em, settings, color + pop))


def _minimal(page: Page, one: Placed, spoken: tuple[float, float], em: float, settings: dict) -> Iterator[str]:
    yield event(page.start, page.end, _text(one, em, settings, "\\fad(80,0)"))


def strongest(words: Sequence[Word]) -> Word | None:
    """The word to stress: the longest with a digit, else the longest of seven letters and more, if there is any."""
    best = max(words, key=lambda word: (any(map(str.isdigit, word.text)), len(word.text)))
    return best if any(map(str.isdigit, best.text)) or len(best.text) >= 7 else None


def contrast(color: str) -> str:
    """Black or white, whichever is easier to read on a colour (by its relative luminance, as in WCAG 2)."""
    red, green, blue = ((int(color[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5))
    return "#101010" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#FFFFFF"


def _text(one: Placed, em: float, settings: dict, tags: str) -> str:
    """A word's text, centred on its place: libass's anchor is the middle of the line box that its fonts have."""
    ascent, descent = (max(getattr(font, side) for font, _ in one.word.runs) for side in ("ascent", "descent"))
    x, y = one.left + one.width / 2, one.baseline + em * (descent - ascent) / 2
    text = "".join(f"{{\\fn{font.name}\\fs{em * font.box:.2f}}}{escape(part)}" for font, part in one.word.runs)
    # libass parts an emoji sequence at its joiners unless the text has a letter: one without width keeps it whole.
    letter = "{\\r\\fscx0}a" if JOINED.search(text) else ""
    return f"{{\\an5\\pos({x:.2f},{y:.2f}){_edge(em, settings)}{tags}}}{one.mark}{text}{letter}"


def _edge(em: float, settings: dict) -> str:
    style = STYLES[settings["style"]]
    return f"\\bord{em * style.border:.2f}\\yshad{em * style.shadow:.2f}"


def _step(time: int, tags: str) -> str:
    """Tags from a time on, in milliseconds from the event's start. (A \\t that ends at 0 lasts to the end.)"""
    return f"\\t({time},{time},{tags})" if time > 0 else tags


def _rounded(width: float, height: float, radius: float) -> str:
    """A rounded box as an ASS drawing, its corners quarter circles in Bézier form."""
    w, h, r, k = width, height, radius, radius * 0.4477
    path = [
        ("m", r, 0), ("l", w - r, 0), ("b", w - k, 0, w, k, w, r), ("l", w, h - r), ("b", w, h - k, w - k, h, w - r, h),
        ("l", r, h), ("b", k, h, 0, h - k, 0, h - r), ("l", 0, r), ("b", 0, k, k, 0, r, 0),
    ]  # fmt: skip
    return " ".join(part if isinstance(part, str) else f"{part:.2f}" for step in path for part in step)
