"""Word times: every word of the script once, in order, with a length, where the voice says it."""

import json
from array import array
from itertools import pairwise

import jsonschema
import pytest
from conftest import ROOT

from scripts.lib.audio import RATE
from scripts.lib.errors import UserError
from scripts.lib.narration.espeak import speak
from scripts.lib.words import join, split
from scripts.words import in_order, words

SAID = {
    "numbers": ("en-us", "It is 3.5 km, or 10,000,000 mm; it cost $1,200.50 in 2026, 50% off on Jan. 5th at 9:30 a.m."),
    "abbreviations": ("en-us", "Dr. Smith vs. Mr. Jones, i.e. AT&T, e.g. the U.S.A. & co. don't stop rock 'n' roll."),
    "run together": ("en-us", "the cat of the dog in the house to be or not to be I am a man"),
    "signs": ("en-us", "— well-known “quotes” … (really) [x] {y} -- and/or 10-20 #tag @user a_b https://a.org/b?c=d —"),
    "emoji": ("en-us", "So 🙂 good 👍🏽 for 👨‍👩‍👧 all 🎉🎉!"),
    "injection": ("en-us", "{\\b1} %{x} \\N <b>bold</b> &amp; [[h@l'oU]] 'it''s'\n\nnew\tline"),
    "German": ("de", "Die Straßenbahn fährt um 12:30 Uhr, z.B. nach Köln-Deutz – ca. 3,5 km für 1.200,50 €!"),
    "French": ("fr-fr", "Qu'est-ce que c'est ? L'été dernier, M. Dupont n'a pas vu « la mer » !"),
    "Spanish": ("es", "¿Dónde está? ¡El 25 de mayo de 2026 a las 14:30! El Sr. García pagó 12 €."),
    "Russian": ("ru", "Привет, как дела? Сегодня 25 мая 2026 г., и на улице +3,5 °C — холодно."),
    "Chinese": ("cmn", "你好，世界！今天是2026年5月25日，我们去北京。大海很蓝。"),
    "Japanese": ("ja", "今日は天気がいいですね。「東京タワー」へ行きましょう。"),
    "Thai": ("th", "สวัสดีชาวโลก วันนี้อากาศดี"),
    "Arabic": ("ar", "مرحبا بالعالم! اليوم هو 25 مايو 2026، والسماء زرقاء."),
    "Hindi": ("hi", "नमस्ते दुनिया! आज मौसम अच्छा है।"),
    "Korean": ("ko", "안녕하세요 세계! 오늘은 날씨가 좋습니다."),
    "many scripts": ("en-us", "The word 世界 means мир, עולם or โลก."),
}


def timed(text: str, engine: str = "auto", voice: str = "en-us") -> dict:
    samples, marks = speak(text, voice, 1.0)
    return words(text, engine, samples, {"engine": "espeak", "voice": voice, "marks": marks})


@pytest.mark.parametrize("engine", ["native", "estimate"])
@pytest.mark.parametrize("name", SAID)
def test_every_word_is_there_once_and_in_order(name, engine):
    voice, text = SAID[name]
    made = timed(text, engine, voice)
    jsonschema.validate(made, json.loads((ROOT / "config/schemas/words.schema.json").read_text()))
    assert made["engine"] == engine
    assert [word["word"] for word in made["words"]] == [word for _, word in split(text)]
    assert all(word["end"] - word["start"] >= 0.01 for word in made["words"])
    assert made["words"][-1]["end"] <= made["duration"]
    gaps = [right["start"] - left["end"] for left, right in pairwise(made["words"])]
    assert min(gaps) >= 0
    assert max(gaps) < 0.1 * made["duration"] + 0.4


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("It is 3.5 km away.", {"3.5": 0.7, "km": 0.25, "away.": 0.3}),
        ("He paid $1,200.50 for it.", {"$1,200.50": 2.0}),
        ("In 2026 it ends.", {"2026": 1.2}),
        ("Ask AT&T -- now.", {"AT&T": 0.5}),
        ("Dr. Smith said so.", {"Dr.": 0.3, "Smith": 0.3}),
        ("Wait — stop.", {"Wait": 0.2, "stop.": 0.3}),
        ("— 2026 … 3.5 —", {"2026": 1.2, "3.5": 0.7}),
        ("The U.S.A. and 🙂 too", {"U.S.A.": 0.35, "🙂": 0.4}),
    ],
)
def test_a_number_or_an_abbreviation_has_the_time_it_takes(text, least):
    lengths = {word["word"]: word["end"] - word["start"] for word in timed(text)["words"]}
    assert {word: lengths[word] for word in least if lengths[word] < least[word]} == {}


