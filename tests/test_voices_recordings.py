"""Recordings as narration: what is read, how loud it comes out, and which file is whose."""

import json
import logging
import wave
from array import array
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from conftest import ROOT, write_project

from scripts.lib.audio import RATE, read_wav, write_wav
from scripts.lib.config import complete
from scripts.lib.errors import UserError
from scripts.lib.loudness import SILENT, figure
from scripts.lib.media import ffmpeg
from scripts.lib.narration.espeak import speak
from scripts.lib.narration.needs import recordings
from scripts.lib.projects import Project, read_projects
from scripts.narration import narration

SPOKEN = np.array(speak("The sea is big and blue. Nobody knows how deep it is.", "en-us", 1.0)[0], float)


def write(path: Path, samples: np.ndarray, *options: object) -> Path:
    """A recording in any format."""
    plain = path.with_name("plain.wav")
    write_wav(plain, array("h", samples.round().clip(-32768, 32767).astype(np.int16).tolist()))
    if options or path.suffix != ".wav":
        ffmpeg("-i", plain, *options, path)
        plain.unlink()
        return path
    return plain.rename(path)


def taken(path: Path) -> np.ndarray:
    out = path.with_name("made.json")
    narration("", "file", "", 1.0, path.with_name("made.wav"), out, files=[path])
    made = json.loads(out.read_text())
    jsonschema.validate(made, json.loads((ROOT / "config/schemas/narration.schema.json").read_text()))
    with wave.open(str(path.with_name("made.wav"))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        seconds = file.getnframes() / RATE
    assert made == {"engine": "file", "voice": path.name, "speed": 1.0, "duration": seconds, "marks": None}
    return np.array(read_wav(path.with_name("made.wav")), float)


def loudness(path: Path) -> float:
    log = ffmpeg("-i", path, "-af", "apad=whole_dur=0.4,ebur128=framelog=quiet:dualmono=true", "-f", "null", "-")
    return figure(log, "I", SILENT[0])


def alike(found: np.ndarray, expected: np.ndarray) -> float:
    """How alike two sounds are, wherever in the other the one begins: 1 for the same."""
    size = 2 ** int(np.ceil(np.log2(len(found) + len(expected))))
    found, expected = found / np.linalg.norm(found), expected / np.linalg.norm(expected)
    return float(np.fft.irfft(np.fft.rfft(found, size) * np.conj(np.fft.rfft(expected, size)), size).max())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", []),
        ("a.wav", ["-ac", 2, "-ar", 44100]),
        ("a.wav", ["-ac", 1, "-ar", 8000]),
        ("a.wav", ["-c:a", "pcm_s24le", "-ar", 96000]),
        ("a.wav", ["-c:a", "pcm_f32le"]),
        ("a.wav", ["-c:a", "pcm_u8"]),
        ("a.mp3", ["-ar", 44100]),
        ("a.m4a", []),
        ("a.flac", ["-ac", 2]),
        ("a.ogg", []),
        ("a.opus", []),
        ("a.aac", []),
        ("a.MP3", []),
        ("a.webm", []),
        ("a.mp4", ["-f", "lavfi", "-i", "color=s=64x64:r=10", "-shortest"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else value,
)
def test_any_format_comes_out_the_same(name, options, tmp_path):
    found = taken(write(tmp_path / name, SPOKEN, *options))
    assert alike(found, SPOKEN) > 0.9
    assert abs(len(found) - len(SPOKEN)) < 0.15 * RATE
    assert loudness(tmp_path / "made.wav") == pytest.approx(-23, abs=0.3)


@pytest.mark.parametrize("gain", [0.02, 0.2, 2.5])
def test_recordings_are_matched_in_loudness(gain, tmp_path):
    found = taken(write(tmp_path / "a.wav", SPOKEN * gain, "-c:a", "pcm_s16le"))
    assert loudness(tmp_path / "made.wav") == pytest.approx(-23, abs=0.3)
    assert abs(found).max() < 32767


def test_sharp_peaks_are_held_and_the_rest_is_as_loud_as_it_should(tmp_path):
    knocked = np.tile(SPOKEN * 0.05, 4)
    knocked[RATE : RATE + 20] = 32767
    found = taken(write(tmp_path / "a.wav", knocked))
    assert abs(found).max() <= 32767 * 10 ** (-0.9 / 20)
    assert loudness(tmp_path / "made.wav") == pytest.approx(-23, abs=1)


def test_silence_around_the_speech_is_cut_and_inside_it_kept(tmp_path):
    half = len(SPOKEN) // 2
    long = np.concatenate([np.zeros(2 * RATE), SPOKEN[:half], np.zeros(2 * RATE), SPOKEN[half:], np.zeros(3 * RATE)])
    found = taken(write(tmp_path / "a.wav", long + 3 * np.random.default_rng(0).standard_normal(len(long))))
    assert len(SPOKEN) / RATE + 2 <= len(found) / RATE + 0.05 <= len(SPOKEN) / RATE + 2.3


def test_a_recording_is_as_long_as_it_is(tmp_path, caplog):
    long = taken(write(tmp_path / "long.wav", np.tile(SPOKEN, 60 * RATE // len(SPOKEN) + 1)))
    assert 60 < len(long) / RATE < 65
    assert not caplog.records
    short = taken(write(tmp_path / "short.wav", SPOKEN[: RATE // 5]))
    assert 0.1 < len(short) / RATE < 0.25
    assert "short.wav: has 0.2 s of sound; is it the recording of this scene?" in caplog.text


def test_a_very_quiet_recording_is_raised_with_a_warning(tmp_path, caplog):
    taken(write(tmp_path / "a.wav", SPOKEN * 0.005))
    assert "the sound is very quiet: it is raised by" in caplog.text


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: write(path, np.zeros(RATE)), "is silent"),
        (lambda path: write(path, np.random.default_rng(0).integers(-20, 20, RATE).astype(float)), "is silent"),
        (lambda path: path.write_bytes(b""), "cannot be read as sound"),
        (lambda path: path.write_bytes(b"hello, I am a text"), "cannot be read as sound"),
        (lambda path: path.write_bytes(b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"), "cannot be read as sound"),
        (lambda path: path.write_bytes(b"RIFF\x24\x00\x00\x00WAVE"), "cannot be read as sound"),
        (lambda path: ffmpeg("-f", "lavfi", "-i", "color=d=1:s=64x64", "-f", "mp4", path), "has no sound"),
    ],
    ids=["silence", "hiss", "empty", "text", "playlist", "half a header", "film without sound"],
)
def test_what_is_no_speech_is_an_error_that_names_the_file(made, said, tmp_path):
    made(tmp_path / "a.wav")
    with pytest.raises(UserError, match=f"a.wav: {said}.*; record it again"):
        taken(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.3gp", ["-c:a", "aac"]),
        ("a.m4b", ["-f", "ipod"]),
        ("a.mka", []),
        ("a.oga", []),
        ("a.weba", ["-f", "webm"]),
        ("a.aif", []),
        ("a.aiff", []),
        ("a.caf", ["-c:a", "alac"]),
        ("a.amr", ["-ar", 8000]),
    ],
)
def test_what_phones_and_studios_record_is_read(name, options, tmp_path):
    path = write(tmp_path / name, SPOKEN, *options)
    found, _, _ = recordings(tmp_path, ["a"])
    assert found == {"a": [path.as_posix()]}
    assert alike(taken(path), SPOKEN) > 0.7


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXTINF:2,\nsecret.wav\n", "ffconcat version 1.0\nfile secret.wav\n"],
    ids=["playlist", "concat script"],
)
@pytest.mark.parametrize("name", ["a.wav", "a.caf", "a.mka"])
def test_a_file_that_names_others_is_refused(name, text, tmp_path):
    write(tmp_path / "secret.wav", SPOKEN)
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match="cannot be read as sound"):
        taken(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.m4a", "a.ogg", "a.wav"])
def test_a_damaged_recording_is_used_as_far_as_it_goes(name, tmp_path, caplog):
    whole = write(tmp_path / name, SPOKEN, *(["-movflags", "+faststart"] if name == "a.m4a" else [])).read_bytes()
    half = bytearray(whole)
    for place in range(len(half) // 2, len(half) // 2 + 200):
        half[place] ^= 0x5A
    (tmp_path / name).write_bytes(half)
    with caplog.at_level(logging.WARNING):
        found = taken(tmp_path / name)
    assert len(found) > 0.3 * len(SPOKEN)
    assert "the sound is damaged after" in caplog.text or len(found) > 0.9 * len(SPOKEN) or name == "a.ogg"
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert 0.2 < len(taken(tmp_path / name)) / len(SPOKEN) < 0.7


# Which file is whose


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    scenes = {name: (f"The text of {name}.", "the sea") for name in ("s01", "s02")}
    write_project(tmp_path, "mine", scenes, narration={"engine": "file"})
    (tmp_path / "projects/mine/narration").mkdir()
    return tmp_path


def put(workspace: Path, *names: str) -> None:
    for name in names:
        (workspace / "projects/mine/narration" / name).touch()


def read(**config: object) -> Project:
    settings, faults = complete(config, "config.yaml")
    assert not faults
    return read_projects(Path("projects"), settings)["mine"]


def test_each_scene_is_made_from_the_file_of_its_name(workspace):
    put(workspace, "s01.wav", "s02.MP3", "notes.txt", ".s01.wav.swp", ".DS_Store")
    found = read()
    assert not found.problems
    assert not found.warnings
    assert {name: scene["voice"] for name, scene in found.scenes.items()} == {
        "s01": ["projects/mine/narration/s01.wav"],
        "s02": ["projects/mine/narration/s02.MP3"],
    }


def test_all_missing_recordings_are_named_at_once(workspace):
    assert read().problems == [
        "projects/mine/narration: has no recording of s01, s02; put one in for each, such as "
        "projects/mine/narration/s01.wav (or mp3, m4a, flac, ogg, opus, aac, mp4, …)"
    ]
    put(workspace, "s01.wav", "s02.wma")
    assert (
        read()
        .problems[0]
        .startswith("projects/mine/narration: has no recording of s02 (s02.wma: of no kind that is read); put one in")
    )


def test_no_folder_at_all_is_the_same_error(workspace):
    (workspace / "projects/mine/narration").rmdir()
    assert "has no recording of s01, s02" in read().problems[0]


def test_two_files_for_one_scene_are_refused(workspace):
    put(workspace, "s01.wav", "s01.mp3", "s02.wav")
    assert read().problems == ["projects/mine/narration: has s01.mp3 and s01.wav for the scene s01; keep one"]


def test_a_file_for_no_scene_and_a_speed_are_warned_of(workspace):
    put(workspace, "s01.wav", "s02.wav", "s03.wav", "hook.wav")
    found = read(narration={"speed": 1.5})
    assert not found.problems
    assert found.warnings == [
        "projects/mine/narration/hook.wav: is for no scene and not used; known here: s01, s02",
        "projects/mine/narration/s03.wav: is for no scene and not used; did you mean s02?",
        "projects/mine: narration.speed: has no effect; recordings are played as they are",
    ]


def test_an_implied_hook_is_recorded_like_any_scene(workspace):
    path = workspace / "projects/mine/script.json"
    script = json.loads(path.read_text()) | {"hook": "Did you know this?", "cta": "Follow for more."}
    path.write_text(json.dumps(script))
    put(workspace, "s01.wav", "s02.wav", "hook.wav")
    assert read().problems[0].startswith("projects/mine/narration: has no recording of cta; put one in")
    put(workspace, "cta.m4a")
    found = read()
    assert [scene["voice"] for scene in found.scenes.values()] == [
        [f"projects/mine/narration/{name}"] for name in ("hook.wav", "s01.wav", "s02.wav", "cta.m4a")
    ]


@pytest.mark.parametrize(
    ("narration", "said"),
    [
        ({"engine": "openai"}, "model: is empty; name the server's model, such as gpt-4o-mini-tts"),
        ({"engine": "kokoro"}, "voice: Kokoro has no voice en-us; its voices are called af_heart, bm_george"),
        ({"engine": "kokoro", "voice": "af_heart+x"}, "voice: Kokoro has no voice af_heart+x; its voices are called"),
        ({"engine": "kokoro", "voice": "af_heart", "model": "int8"}, "model: is no .onnx file, and no model of Kokoro"),
        ({"engine": "piper"}, "voice: Piper has no voice en-us; its voices are called en_US-lessac-medium"),
        ({"engine": "piper", "model": "lessac"}, "model: is no .onnx file; leave it empty and name the voice"),
        ({"engine": "piper", "model": "no.onnx"}, "model: there is no file no.onnx"),
        ({"engine": "piper", "model": "/etc/x.onnx"}, "model: must be a file inside the workspace"),
        ({"engine": "piper", "model": "../x.onnx"}, "model: must be a file inside the workspace"),
        ({"engine": "piper", "model": "a{b}.onnx"}, "model: must be a file inside the workspace"),
        ({"engine": "piper", "model": "lone.onnx"}, "model: lone.onnx.json is missing"),
        ({"engine": "kokoro", "model": "lone.onnx"}, "model: one .bin file of voices must lie beside lone.onnx, not 0"),
    ],
)
def test_a_voice_that_cannot_be_had_is_told_before_any_job(narration, said, workspace):
    (workspace / "lone.onnx").touch()
    (workspace / "projects/mine/config.yaml").write_text(json.dumps({"narration": narration}))
    (problem,) = read().problems
    assert problem.startswith(f"projects/mine: narration.{said}")


@pytest.mark.parametrize(
    ("narration", "files"),
    [
        ({"engine": "espeak", "model": "no.onnx"}, []),
        ({"engine": "openai", "model": "tts-1"}, []),
        ({"engine": "kokoro", "voice": "af_heart"}, ["<resources>/voices/kokoro/kokoro-v1.0/manifest.json"]),
        (
            {"engine": "kokoro", "voice": "af_heart", "model": "kokoro-v1.0.int8"},
            ["<resources>/voices/kokoro/kokoro-v1.0.int8/manifest.json"],
        ),
        ({"engine": "kokoro", "model": "k/k.onnx"}, ["k/k.onnx", "k/voices.bin"]),
        (
            {"engine": "piper", "voice": "pt_PT-tugão-medium+2"},
            ["<resources>/voices/piper/pt_PT-tugão-medium/manifest.json"],
        ),
        ({"engine": "piper", "model": "k/k.onnx"}, ["k/k.onnx", "k/k.onnx.json"]),
    ],
)
def test_a_voice_s_files_follow_from_the_settings(narration, files, workspace):
    (workspace / "k").mkdir()
    for name in ("k.onnx", "k.onnx.json", "voices.bin"):
        (workspace / "k" / name).touch()
    (workspace / "projects/mine/config.yaml").write_text(json.dumps({"narration": narration}))
    found = read()
    assert not found.problems
    assert [scene["voice"] for scene in found.scenes.values()] == [files, files]
