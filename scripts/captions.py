"""Lay a scene's words out as caption pages and write them as ASS, for libass to burn in."""

import math
from collections.abc import Iterable, Sequence

from scripts.lib.captions.ass import HEADER, color_tag, page_comment
from scripts.lib.captions.draw import draw
from scripts.lib.captions.fonts import Font, clusters, font_chain, font_runs, text_width
from scripts.lib.captions.layout import place, reads_rightward
from scripts.lib.captions.pages import Limits, Word, hundredths, paginate, scene_times, text_of
from scripts.lib.captions.styles import STYLES, em_size, safe_area
from scripts.lib.files import read_json, write_text
from scripts.lib.job import job, warn
from scripts.lib.words import join

SMALLEST = 0.6
"""How far a word that is too long for a line is shrunk; where that is not enough, it is cut first."""


def captions(words: list[dict], duration: float, settings: dict, fonts: list[str]) -> str:
    """The ASS file of one scene. Its times run from the start of the scene, `pad_before` ahead of those of `words`.

    `words` and `duration` (seconds) are those of words.json, `fonts` the files that libass will be given.
    Raises UserError for a font that cannot be used.
    """
    style = STYLES.get(settings["style"], STYLES["minimal"])
    words = [] if settings["style"] == "none" else words
    text = " ".join(word["word"] for word in words)
    rightward = reads_rightward(text)
    fonts = font_chain(fonts, bool(settings["font"]), style.font, text)
    frame = settings["width"], settings["height"]
    em = settings["size"] * em_size(style, *frame)
    left, _, right, _ = safe_area(*frame)
    limits = Limits(right - left, settings["max_lines"] or style.lines, settings["max_words"] or style.words)
    length = hundredths(settings["pad_before"] + duration + settings["pad_after"])
    capitals = style.uppercase if settings["uppercase"] is None else settings["uppercase"]
    times = scene_times(words, settings["pad_before"], length)
    times = ((word.upper() if capitals else word, start, end) for word, start, end in times)
    lines = []
    for page in paginate(measured(times, fonts, em, style.space, limits.width), limits, length):
        size, placed = place(page, style, em, frame, settings["position"], rightward)
        lines += [page_comment(page.start, page.end, text_of(page.words)), *draw(page, placed, size, settings)]
    header = HEADER.format(
        width=frame[0],
        height=frame[1],
        font=fonts[0].name,
        size=em * fonts[0].box,
        color=color_tag(settings["color"]),
        outline=color_tag(settings["outline"]),
        shadow=color_tag(settings["outline"], alpha=0.4),
    )
    return header + "".join(lines)


def measured(
    words: Iterable[tuple[str, float, float]], fonts: Sequence[Font], em: float, space: float, width: float
) -> list[Word]:
    """Words (text, start, end) with their fonts and widths, at `em` pixels; `space` is relative to the font's own.

    What would not fit in `width` at SMALLEST is cut. Characters that no font has are left out, with a warning.
    """
    found: list[Word] = []
    missing: set[str] = set()
    space *= em * text_width([(fonts[0], " ")])
    for text, start, end in words:
        runs, lacking = font_runs(text, fonts)
        missing |= lacking
        letters = clusters("".join(part for _, part in runs))
        pieces = math.ceil(em * text_width(runs) * SMALLEST / width)
        for piece in range(pieces):
            part = "".join(letters[len(letters) * piece // pieces : len(letters) * (piece + 1) // pieces])
            runs = font_runs(part, fonts)[0]
            times = (round(start + (end - start) * (piece + end_of) / pieces, 2) for end_of in (0, 1))
            apart = not piece and bool(found) and join([found[-1].text, part]) != found[-1].text + part
            found.append(Word(part, *times, em * text_width(runs), space * apart, tuple(runs)))
    if missing:
        names = ", ".join(
            f"{c} (U+{ord(c):04X})" if c.isprintable() else f"U+{ord(c):04X}" for c in sorted(missing)[:20]
        )
        warn(f"no font has the characters {names}; they are not shown. Name a font that has them as captions.font")
    return found


if __name__ == "__main__":
    with job(snakemake.log[0]):
        scene = read_json(snakemake.input.words)
        write_text(
            snakemake.output.captions,
            captions(scene["words"], scene["duration"], snakemake.params.settings, list(snakemake.input.fonts)),
        )
