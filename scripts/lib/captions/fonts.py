"""Which font shows a text, and how wide it is there: by HarfBuzz, which libass lays text out with as well."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uharfbuzz as hb

from scripts.lib.errors import UserError

JOINERS = "\u200c\u200d"
KANA = re.compile("[\u3041-\u30ff\uff66-\uff9f]")


@dataclass(frozen=True, eq=False)
class Font:
    """A font file, open."""

    name: str
    """By which libass finds it."""
    characters: hb.Set
    """Code points that it has a glyph for."""
    shaper: hb.Font
    ascent: float
    descent: float
    """Of libass's line box, in em, both positive. A libass font size is the height of that box."""

    @property
    def box(self) -> float:
        return self.ascent + self.descent


def open_font(path: str | Path) -> Font:
    """Raises UserError where the file is no font that libass could use."""
    try:
        face = hb.Face(hb.Blob.from_file_path(str(path)))
    except hb.HarfBuzzError:
        raise UserError(f"{path}: cannot be read; name another font as captions.font") from None
    # libass knows a TrueType font by its full name, one of PostScript outlines by its PostScript name.
    name = face.get_name(6 if "CFF " in face.table_tags else 4) or ""
    if not face.unicodes or not re.fullmatch(r"[^\\{},;\x00-\x1f]{1,100}", name):
        raise UserError(f"{path}: not a TrueType or OpenType font that can be used; name another as captions.font")
    shaper = hb.Font(face)
    ascent, descent = (
        shaper.get_metric_position_with_fallback(tag)
        for tag in (hb.OTMetricsTag.HORIZONTAL_CLIPPING_ASCENT, hb.OTMetricsTag.HORIZONTAL_CLIPPING_DESCENT)
    )
    return Font(name, face.unicodes, shaper, ascent / face.upem, descent / face.upem)


def font_chain(paths: Sequence[str], own: bool, stem: str, text: str) -> list[Font]:
    """The fonts to look for a character in, in order: the user's own (the first path, if `own`), the one of the given
    file name, and the others, which share no characters. Han is drawn as in Japan where `text` has Kana."""
    last = "NotoSansSC-Bold" if KANA.search(text) else "NotoSansJP-Bold"
    shipped = sorted(paths[own:], key=lambda path: (Path(path).stem == last, Path(path).stem != stem))
    return [open_font(path) for path in [*paths[:own], *shipped]]


def clusters(text: str) -> list[str]:
    """Cut a text into what is never parted: a letter with its marks, an emoji of several characters."""
    found: list[str] = []
    for c in text:
        flag = "\U0001f1e6" <= c <= "\U0001f1ff" and bool(found) and len(found[-1]) == 1 and found[-1] >= "\U0001f1e6"
        skin = "\U0001f3fb" <= c <= "\U0001f3ff"
        if found and (unicodedata.category(c)[0] == "M" or c in JOINERS or found[-1][-1] == "\u200d" or skin or flag):
            found[-1] += c
        else:
            found.append(c)
    return found


def font_runs(text: str, fonts: Iterable[Font]) -> tuple[list[tuple[Font, str]], set[str]]:
    """The text in runs of one font each, and the characters that no font has, which are left out.

    Marks of direction and emoji presentation are left out without a word: the layout knows, and there is one colour.
    """
    runs: list[tuple[Font, str]] = []
    missing: set[str] = set()
    plain = "".join(c for c in text if c in JOINERS or (unicodedata.category(c) != "Cf" and c not in "\ufe0e\ufe0f"))
    for cluster in clusters(plain):
        whole = _first(fonts, cluster)
        for part in [cluster] if whole else cluster:
            font = whole or _first(fonts, part)
            if font is None:
                missing.add(part)
            elif runs and runs[-1][0] is font:
                runs[-1] = font, runs[-1][1] + part
            else:
                runs.append((font, part))
    return runs, missing


def _first(fonts: Iterable[Font], text: str) -> Font | None:
    needed = [ord(c) for c in text if c not in JOINERS]
    return next((font for font in fonts if all(c in font.characters for c in needed)), None) if needed else None


def text_width(runs: Iterable[tuple[Font, str]]) -> float:
    """In em."""
    total = 0.0
    for font, text in runs:
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        hb.shape(font.shaper, buffer)
        total += sum(position.x_advance for position in buffer.glyph_positions) / font.shaper.face.upem
    return total
