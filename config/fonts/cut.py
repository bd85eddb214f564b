# /// script
# dependencies = ["fonttools==4.68.0"]
# ///
"""Cut the shipped fonts from the full ones: `python config/fonts/cut.py FOLDER`, see README.md.

FOLDER holds the unpacked npm packages named in README.md. Each font keeps its own script alone, so that which font
shows a character does not depend on their order; hinting, which large text has no use for, is left out.
"""

import sys
from itertools import chain
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent

LETTERS = [  # Noto Sans has Greek, Devanagari and what Montserrat lacks of Latin and Cyrillic
    ("noto-sans", "NotoSans", "800ExtraBold"),
    ("noto-sans-arabic", "NotoSansArabic", "800ExtraBold"),
    ("noto-sans-hebrew", "NotoSansHebrew", "800ExtraBold"),
    ("noto-sans-thai", "NotoSansThai", "800ExtraBold"),
]
JOINERS = {0x200C, 0x200D}
KEYCAPS = set(b"0123456789#*")
KANA = {*range(0x3000, 0x3100), *range(0x31F0, 0x3200), *range(0xFF00, 0xFFF0)}
SYMBOLS = {*range(0x2070, 0x20D0), *range(0x2100, 0x2800), *range(0x2900, 0x2980), *range(0x2B00, 0x2C00)}


def in_charset(codec: str, first: range, second: range) -> set[int]:
    """The code points of a two-byte character set."""
    text = "".join(bytes([a, b]).decode(codec, "ignore") for a in first for b in second)
    return set(map(ord, text))


EUC = range(0xA1, 0xFF)
JIS = in_charset("euc_jp", EUC, EUC)
JIS_LEVEL_1 = in_charset("euc_jp", range(0xB0, 0xD0), EUC)
HANGUL = in_charset("euc_kr", range(0xB0, 0xC9), EUC) | {*range(0x3131, 0x3164)}
BIG5_COMMON = in_charset("big5", range(0xA4, 0xC7), range(0x40, 0xFF))
HAN = {c for c in JIS | BIG5_COMMON | in_charset("gb2312", EUC, EUC) if 0x4E00 <= c < 0xA000}


def cut(source: Path, characters: set[int]) -> set[int]:
    """Write the font beside this file, with what it has of `characters`; returns that."""
    options = Options(hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    options.drop_tables += ["STAT"]
    font = load_font(str(source), options)
    kept = characters & set(font.getBestCmap())
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=kept)
    subsetter.subset(font)
    save_font(font, str(HERE / (font["name"].getDebugName(6) + ".ttf")), options)
    return kept


def outlines(path: Path, characters: set[int]) -> dict[int, list]:
    font = TTFont(path)
    glyphs, cmap = font["glyf"], font.getBestCmap()
    return {c: list(glyphs[cmap[c]].getCoordinates(glyphs)[0]) for c in characters & set(cmap)}


def differ(a: list | None, b: list) -> bool:
    """Whether two outlines differ by more than the rounding of one design's two instances."""
    return a is None or len(a) != len(b) or any(abs(p - q) > 6 for p, q in zip(chain(*a), chain(*b), strict=True))


def main(folder: Path) -> None:
    def source(package: str, family: str, weight: str) -> Path:
        return folder / package / weight / f"{family}_{weight}.ttf"

    everything = set(range(0x110000))
    taken = cut(source("montserrat", "Montserrat", "800ExtraBold"), everything)
    cut(source("montserrat", "Montserrat", "600SemiBold"), everything)
    for font in LETTERS:
        taken |= cut(source(*font), everything - taken | JOINERS)
    chinese = source("noto-sans-sc", "NotoSansSC", "700Bold")
    japanese = source("noto-sans-jp", "NotoSansJP", "700Bold")
    taken |= cut(chinese, HAN | KANA)
    other = outlines(chinese, JIS_LEVEL_1)
    cut(japanese, {c for c, outline in outlines(japanese, JIS_LEVEL_1).items() if differ(other.get(c), outline)})
    taken |= cut(source("noto-sans-kr", "NotoSansKR", "700Bold"), HANGUL)
    taken |= cut(source("noto-emoji", "NotoEmoji", "700Bold"), everything - taken | KEYCAPS | JOINERS)
    taken |= cut(source("noto-sans-symbols", "NotoSansSymbols", "800ExtraBold"), SYMBOLS - taken)
    cut(source("noto-sans-symbols-2", "NotoSansSymbols2", "400Regular"), SYMBOLS - taken)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
