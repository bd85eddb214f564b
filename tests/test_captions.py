"""Captions: what stands on a page and for how long, and what libass then shows."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from conftest import ROOT

from scripts.captions import captions
from scripts.lib.captions.ass import clock, read_pages
from scripts.lib.captions.draw import contrast
from scripts.lib.captions.fonts import font_chain, font_runs, text_width
from scripts.lib.captions.pages import Limits, Word, paginate, text_of
from scripts.lib.captions.styles import STYLES, em_size, safe_area
from scripts.lib.media import ffmpeg
from scripts.lib.words import split

FONTS = sorted(str(path) for path in ROOT.glob("config/fonts/*.ttf"))
SETTINGS = {
    "style": "karaoke", "position": "bottom", "font": "", "size": 1.0, "color": "#FFFFFF", "highlight": "#FF0000",
    "outline": "#0000FF", "uppercase": None, "max_words": None, "max_lines": None,
    "width": 216, "height": 384, "pad_before": 0.1, "pad_after": 0.25,
}  # fmt: skip
LIMITS = Limits(width=24, lines=2, words=7)
TEXT = "The ocean covers more than 70% of our planet. Yet we know less than five percent of it, and it is strange."


def say(text: str, rate: float = 14, pause: float = 0.25) -> tuple[list[dict], float]:
    """Words spoken at `rate` characters a second, and how long that takes."""
    words, time = [], 0.0
    for _, word in split(text):
        length = (len(word) + 1) / rate
        words.append({"word": word, "start": round(time, 6), "end": round(time + length, 6)})
        time += length + pause * word.endswith((".", "!", "?"))
    return words, time


def write(text: str, **settings) -> str:
    words, duration = say(text)
    return captions(words, duration, SETTINGS | settings, FONTS)


def render(tmp_path, ass: str, times: list[float], frame: tuple[int, int] = (216, 384)) -> np.ndarray:
    """Frames of an ASS file over black, as libass shows it: uint8, (times, height, width, 3)."""
    (tmp_path / "captions.ass").write_text(ass, encoding="utf-8")
    if not (tmp_path / "fonts").exists():
        (tmp_path / "fonts").symlink_to(ROOT / "config/fonts")
    shown = "+".join(f"eq(n,{round(10 * time)})" for time in times)
    log = ffmpeg(
        *(
            "-v",
            "verbose",
            "-f",
            "lavfi",
            "-i",
            f"color=black:s={frame[0]}x{frame[1]}:r=10:d={max(times) + 1},format=rgb24",
        ),
        *("-vf", f"subtitles=filename=captions.ass:fontsdir=fonts,select='{shown}'", "-fps_mode", "passthrough"),
        *("-f", "rawvideo", "frames.raw"),
        cwd=tmp_path,
    )
    assert "failed to find" not in log and "not found" not in log, log
    return np.fromfile(tmp_path / "frames.raw", np.uint8).reshape(len(times), frame[1], frame[0], 3)


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is true."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def red(frame: np.ndarray) -> np.ndarray:
    return (frame[..., 0] > 150) & (frame[..., 1] < 100) & (frame[..., 2] < 100)


def pages_of(text: str, limits: Limits = LIMITS, **spoken) -> list[str]:
    words, duration = say(text, **spoken)
    words = [Word(word["word"], word["start"], word["end"], len(word["word"]), 1) for word in words]
    return [text_of(page.words) for page in paginate(words, limits, duration)]


# Pages


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seconds", [0.2, 1, 7.003, 60])
@pytest.mark.parametrize("count", [1, 2, 9, 200])
def test_pages_follow_one_another_inside_the_scene(style, seconds, count):
    step = seconds / count
    words = [{"word": f"word{n}.", "start": n * step, "end": (n + 1) * step} for n in range(count)]
    pages = read_pages(captions(words, seconds, SETTINGS | {"style": style}, FONTS))
    assert pages[0]["start"] >= 0 and pages[-1]["end"] <= seconds + 0.35
    assert all(page["start"] < page["end"] for page in pages)
    assert all(before["end"] <= after["start"] for before, after in pairwise(pages))
    if step > 0.1:
        said = " ".join(page["text"] for page in pages).casefold().split()
        assert said == [word["word"] for word in words]


@pytest.mark.parametrize("style", STYLES)
def test_every_event_is_shown_within_a_page(style):
    ass = write(TEXT, style=style)
    pages = [(clock(page["start"]), clock(page["end"])) for page in read_pages(ass)]
    events = re.findall(r"^Dialogue: \d,([\d:.]+),([\d:.]+),", ass, re.MULTILINE)
    assert events and all(any(a <= start < end <= b for a, b in pages) for start, end in events)


def test_words_of_no_length_in_a_row_still_make_pages_that_can_be_seen():
    words = [{"word": f"w{n}", "start": 1.0, "end": 1.0} for n in range(30)] + [
        {"word": "end", "start": 1.0, "end": 3.0}
    ]
    pages = read_pages(captions(words, 3.0, SETTINGS, FONTS))
    assert pages and all(page["start"] < page["end"] for page in pages)


def test_words_out_of_order_or_outside_the_scene_are_put_into_it():
    words = [{"word": w, "start": s, "end": e} for w, s, e in [("a", 0.5, 0.9), ("b", 0.2, 0.3), ("c", 5.0, 9.0)]]
    pages = read_pages(captions(words, 1.0, SETTINGS, FONTS))
    assert all(page["end"] <= 1.35 for page in pages)


def test_a_page_ends_where_a_sentence_does():
    assert pages_of("I came home. I saw the old house. I left again.") == [
        "I came home.",
        "I saw the old house.",
        "I left again.",
    ]


def test_an_abbreviation_ends_no_sentence():
    assert pages_of("We met Dr. Lee and Mr. Poe at noon.", Limits(30, 2, 9)) == ["We met Dr. Lee and Mr. Poe at noon."]


def test_the_first_word_of_a_clause_is_not_left_behind():
    pages = pages_of("No stolen gameplay, no watermarks, and no external music.", Limits(24, 2, 4))
    assert pages == ["No stolen gameplay,", "no watermarks,", "and no external music."]


def test_a_word_wider_than_a_line_has_a_line_of_its_own():
    words = [Word(w, n, n + 1, len(w), 1) for n, w in enumerate(["and", "no", "extraordinarily-long", "a", "word"])]
    pages = paginate(words, Limits(width=10, lines=2, words=3), 5.0)
    assert ("extraordinarily-long",) in [tuple(word.text for word in line) for page in pages for line in page.lines]


def test_sentences_too_short_to_be_read_share_a_page():
    assert pages_of("No. Yes. Go. Then we left the old house.", pause=0.0)[0] == "No. Yes. Go."


def test_a_page_ends_at_a_pause():
    words = [Word(w, s, s + 0.3, 4, 1) for w, s in [("when", 0), ("they", 0.3), ("went", 2.0), ("home", 2.3)]]
    pages = paginate(words, LIMITS, 3.0)
    assert [text_of(page.words) for page in pages] == ["when they", "went home"]
    assert pages[0].end == pytest.approx(1.0) and pages[1].start == 2.0


def test_short_gaps_are_bridged():
    words, duration = say("We came in. They went out.", pause=0.4)
    pages = read_pages(captions(words, duration, SETTINGS, FONTS))
    assert pages[0]["start"] == 0 and pages[0]["end"] == pages[1]["start"]
    assert pages[-1]["end"] == pytest.approx(duration + 0.35, abs=0.02)


def test_pages_and_lines_are_even():
    assert pages_of("one two three four five six seven eight nine ten", Limits(99, 1, 6)) == [
        "one two three four five",
        "six seven eight nine ten",
    ]
    words = [Word(w, n, n + 1, len(w), 1) for n, w in enumerate(["the", "biggest", "city", "in", "Europe"])]
    lines = paginate(words, Limits(20, 2, 7), 5.0)[0].lines
    assert [text_of(line) for line in lines] == ["the biggest", "city in Europe"]


def test_the_limits_of_the_settings_hold():
    for count in (1, 2, 5):
        assert {len(page["text"].split()) <= count for page in read_pages(write(TEXT, max_words=count))} == {True}
    rows = re.findall(r"\\pos\([\d.]+,([\d.]+)\)", write(TEXT, max_lines=1, style="minimal"))
    assert len(set(rows)) == 1


def test_pages_are_read_back_as_they_were_written():
    pages = read_pages(write("Hello there, {friend}. How are you?"))
    assert [page["text"] for page in pages] == ["Hello there, {friend}.", "How are you?"]


def test_no_style_shows_nothing():
    ass = write(TEXT, style="none")
    assert "Dialogue:" not in ass and read_pages(ass) == []


# What is shown


PORTRAIT, OTHERS = (216, 384), [(384, 216), (216, 216), (64, 64)]


@pytest.mark.parametrize(
    ("style", "frame"), [*((style, PORTRAIT) for style in STYLES), *(("karaoke", frame) for frame in OTHERS)]
)
def test_captions_stand_in_their_third_and_in_the_safe_area(tmp_path, style, frame):
    width, height = frame
    left, top, right, bottom = safe_area(*frame)
    for third, position in enumerate(["top", "center", "bottom"]):
        ass = write(TEXT, style=style, position=position, width=width, height=height)
        shown = box(render(tmp_path, ass, [1.3], frame)[0].max(axis=-1) > 40)
        outline = 0.02 * min(frame) + 1
        assert shown[0] >= left - outline and shown[2] <= right + outline
        assert shown[1] >= top - outline and shown[3] <= bottom + outline
        assert third / 3 < (shown[1] + shown[3]) / 2 / height < (third + 1) / 3


def test_the_safe_area_is_clear_of_every_platform():
    left, top, right, bottom = safe_area(1080, 1920)
    assert left >= 120 and top >= 150 and right <= 1080 - 120 and bottom <= 1920 - 270


def test_the_spoken_word_has_the_highlight_and_nothing_else_moves(tmp_path):
    words = [{"word": w, "start": n, "end": n + 1.0} for n, w in enumerate(["one", "two", "six"])]
    ass = captions(words, 3.0, SETTINGS | {"pad_before": 0, "pad_after": 0}, FONTS)
    frames = render(tmp_path, ass, [0.5, 1.5, 2.5])
    places = [box(red(frame)) for frame in frames]
    assert all(before[2] < after[0] for before, after in pairwise(places))
    last = slice(places[2][0] - 1, None)
    assert np.array_equal(frames[0][:, last], frames[1][:, last])
    assert np.array_equal(frames[1][:, : places[0][2] + 1], frames[2][:, : places[0][2] + 1])


def test_the_pill_stands_behind_the_spoken_word_alone(tmp_path):
    words = [{"word": w, "start": n, "end": n + 1.0} for n, w in enumerate(["one", "two", "six"])]
    settings = SETTINGS | {"style": "pill", "pad_before": 0, "pad_after": 0, "highlight": "#FF0000"}
    frames = render(tmp_path, captions(words, 3.0, settings, FONTS), [0.5, 1.5, 2.5])
    for frame in frames:
        left, top, right, bottom = box(red(frame))
        inside = frame[top:bottom, left:right].reshape(-1, 3)
        assert red(inside).mean() > 0.5  # a filled box
        assert not red(frame[top, left]) and red(frame[top, (left + right) // 2])  # with round corners
        letters = box((frame[top:bottom, left:right] == 16).all(axis=-1))
        assert abs(letters[0] - (right - left - letters[2])) <= 2 and letters[0] >= 2  # the word in its middle
    assert all(box(red(a))[0] < box(red(b))[0] for a, b in pairwise(frames))


@pytest.mark.parametrize(("color", "text"), [("#FFD60A", "#101010"), ("#7C3AED", "#FFFFFF"), ("#000000", "#FFFFFF")])
def test_letters_on_a_pill_can_be_read(color, text):
    assert contrast(color) == text


def test_bold_pops_in_and_stresses_the_strongest_word(tmp_path):
    frames = render(tmp_path, write("It is 5,000 years old.", style="bold"), [0.0, 0.4])
    assert (frames[0].max(axis=-1) > 40).sum() < 0.9 * (frames[1].max(axis=-1) > 40).sum()
    assert [page["text"] for page in read_pages(write("It is 5,000 years old.", style="bold"))] == [
        "IT IS 5,000",
        "YEARS OLD.",
    ]
    assert red(frames[1]).any()


HOSTILE = r"""
    a{\b1}b \N \n \h x\Ny {\an8}z { } {} {{ \ \\ \\N \{c\} %{} "q" ' {\pos(0,0)} a\ {\p1}m {=0} &amp; <b> a,b,,c {*}
    \u{41} 0:00:01.00 Dialogue: {\r}{ {\fad(9,9)} {\k9}x
"""
SCRIPTS = """
    Größe dương планеты θάλασσα العربية עברית प्रतिशत ครอบคลุม 海洋 字幕は 바다는 🔥 👨‍👩‍👧‍👦 ❤️‍🔥 1️⃣ 🇫🇷 👍🏽 → ✓ ★ AI人工🔥
"""


def test_hostile_text_shows_as_it_is_written(tmp_path):
    check_widths(tmp_path, HOSTILE.split())


def test_every_script_shows_with_nothing_installed(tmp_path, caplog):
    check_widths(tmp_path, SCRIPTS.split())
    assert not caplog.records


def check_widths(tmp_path, texts: list[str]) -> None:
    """Each text is shown where captions stand, as wide as all its characters are in the fonts that we ship: what is
    swallowed, obeyed, or replaced by the box of a missing letter is not."""
    settings = SETTINGS | {"style": "minimal", "width": 600, "height": 400, "outline": "#000000", "max_words": 1}
    words = [{"word": text, "start": n, "end": n + 1.0} for n, text in enumerate(texts)]
    frames = render(
        tmp_path, captions(words, len(words), settings, FONTS), [n + 0.8 for n in range(len(texts))], (600, 400)
    )
    fonts = font_chain(FONTS, False, STYLES["minimal"].font, "".join(texts))
    em = em_size(STYLES["minimal"], 600, 400)
    for text, frame in zip(texts, frames, strict=True):
        left, top, right, bottom = box(frame.max(axis=-1) > 60)
        width = em * text_width(font_runs(text, fonts)[0])
        assert width - 0.5 * em < right - left < width + 0.3 * em, text  # less the bearings of the outer letters
        assert top > 200 and bottom - top < 2 * em, text


def test_right_to_left_text_is_set_and_lit_from_the_right(tmp_path):
    words = [{"word": w, "start": n, "end": n + 1.0} for n, w in enumerate(["שלום", "עולם", "Ab", "cd"])]
    settings = SETTINGS | {"style": "minimal", "pad_before": 0, "pad_after": 0}
    frames = render(
        tmp_path, captions(words, 4.0, settings | {"style": "karaoke", "size": 0.6}, FONTS), [0.5, 1.5, 2.5, 3.5]
    )
    first, second, third, fourth = (box(red(frame))[0] for frame in frames)
    assert second < first and third < second and third < fourth < second  # the Latin words from the left


def test_punctuation_stands_at_the_end_of_a_number_in_right_to_left_text(tmp_path):
    words = [{"word": w, "start": 0.0, "end": 1.0} for w in ["אאא", "8....", "אאא"]]
    frame = render(tmp_path, captions(words, 1.0, SETTINGS | {"style": "minimal", "outline": "#000000"}, FONTS), [0.5])[
        0
    ]
    left, top, right, bottom = box(frame.max(axis=-1) > 100)
    columns = (frame[top:bottom, left:right].max(axis=-1) > 100).sum(axis=0)
    middle = columns[len(columns) // 3 : 2 * len(columns) // 3]
    low = [half[half > 0].mean() for half in np.array_split(middle, 2)]
    assert low[0] < low[1]  # the dots left of the digit


def test_a_word_too_long_for_a_line_is_shrunk_then_cut(tmp_path):
    for text in ["Donaudampfschifffahrt", "x" * 300]:
        words = [{"word": text, "start": 0.0, "end": 4.0}]
        ass = captions(words, 4.0, SETTINGS, FONTS)
        assert "".join(page["text"] for page in read_pages(ass)) == text
        shown = box(render(tmp_path, ass, [0.5])[0].max(axis=-1) > 40)
        assert shown[0] >= 0.11 * 216 and shown[2] <= 0.89 * 216


def test_the_largest_letters_stay_in_the_frame(tmp_path):
    for style in STYLES:
        ass = write(TEXT, style=style, size=2.0, max_lines=4, max_words=20, width=384, height=216)
        left, top, right, bottom = box(render(tmp_path, ass, [1.0], (384, 216))[0].max(axis=-1) > 40)
        assert min(left, top) > 0 and right < 384 and bottom < 216


def test_characters_of_no_font_are_left_out_and_named_once(caplog):
    pages = read_pages(write("Rune ᚠᚢ and ᚠ here"))
    assert " ".join(page["text"] for page in pages) == "Rune and here"
    assert [record.message.count("U+16A0") for record in caplog.records] == [1]


def test_text_of_nothing_that_can_be_shown_makes_no_page():
    assert read_pages(captions([{"word": "ᚠᚢ", "start": 0.0, "end": 1.0}], 1.0, SETTINGS, FONTS)) == []


def test_the_same_words_give_the_same_file():
    assert write(TEXT) == write(TEXT)


def test_a_page_lasts_to_the_hundredth_before_the_scene_ends():
    for seconds in (1.0, 1.004, 1.2345, 2.999999):
        page = read_pages(captions([{"word": "a", "start": 0, "end": seconds}], seconds, SETTINGS, FONTS))[-1]
        assert page["end"] == pytest.approx(math.floor(round(100 * (seconds + 0.35), 4)) / 100)
