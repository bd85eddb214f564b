"""The shipped fonts, and the choice of a font for each run of characters."""

from itertools import combinations
from pathlib import Path

import pytest
from conftest import ROOT

from scripts.captions import captions
from scripts.lib.captions.fonts import clusters, font_chain, font_runs, open_font, text_width
from scripts.lib.captions.styles import STYLES
from scripts.lib.errors import UserError

FONTS = sorted(str(path) for path in ROOT.glob("config/fonts/*.ttf"))
SHIPPED = {Path(path).stem: open_font(path) for path in FONTS}
HEAVY = "Montserrat-ExtraBold"


def names(text: str, *own: str) -> list[str]:
    runs, _ = font_runs(text, font_chain([*own, *FONTS], bool(own), HEAVY, text))
    return [font.name for font, _ in runs]


def test_the_fonts_are_small_free_and_all_in_the_readme():
    folder = ROOT / "config/fonts"
    assert sum(path.stat().st_size for path in folder.glob("*.ttf")) < 7_000_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (folder / "OFL.txt").read_text()
    readme = (folder / "README.md").read_text()
    assert all(f"`{Path(path).name}`" in readme for path in FONTS)


def test_the_styles_name_fonts_that_are_there():
    assert {style.font for style in STYLES.values()} <= set(SHIPPED)


def test_no_two_fonts_share_a_character_that_could_look_different_by_their_order():
    """Save the two weights of one family, Han in its two forms, and the parts of sequences that each font needs."""
    fallbacks = {stem: set(font.characters) for stem, font in SHIPPED.items() if not stem.startswith("Montserrat-Semi")}
    shared = {ord(c) for c in "0123456789#*\u200c\u200d"}
    for (a, first), (b, second) in combinations(fallbacks.items(), 2):
        if {a, b} != {"NotoSansJP-Bold", "NotoSansSC-Bold"}:
            assert first & second <= shared, (a, b)


@pytest.mark.parametrize(
    "text",
    [
        "AÀĂŁŒßñøžıİ ¿¡«»„“”’–—… €£₹$%&@#*©®™°±×÷≈≠≤≥∞ ơưđĐạảấậ",
        "АБВЖЩЫЭЮЯЁЄІЇҐЉЊ",
        "ΑΒΓΔΩάέήίόύώςϊΰ",
        "אבגדהוזםןץ ابتثجحخةىءأإآ پچگ ،؟ ٠١٢٣",
        "अआइकखगघ्ािीुूं ।",
        "กขคงจฉช่้๊๋ะาิ",
        "的一是不了人我在有他这這國学學直骨、。「」・ー〜！？，：あいうアイウ",
        "가나다라마바사한글뭐쓸",
        "😀🔥❤👍🎉🚀🌊🧠💡✅❌⚡⭐",
        "→←↑↓↔✓✔✗★☆●■▲▼◆♪♫☀",
    ],
)
def test_the_fonts_have_the_characters_of(text):
    assert font_runs(text.replace(" ", ""), SHIPPED.values())[1] == set()


def test_each_run_of_characters_has_one_font():
    assert names("Hello") == ["Montserrat ExtraBold"]
    assert names("AI人工!") == ["Montserrat ExtraBold", "Noto Sans SC Bold", "Montserrat ExtraBold"]


def test_han_is_drawn_as_in_japan_where_there_is_kana():
    assert names("直す") == ["Noto Sans JP Bold", "Noto Sans SC Bold"]
    assert names("直") == ["Noto Sans SC Bold"]


def test_a_font_of_ones_own_comes_first_and_others_fill_its_gaps(tmp_path):
    own = tmp_path / "mine.ttf"
    own.write_bytes((ROOT / "config/fonts/NotoSansThai-ExtraBold.ttf").read_bytes())
    assert names("aก", str(own)) == ["Montserrat ExtraBold", "Noto Sans Thai ExtraBold"]
    assert font_chain([str(own), *FONTS], True, HEAVY, "")[0].name == "Noto Sans Thai ExtraBold"


@pytest.mark.parametrize("content", [b"", b"not a font", b"\0\1\0\0" + b"\xff" * 400, None])
def test_what_is_no_font_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "mine.ttf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.ttf.*captions\.font"):
        open_font(path)


def test_what_belongs_together_is_never_parted():
    whole = ["e\u0301", "👨\u200d👩\u200d👧", "👍🏽", "🇫🇷", "🇩🇪", "1\ufe0f\u20e3", "नि", "x"]
    assert clusters("".join(whole)) == whole


def test_marks_of_direction_are_dropped_and_say_nothing():
    runs, missing = font_runs("\u202eab\u2066c\ufeff", SHIPPED.values())
    assert [text for _, text in runs] == ["abc"] and not missing


def test_letters_are_measured_as_they_are_joined_and_kerned():
    def width(text: str) -> float:
        return text_width(font_runs(text, SHIPPED.values())[0])

    assert width("AV") < width("A") + width("V")
    assert width("ببب") < 3 * width("ب")


def test_the_users_font_is_named_in_the_captions(tmp_path):
    own = tmp_path / "mine.ttf"
    own.write_bytes((ROOT / "config/fonts/Montserrat-SemiBold.ttf").read_bytes())
    look = {"style": "bold", "position": "bottom", "font": "mine.ttf", "size": 1.0, "uppercase": False}
    colors = dict.fromkeys(["color", "highlight", "outline"], "#FFFFFF")
    rest = {"max_words": None, "max_lines": None, "width": 100, "height": 100, "pad_before": 0.0, "pad_after": 0.0}
    ass = captions([{"word": "Hi", "start": 0.0, "end": 1.0}], 1.0, look | colors | rest, [str(own), *FONTS])
    assert "\\fnMontserrat SemiBold" in ass and "ExtraBold" not in ass