def test_a_word_begins_where_its_sound_does():
    text = "Stop. Go. Stop. Go."
    samples, marks = speak(text, "en-us", 1.0)
    made = words(text, "native", samples, {"engine": "espeak", "voice": "en-us", "marks": marks})["words"]
    for left, right in pairwise(made):
        assert right["start"] - left["end"] > 0.15, "a pause"
        pause = samples[round((left["end"] + 0.02) * RATE) : round(right["start"] * RATE)]
        assert max(map(abs, pause)) < 600, "with silence in it"
        assert max(map(abs, samples[round(right["start"] * RATE) :][: RATE // 5])) > 3000, "and then the word"


def test_a_long_text_does_not_drift():
    text = (
        "In 1969, Dr. Armstrong walked 0.5 km — on the Moon! He said: “It's one small step…” Wow 🙂. " * 40 + "The end"
    )
    made = timed(text)
    assert made["words"][-1]["word"] == "end"
    assert made["duration"] - made["words"][-1]["start"] < 0.5


def test_a_guess_is_near_the_voices_own_times(caplog):
    text = (
        "The sea is big and blue, and nobody knows how deep it is. In 2026, Dr. Smith dived 3 km down; he saw a light!"
    )
    own, guessed = timed(text, "native")["words"], timed(text, "estimate")["words"]
    assert sum(abs(a["start"] - b["start"]) for a, b in zip(own, guessed, strict=True)) / len(own) < 0.25
    assert "timing.engine: auto" in caplog.text


def test_a_guess_keeps_to_the_sound():
    samples, _ = speak("Hello there", "en-us", 1.0)
    padded = array("h", bytes(2 * RATE)) + samples + array("h", bytes(4 * RATE))
    made = words("Hello there", "auto", padded, {"engine": "file", "voice": "me", "marks": None})
    assert made["engine"] == "estimate"
    assert 1.0 <= made["words"][0]["start"] < 1.1
    assert made["duration"] - 2.2 < made["words"][-1]["end"] < made["duration"] - 1.95


def test_marks_that_are_not_there_cannot_be_asked_for():
    with pytest.raises(UserError, match=r"^timing\.engine: the voice me \(file\) gives no marks; set it to auto$"):
        words("Hello", "native", array("h", bytes(RATE)), {"engine": "file", "voice": "me", "marks": None})


def test_silence_still_has_its_words():
    made = words("a b c", "auto", array("h", bytes(RATE)), {"engine": "file", "voice": "me", "marks": None})
    assert [word["word"] for word in made["words"]] == ["a", "b", "c"]
    assert 0 <= made["words"][0]["start"] < made["words"][-1]["end"] <= 0.5


def test_spans_are_put_in_order_within_the_sound():
    assert in_order([(0.0, 0.5), (0.25, 0.25), (0.25, 2.0)], 1.0) == [(0.0, 0.25), (0.25, 0.27), (0.27, 1.0)]
    assert in_order([(0.9, 1.2), (1.5, 1.6)], 1.0) == [(0.9, 0.98), (0.98, 1.0)]
    crowded = in_order([(0.0, 0.0)] * 100, 0.1)
    assert all(right[0] >= left[1] - 1e-9 and left[1] > left[0] for left, right in pairwise(crowded))


@pytest.mark.parametrize("name", SAID)
def test_words_are_the_texts_own(name):
    text = SAID[name][1]
    found = split(text)
    assert all(text[offset:].startswith(word) for offset, word in found)
    assert "".join(word for _, word in found) == "".join(text.split())


@pytest.mark.parametrize(
    "text", ["Hello,  world …\n it's\u00a0“so” \x1c 3.5 km -- 🙂 !", "안녕하세요 세계!", "नमस्ते दुनिया", " a "]
)
def test_a_spaced_text_is_split_at_its_spaces(text):
    assert [word for _, word in split(text)] == text.split()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "今日は天気がいいですね。「東京タワー」へ行きましょう！",
            "今日は|天気が|いいですね。|「東京タワー」へ|行きましょう！",
        ),
        ("大海很蓝，我们去北京。", "大海|很|蓝，|我们|去|北京。"),
        ("人工智慧正在改變世界", None),
        ("สวัสดีชาวโลก วันนี้อากาศดี", "สวัสดี|ชาว|โลก|วัน|นี้|อากาศ|ดี"),
        ("iPhone15を3.5万円で買う", None),
        ("。。。", "。。。"),
    ],
)
def test_an_unspaced_text_is_split_into_short_words(text, found):
    made = [word for _, word in split(text)]
    assert max(map(len, made)) < 10
    assert found in (None, "|".join(made))
    assert join(made) == text.replace(" ", "")
    assert not [word for word in made[1:] if word[0] in "。、，！」.5"]


def test_words_are_joined_as_they_are_written():
    assert join([]) == ""
    assert join(["Hello,", "world!"]) == "Hello, world!"
    assert join(["The", "word", "世界", "means", "world"]) == "The word 世界 means world"
    assert join(["今天", "是", "2026年", "5月"]) == "今天是2026年5月"
