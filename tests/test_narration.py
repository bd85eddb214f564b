"""The voice: what espeak says, how loud and when, and what it says when it cannot."""

import hashlib
import json
import os
import subprocess
import sys
import wave
from array import array
from pathlib import Path

import espeakng_loader
import jsonschema
import pytest
from conftest import ROOT

from scripts.lib.audio import RATE, resample
from scripts.lib.errors import UserError
from scripts.lib.narration.espeak import speak
from scripts.narration import narration

TEXT = "The sea is big and blue. Nobody knows how deep it is, or what lives down there."


def lengths(**voices: tuple[str, float]) -> dict[str, float]:
    return {name: len(speak(TEXT, *voice)[0]) / RATE for name, voice in voices.items()}


def test_the_artifacts_are_what_they_say(tmp_path):
    audio, out = tmp_path / "narration.wav", tmp_path / "narration.json"
    narration(TEXT, "espeak", "en-us", 1.0, audio, out)
    made = json.loads(out.read_text())
    jsonschema.validate(made, json.loads((ROOT / "config/schemas/narration.schema.json").read_text()))
    with wave.open(str(audio)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 48000)
        assert made["duration"] == file.getnframes() / 48000
        samples = array("h", file.readframes(file.getnframes()))
    assert (made["engine"], made["voice"], made["speed"]) == ("espeak", "en-us", 1.0)
    assert 4 < made["duration"] < 6
    assert 8_000 < max(map(abs, samples)) < 32_767, "loud, and not clipped"


def test_the_marks_name_the_words_and_their_pauses():
    _, marks = speak(TEXT, "en-us", 1.0)
    said = [TEXT[mark["offset"] :][: mark["length"]] for mark in marks]
    assert said[:4] == ["The", "sea", "is", "big"]
    blue, nobody = marks[said.index("blue")], marks[said.index("Nobody")]
    assert 0.2 < nobody["start"] - blue["end"] < 0.6, "a pause between sentences belongs to no word"
    assert all(mark["start"] <= mark["end"] for mark in marks)


def test_speech_begins_and_ends_with_its_sound():
    samples, marks = speak(TEXT, "en-us", 1.0)
    heard = [n / RATE for n, sample in enumerate(samples) if abs(sample) > 300]
    assert heard[0] < 0.1
    assert len(samples) / RATE - heard[-1] < 0.1
    assert marks[0]["start"] == 0
    assert abs(marks[-1]["end"] - heard[-1]) < 0.1


def test_speed_and_voice_are_heard():
    found = lengths(slow=("en-us", 0.5), normal=("en-us", 1.0), fast=("en-us", 2.0), german=("de", 1.0))
    assert 1.6 < found["slow"] / found["normal"] < 2.2
    assert 1.6 < found["normal"] / found["fast"] < 2.4
    assert abs(found["german"] - found["normal"]) > 0.1
    assert speak("Hello", "en-us", 1.0)[0] != speak("Hello", "en-us+f3", 1.0)[0]


@pytest.mark.parametrize(
    "voice", ["en", "en-us", "EN-US", "en-gb", "fr", "fr-fr", "pt-br", "zh", "de+m3", "en-us+whisper"]
)
def test_a_voice_is_known_by_its_language_and_variant(voice):
    assert speak("one 2 three", voice, 1.0)[1]


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        ("en-uk", "no voice 'en-uk'; near it: en, en-029, en-gb"),
        ("en_us", "no voice 'en_us'; near it: en-us"),
        ("qqq", "no voice 'qqq'; choose one of af, am, "),
        ("en-us+f9", "no variant 'f9'; near it: "),
        ("en-us+../../../x", "no variant"),
        ("../../x", "no voice"),
        ("en-us+f1+f2", "no variant 'f1+f2'"),
    ],
)
def test_an_unknown_voice_is_an_error_that_names_others(voice, said):
    with pytest.raises(UserError) as error:
        speak("Hello", voice, 1.0)
    assert str(error.value).startswith(f"narration.voice: eSpeak NG has {said}")


@pytest.mark.parametrize("text", ["...", "?!", " — ", "\u200b", "“”"])
def test_a_text_of_which_nothing_is_spoken_is_an_error(text):
    with pytest.raises(UserError, match=r"the voice en-us has no sound for .*add words"):
        speak(text, "en-us", 1.0)


@pytest.mark.parametrize("text", ["<break time='9s'/> hi", "[[h@l'oU]]", "{\\b1} %{x}", "🙂", "a\n\nb", "x" * 5000])
def test_a_text_is_plain_whatever_it_looks_like(text):
    samples, marks = speak(text, "en-us", 1.0)
    assert marks
    assert len(samples) / RATE > 0.3


def test_markup_is_no_command():
    assert len(speak("<break time='9s'/> hi", "en-us", 1.0)[0]) / RATE < 6


def test_long_texts_are_spoken_whole():
    text = "Nobody knows how deep the sea really is. " * 122
    samples, marks = speak(text[:5000], "en-us", 2.0)
    assert len(marks) > 850
    assert 4960 < marks[-1]["offset"] < 5000
    assert len(samples) / RATE > 100


def test_a_text_sounds_the_same_whatever_was_said_before():
    first = speak("The sea is big and blue.", "en-us", 1.0)
    speak(TEXT, "en-us+f3", 1.3)
    assert speak("The sea is big and blue.", "en-us", 1.0) == first


def test_two_processes_say_the_same(tmp_path):
    def said(folder: Path) -> str:
        folder.mkdir(parents=True)
        code = "import sys; from pathlib import Path; from scripts.narration import narration as say; " + (
            "say(sys.argv[1], 'espeak', 'en-us+whisper', 1.0, Path(sys.argv[2], 'a.wav'), Path(sys.argv[2], 'a.json'))"
        )
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code, "Hush, the sea sleeps.", folder], check=True, env=env, cwd=folder)
        return hashlib.sha256((folder / "a.wav").read_bytes() + (folder / "a.json").read_bytes()).hexdigest()

    assert said(tmp_path / "a") == said(tmp_path / "b")


def test_the_voices_may_lie_deep(tmp_path, monkeypatch):
    deep = tmp_path.joinpath(*["a folder with a long name"] * 8)
    deep.mkdir(parents=True)
    (deep / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path())
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(deep / "espeak-ng-data"))
    assert speak("Hallo", "de", 1.0)[1]


def test_resampling_moves_nothing():
    click = array("h", bytes(2 * 22050))
    click[11025] = 30000
    moved = resample(click, 22050)
    assert abs(len(moved) - 48000) <= 1
    assert max(range(len(moved)), key=lambda n: abs(moved[n])) == 24000
