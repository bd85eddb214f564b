"""Where each word of a page stands. Every word is placed by itself, so that none moves when another one changes."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from scripts.lib.captions.pages import Page, Word, line_width
from scripts.lib.captions.styles import Style, safe_area

LEFT_TO_RIGHT, RIGHT_TO_LEFT = "\u200e", "\u200f"
ABOVE, BELOW = 0.74, 0.24
"""Em that letters reach above the baseline of the first line and below that of the last."""


@dataclass(frozen=True)
class Placed:
    """A word on the screen, in pixels."""

    word: Word
    left: float
    baseline: float
    width: float
    mark: str
    """The mark of direction that it begins with, or none."""


def place(
    page: Page, style: Style, em: float, frame: tuple[int, int], position: str, rightward: bool
) -> tuple[float, list[Placed]]:
    """Place a page in a frame of (width, height): the size of its letters, which is less than `em` where a word or the
    whole would not fit, and its words in the order they are spoken."""
    left, top, right, bottom = safe_area(*frame)
    height = ABOVE + BELOW + style.pitch * (len(page.lines) - 1)
    scale = min(1, (right - left) / max(map(line_width, page.lines)), (bottom - top) / (height * em))
    em *= scale
    baseline = {
        "top": top + ABOVE * em,
        "center": (frame[1] - height * em) / 2 + ABOVE * em,
        "bottom": bottom + (ABOVE - height) * em,
    }[position]
    placed = []
    for line in page.lines:
        texts = [word.text for word in line]
        order = visual_order(texts, rightward)
        gaps = [0, *(line[max(pair)].gap for pair in pairwise(order))]
        x = (left + right - scale * (sum(word.width for word in line) + sum(gaps))) / 2
        lefts = {}
        for gap, at in zip(gaps, order, strict=True):
            lefts[at] = x + scale * gap
            x += scale * (gap + line[at].width)
        for at, word in enumerate(line):
            placed.append(Placed(word, lefts[at], baseline, scale * word.width, direction_mark(texts, at, rightward)))
        baseline += style.pitch * em
    return em, placed


def reads_rightward(text: str) -> bool:
    """Whether the first letter that has a direction goes from left to right; so does a text without one."""
    return _direction(text) != "R"


def visual_order(line: Sequence[str], rightward: bool) -> list[int]:
    """The words of a line as they stand from left to right: those against its direction are turned around together
    (rule L2 of the Unicode bidirectional algorithm, for whole words)."""
    order: list[int] = []
    for against, run in groupby(range(len(line)), lambda i: _direction(line[i]) == "RL"[not rightward]):
        order += sorted(run, reverse=against)
    return order if rightward else order[::-1]


def direction_mark(line: Sequence[str], at: int, rightward: bool) -> str:
    """What makes a lone word's punctuation stand where it would in the line: between two words against the line's
    direction as they go, else as the line goes."""
    against = [_direction(word) == "RL"[not rightward] for word in line[at : at + 2]]
    if against == [True, True] or (rightward and not against[0]):
        return ""
    return LEFT_TO_RIGHT if rightward else RIGHT_TO_LEFT


def _direction(text: str) -> str:
    """`L` or `R` by the first letter that has a direction, or none."""
    strong = (unicodedata.bidirectional(c) for c in text)
    return next(({"AL": "R"}.get(kind, kind) for kind in strong if kind in ("L", "R", "AL")), "")
