"""Kokoro and Piper: real loading and running of small models, what they say when, and what they cannot say."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from conftest import ROOT

from scripts.lib.audio import RATE, read_wav
from scripts.lib.config import complete, schema
from scripts.lib.errors import UserError
from scripts.lib.narration import kokoro, piper
from scripts.lib.narration.marks import word_marks
from scripts.lib.narration.phonemes import phonemizer, plain
from scripts.lib.narration.text import cut
from scripts.narration import narration

VOICES = ROOT / "tests/data/voices"
KOKORO = VOICES / "kokoro.onnx", VOICES / "voices.bin"
PIPER = VOICES / "piper.onnx", VOICES / "piper.onnx.json"
SPEAKERS = VOICES / "speakers.onnx", VOICES / "speakers.onnx.json"
ENGINES = {"kokoro": ("af_heart", KOKORO), "piper": ("en_US-test-low", PIPER), "speakers": ("test+ben", SPEAKERS)}

TEXT = "The sea is big and blue. Dr. Smith swam 3.5 km of it in 1984 — nobody knows how… “Really?” he said."


def speak(name: str, text: str = TEXT, speed: float = 1.0, voice: str = "") -> tuple[np.ndarray, list[dict] | None]:
    usual, files = ENGINES[name]
    engine = kokoro if name == "kokoro" else piper
    samples, marks = engine.speak(text, voice or usual, speed, *files)
    return np.array(samples, float), marks


def loudness(samples: np.ndarray, start: float, end: float) -> float:
    part = samples[round(start * RATE) : round(end * RATE)]
    return float(np.sqrt((part**2).mean()))


@pytest.mark.parametrize("name", ENGINES)
def test_every_word_has_its_mark_where_it_is_heard(name):
    samples, marks = speak(name)
    assert [TEXT[mark["offset"] :][: mark["length"]] for mark in marks] == TEXT.replace("— ", "").split()
    loud = loudness(samples, 0, len(samples) / RATE)
    for mark, following in pairwise(marks):
        assert 0 <= mark["start"] < mark["end"] <= following["start"]
        assert loudness(samples, mark["start"], mark["start"] + 0.02) > loud / 2, "it begins with its first sound"
        assert loudness(samples, mark["end"] - 0.05, mark["end"]) > loud / 2, "and ends with its last"
        if following["start"] - mark["end"] > 0.02:
            assert loudness(samples, mark["end"] + 0.005, following["start"] - 0.005) < loud / 5, "silence is no word's"


@pytest.mark.parametrize("name", ENGINES)
def test_sentences_stand_apart(name):
    _, marks = speak(name)
    words = TEXT.split()
    blue, title = marks[words.index("blue.")], marks[words.index("Dr.")]
    assert 0.2 < title["start"] - blue["end"] < 0.6
    smith = marks[words.index("Smith")]
    assert smith["start"] - title["end"] < 0.2, "the point of an abbreviation ends no sentence"


@pytest.mark.parametrize("name", ENGINES)
def test_speed_is_heard(name):
    slow, normal, fast = (len(speak(name, speed=speed)[0]) for speed in (0.5, 1.0, 2.0))
    assert 1.4 < slow / normal < 2.2
    assert 1.4 < normal / fast < 2.2


def test_voices_and_speakers_are_heard():
    assert not np.array_equal(speak("kokoro", voice="af_heart")[0], speak("kokoro", voice="am_adam")[0])
    assert not np.array_equal(speak("speakers", voice="x+anna")[0], speak("speakers", voice="x+ben")[0])
    assert np.array_equal(speak("speakers", voice="x+ben")[0], speak("speakers", voice="x+1")[0])
    assert np.array_equal(speak("speakers", voice="x")[0], speak("speakers", voice="x+anna")[0]), "the first by default"


def test_a_voice_speaks_its_language():
    french, english = (len(speak("kokoro", "Le temps est beau", voice=voice)[0]) for voice in ("ff_siwis", "af_heart"))
    assert french != english


@pytest.mark.parametrize("name", ["kokoro", "piper"])
def test_the_same_bytes_on_one_core_and_on_all(name, tmp_path):
    voice, files = ENGINES[name]
    code = (
        "import os, sys; from pathlib import Path; from scripts.narration import narration as say\n"
        "if sys.argv[5] == 'one': os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "say(sys.argv[1], sys.argv[2], sys.argv[3], 1.0, Path(sys.argv[4], 'a.wav'), Path(sys.argv[4], 'a.json'), "
        "files=[Path(file) for file in sys.argv[6:]])"
    )

    def said(cores: str) -> str:
        folder = tmp_path / cores
        folder.mkdir()
        command = [sys.executable, "-c", code, TEXT, name, voice, folder, cores, *files]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=folder)
        return hashlib.sha256((folder / "a.wav").read_bytes() + (folder / "a.json").read_bytes()).hexdigest()

    assert b"RandomNormalLike" in files[0].read_bytes(), "a model whose noise differs without a seed"
    assert said("one") == said("all")


@pytest.mark.parametrize("name", ENGINES)
def test_the_artifacts_are_what_they_say(name, tmp_path):
    voice, files = ENGINES[name]
    audio, out = tmp_path / "narration.wav", tmp_path / "narration.json"
    narration(TEXT, "kokoro" if name == "kokoro" else "piper", voice, 1.0, audio, out, files=list(files))
    made = json.loads(out.read_text())
    jsonschema.validate(made, json.loads((ROOT / "config/schemas/narration.schema.json").read_text()))
    samples = np.array(read_wav(audio), float)
    assert made["duration"] == len(samples) / RATE
    assert made["marks"][-1]["end"] <= made["duration"]
    first = made["marks"][0]
    assert first["start"] < 0.12, "the silence around it is cut"
    assert made["duration"] - made["marks"][-1]["end"] < 0.2
    assert loudness(samples, first["start"], first["end"]) > 5 * loudness(samples, 0, first["start"] - 0.01), "in step"


def test_marks_stay_in_step_where_silence_is_cut(tmp_path):
    settings = json.loads(PIPER[1].read_text())
    settings["phoneme_id_map"]["^"] = [3] * 12  # the voice draws its breath
    config = tmp_path / "late.onnx.json"
    config.write_text(json.dumps(settings))
    assert piper.speak(TEXT, "x", 1.0, PIPER[0], config)[1][0]["start"] > 0.5
    audio, out = tmp_path / "narration.wav", tmp_path / "narration.json"
    narration(TEXT, "piper", "x", 1.0, audio, out, files=[PIPER[0], config])
    samples, first = np.array(read_wav(audio), float), json.loads(out.read_text())["marks"][0]
    assert first["start"] < 0.12
    assert loudness(samples, first["start"], first["end"]) > 5 * loudness(samples, 0, first["start"] - 0.01)


@pytest.mark.parametrize("name", ["kokoro", "piper"])
def test_long_texts_are_spoken_whole(name):
    text = ("Nobody knows how deep the sea really is, or what lives there. " * 81)[:5000]
    _, marks = speak(name, text, 2.0)
    assert len(marks) == len(text.split())
    assert all(mark["start"] < mark["end"] for mark in marks)
    starts = [mark["start"] for mark in marks]
    assert starts == sorted(starts)


@pytest.mark.parametrize("name", ["kokoro", "piper"])
def test_a_text_without_an_end_of_a_sentence_is_spoken_whole(name):
    text = " ".join(["nobody knows"] * 200)
    _, marks = speak(name, text, 2.0)
    assert len(marks) == 400


@pytest.mark.parametrize("name", ["kokoro", "piper"])
@pytest.mark.parametrize(
    "text", ["[[h@l'oU]] world", "<break time='9s'/> hi", "{\\b1} %{x}", "🙂", "a\n\nb", "日本語", "x" * 3000]
)
def test_a_text_is_plain_whatever_it_looks_like(name, text):
    samples, _ = speak(name, text, 2.0)
    assert len(samples) / RATE > 0.1
    assert len(samples) / RATE < 4 or len(text) > 1000


@pytest.mark.parametrize("name", ["kokoro", "piper"])
@pytest.mark.parametrize("text", ["...", "?!", " — ", "“”"])
def test_a_text_of_which_nothing_is_spoken_is_an_error(name, text):
    with pytest.raises(UserError, match=r"the voice .* has no sound for .*; add words"):
        speak(name, text)


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        ("af_hart", "narration.voice: Kokoro has no voice 'af_hart'; near it: af_heart"),
        ("qqqqqq", "narration.voice: Kokoro has no voice 'qqqqqq'; near it: af_heart, am_adam, bf_emma"),
        ("jf_alpha", "narration.voice: Japanese is not spoken by Kokoro here"),
    ],
)
def test_an_unknown_or_unspoken_voice_of_kokoro_names_others(voice, said):
    with pytest.raises(UserError) as error:
        speak("kokoro", voice=voice)
    assert str(error.value).startswith(said)


def test_an_unknown_speaker_names_the_known_ones():
    with pytest.raises(UserError, match=r"narration.voice: there is no speaker 'bn' in it; did you mean ben\?"):
        speak("speakers", voice="x+bn")
    with pytest.raises(UserError, match="there is no speaker '2' in it; known here: anna, ben"):
        speak("speakers", voice="x+2")
    with pytest.raises(UserError, match=r"there is no speaker 'anna' in it$"):
        speak("piper", voice="x+anna")


def test_files_that_are_no_voice_are_errors_that_say_which(tmp_path):
    noise, empty, cut_off = tmp_path / "noise.onnx", tmp_path / "empty.onnx", tmp_path / "cut.onnx"
    noise.write_bytes(b"\x00\xff" * 5000)
    empty.write_bytes(b"")
    cut_off.write_bytes(KOKORO[0].read_bytes()[:3000])
    broken_zip = tmp_path / "voices.bin"
    broken_zip.write_bytes(KOKORO[1].read_bytes()[:3000])
    for model, voices, blamed in [
        (noise, KOKORO[1], noise),
        (empty, KOKORO[1], empty),
        (cut_off, KOKORO[1], cut_off),
        (PIPER[0], KOKORO[1], PIPER[0]),
        (KOKORO[0], noise, noise),
        (KOKORO[0], empty, empty),
        (KOKORO[0], broken_zip, broken_zip),
    ]:
        with pytest.raises(UserError, match=f"^{blamed}: is no "):
            kokoro.speak("Hello", "af_heart", 1.0, model, voices)
    for model, config, blamed in [
        (noise, PIPER[1], noise),
        (empty, PIPER[1], empty),
        (cut_off, PIPER[1], cut_off),
        (KOKORO[0], PIPER[1], KOKORO[0]),
        (PIPER[0], noise, noise),
        (PIPER[0], empty, empty),
    ]:
        with pytest.raises(UserError, match=f"^{blamed}: is no "):
            piper.speak("Hello", "x", 1.0, model, config)


@pytest.mark.parametrize("kind", ["pinyin", "japanese", "thai"])
def test_a_language_whose_sounds_cannot_be_told_is_said(kind, tmp_path):
    config = tmp_path / "voice.onnx.json"
    config.write_text(json.dumps(json.loads(PIPER[1].read_text()) | {"phoneme_type": kind}))
    with pytest.raises(UserError, match=f"turned into sounds by {kind}, which is not here; choose a voice"):
        piper.speak("Hello", "x", 1.0, PIPER[0], config)


def test_a_model_that_does_not_tell_how_long_its_sounds_are_gives_no_marks(tmp_path):
    model = KOKORO[0].read_bytes()
    assert piper.with_durations(model) == model, "no tensor is rounded up"
    renamed = tmp_path / "piper.onnx"
    renamed.write_bytes(PIPER[0].read_bytes().replace(b"Ceil", b"Sign"))  # as long, and no Ceil
    samples, marks = piper.speak(TEXT, "x", 1.0, renamed, PIPER[1])
    assert marks is None
    assert len(samples) > RATE


def test_a_sound_that_the_voice_does_not_know_costs_no_mark(tmp_path):
    settings = json.loads(PIPER[1].read_text())
    del settings["phoneme_id_map"]["b"]
    config = tmp_path / "voice.onnx.json"
    config.write_text(json.dumps(settings))
    samples, marks = piper.speak(TEXT, "x", 1.0, PIPER[0], config)
    assert [TEXT[mark["offset"] :][: mark["length"]] for mark in marks] == TEXT.replace("— ", "").split()
    assert marks[-1]["end"] == pytest.approx(len(samples) / RATE, abs=0.25)
    assert loudness(np.array(samples, float), marks[3]["start"], marks[3]["end"]) > 3000


def test_words_and_their_sounds_are_brought_together():
    alone = phonemizer("en-us")

    def marks(text: str, spoken: str) -> list[str] | None:
        sounds = [(sound, float(n), n + 1.0) for n, sound in enumerate(spoken)]
        found = word_marks(text, sounds, lambda word: "".join(alone(word)))
        spans = [(mark, spoken[int(mark["start"]) : int(mark["end"])]) for mark in found or []]
        return found and [f"{text[mark['offset'] :][: mark['length']]}={said}" for mark, said in spans]

    assert marks("of the sea", "ʌvðə sˈiː") == ["of=ʌv", "the=ðə", "sea=sˈi"]
    assert marks("in 1984 it", "ɪn nˈaɪntiːn ˈeɪɾi fˈɔːɹ ɪt")[1:] == ["1984=nˈaɪntiːn ˈeɪɾi fˈɔːɹ", "it=ɪt"]
    assert marks("a cat — a dog", "ɐ kˈæt; ɐ dˈɑːɡ") == ["a=ɐ", "cat=kˈæt", "a=ɐ", "dog=dˈɑːɡ"]
    assert marks("the Xyzzy sea", "ðə plˈʌ sˈiː") == ["the=ðə", "Xyzzy=plˈʌ", "sea=sˈi"]
    assert marks("the sea", "") is None
    assert marks("the sea", "ʒʒʒ ʒʒʒʒʒ") is None


def test_omissions_and_brackets_are_made_plain():
    assert plain("Wait… no... [[x]] Dr. No.") == "Wait, no, ((x)) Dr No."


def test_a_text_is_cut_where_it_hurts_least():
    text = "One two. Three four, five six. Seven eight nine ten"
    assert cut(text, 100) == [text]
    assert cut(text, 31) == ["One two. Three four, five six.", "Seven eight nine ten"]
    assert cut(text, 29) == ["One two.", "Three four, five six.", "Seven eight nine ten"]
    assert cut("Three four, five six", 15) == ["Three four,", "five six"]
    assert cut("Seven eight nine", 12) == ["Seven eight", "nine"]
    assert cut("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert cut("深い海。青い海。", 5) == ["深い海。", "青い海。"]
    assert cut("He said “no.” Then “yes.” And", 15) == ["He said “no.”", "Then “yes.” And"]
    long = "Nobody knows how deep it is. " * 300
    assert " ".join(cut(long.rstrip(), 4096)) == long.rstrip()


def test_the_data_of_espeak_may_lie_deep(tmp_path):
    deep = tmp_path.joinpath(*["a folder with a long name"] * 8)
    deep.mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; import piper.phonemize_espeak as p\n"
        "(Path(sys.argv[1]) / 'data').symlink_to(p.ESPEAK_DATA_DIR); p.ESPEAK_DATA_DIR = Path(sys.argv[1]) / 'data'\n"
        "from scripts.lib.narration.phonemes import phonemizer; print(phonemizer('de')('Hallo Welt')[0])"
    )
    command = [sys.executable, "-c", code, deep]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "hˈaloː vˈɛlt", done.stderr


def test_a_voice_may_be_moved_with_its_folder(tmp_path):
    folder = Path(shutil.copytree(VOICES, tmp_path / "a b – ü"))
    samples, _ = piper.speak("Hello", "x", 1.0, folder / "piper.onnx", folder / "piper.onnx.json")
    assert list(samples) == list(piper.speak("Hello", "x", 1.0, *PIPER)[0])


def test_every_example_of_the_page_on_voices_is_a_configuration():
    page = (ROOT / "docs/voices.md").read_text(encoding="utf-8")
    examples = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    voices = [example["narration"]["engine"] for example in examples if "narration" in example]
    engines = schema("config")["properties"]["narration"]["properties"]["engine"]["enum"]
    assert set(voices) == set(engines)
    for example in examples:
        _, problems = complete(example, "docs/voices.md")
        assert not problems
    assert sorted(engines) == sorted(re.findall(r"^\| `(\w+)` \|", page.partition("## Word times")[0], re.MULTILINE))
