"""The soundtrack: narration on the frame grid to the sample, music under it, loudness as the platforms want it."""

import struct
from array import array
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.audio import RATE, write_wav
from scripts.lib.errors import UserError
from scripts.lib.loudness import SILENT, figure
from scripts.lib.media import MediaError, ffmpeg
from scripts.lib.narration.espeak import speak
from scripts.lib.timeline import scene_frames, starts
from scripts.soundtrack import loop, soundtrack

USUAL = {"pad_before": 0.1, "pad_after": 0.25, "fps": 30, "volume_db": -18.0, "duck_db": -10.0}
TEXTS = ["The sea is big and blue.", "Cars run in the city at night, 24 hours a day.", "Stars die in a flash of light!"]
TONE = 15_000
"""Hertz; well above anything espeak says, so that music of this tone can be told from speech."""

HEAD = b"RIFF\x2e\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
"""The beginning of a WAV: mono, 16 bits."""


@pytest.fixture(scope="module")
def narrations(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("narrations")
    for number, text in enumerate(TEXTS):
        write_wav(folder / f"{number}.wav", speak(text, "en-us", 1.0)[0])
    return [folder / f"{number}.wav" for number in range(len(TEXTS))]


@pytest.fixture(scope="module")
def word(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("word") / "word.wav"
    write_wav(path, speak("Splash!", "en-us", 1.0)[0])
    return path


@pytest.fixture(scope="module")
def tone(tmp_path_factory) -> Path:
    return sound(tmp_path_factory.mktemp("music") / "tone.wav", f"sine=f={TONE}:r={RATE}:d=30")


def sound(path: Path, source: str, *options: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", source, *options, path)
    return path


def samples(path: Path, channel: int = 0) -> np.ndarray:
    """What a player gives out: ffmpeg skips what the encoder put before and after."""
    raw = path.with_suffix(".raw")
    ffmpeg("-i", path, "-f", "s16le", "-ar", RATE, "-ac", 2, raw)
    return np.fromfile(raw, "<i2").reshape(-1, 2)[:, channel].astype(float)


def measure(path: Path) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP)."""
    log = ffmpeg("-i", path, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
    return figure(log, "I", SILENT[0]), figure(log, "Peak", SILENT[1])


def level(track: np.ndarray, seconds: float = 0.05) -> np.ndarray:
    """The level of TONE in blocks of so many seconds, in decibels."""
    size = int(seconds * RATE)
    blocks = track[: len(track) // size * size].reshape(-1, size) * np.hanning(size)
    spectrum = np.abs(np.fft.rfft(blocks, axis=1)) ** 2
    bin_ = TONE * size // RATE
    return 10 * np.log10(spectrum[:, bin_ - 3 : bin_ + 4].sum(axis=1) + 1)


def lag(track: np.ndarray, narration: Path, start: int) -> int:
    """By how many samples a narration comes later than `start`."""
    spoken = np.fromfile(narration, "<i2", offset=44)[:RATE].astype(float)
    reach = 2_000
    around = np.zeros(len(spoken) + 2 * reach)
    there = track[max(0, start - reach) : start + len(spoken) + reach]
    around[max(0, reach - start) :][: len(there)] = there
    size = 2 ** int(np.ceil(np.log2(len(around) + len(spoken))))
    found = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(spoken, size)), size)
    return int(np.argmax(found[: 2 * reach])) - reach


@pytest.mark.parametrize(
    ("fps", "pad_before", "pad_after"), [(30, 0.1, 0.25), (10, 0.0, 0.0), (24, 0.333, 0.05), (59, 0.07, 1.0)]
)
def test_each_narration_begins_on_its_frame_to_the_sample(narrations, tmp_path, fps, pad_before, pad_after):
    out = tmp_path / "out.m4a"
    soundtrack(narrations, None, out, **USUAL | {"fps": fps, "pad_before": pad_before, "pad_after": pad_after})
    lengths = [(path.stat().st_size - 44) / 2 / RATE for path in narrations]
    frames = starts(scene_frames(length, pad_before, pad_after, fps) for length in lengths)
    track = samples(out)
    assert len(track) == round(frames[-1] * RATE / fps), "as long as its frames"
    assert abs(track - samples(out, channel=1)).max() < 300, "in the middle"
    for narration, frame in zip(narrations, frames, strict=False):
        assert abs(lag(track, narration, round((frame / fps + pad_before) * RATE))) <= 1


def test_twenty_scenes_do_not_drift(word, tmp_path):
    out = tmp_path / "out.m4a"
    soundtrack([word] * 20, None, out, **USUAL | {"fps": 29})
    frames = starts([scene_frames((word.stat().st_size - 44) / 2 / RATE, 0.1, 0.25, 29)] * 20)
    assert abs(lag(samples(out), word, round((frames[19] / 29 + 0.1) * RATE))) <= 1


@pytest.mark.parametrize("music", ["none", "noise", "square", "clicks"])
def test_loudness_and_true_peak_are_the_platforms(narrations, tmp_path, music):
    path = {
        "none": lambda file: None,
        "noise": lambda file: sound(file, "anoisesrc=c=pink:r=44100:d=3:seed=1:a=1,aeval=val(0)|-val(0)"),
        "square": lambda file: sound(file, "aevalsrc=sgn(sin(2*PI*311*t)):s=22050:d=3"),
        "clicks": lambda file: sound(file, "aevalsrc='0.9*lt(mod(t,0.5),0.001)':s=44100:d=3"),
    }[music](tmp_path / "music.flac")
    soundtrack(narrations, path, tmp_path / "out.m4a", **USUAL | {"volume_db": 0.0})
    lufs, peak = measure(tmp_path / "out.m4a")
    assert abs(lufs + 14) <= 0.3
    assert peak <= -1.0


@pytest.mark.parametrize("duck", [-10.0, -20.0])
def test_music_sinks_under_speech_and_comes_back(narrations, tone, tmp_path, duck):
    out = tmp_path / "out.m4a"
    soundtrack(narrations[1:2], tone, out, **USUAL | {"pad_before": 2.0, "pad_after": 3.0, "duck_db": duck})
    levels = level(samples(out))
    before, under = np.median(levels[20:38]), np.median(levels[44:80])
    after = np.median(levels[-40:-16])
    assert abs(before - after) < 0.5
    assert abs(under - before - duck) < 2


def test_music_is_as_loud_as_its_volume_says(word, tmp_path):
    for peak in ("0.9", "0.05"):
        music = sound(tmp_path / "music.wav", f"aevalsrc={peak}*sin(2*PI*1000*t):s={RATE}:d=9")
        soundtrack([word], music, tmp_path / "out.m4a", **USUAL | {"pad_after": 3.0})
        gap = samples(tmp_path / "out.m4a")[-2 * RATE : -RATE]
        lufs = 20 * np.log10(np.sqrt((gap**2).mean()) / 32768) + 3.0
        assert abs(lufs - (-14 - 18)) < 1, "whatever the file's own level"


def test_music_fades_in_and_out(word, tone, tmp_path):
    out = tmp_path / "out.m4a"
    soundtrack([word], tone, out, **USUAL | {"pad_before": 2.0, "pad_after": 3.0, "duck_db": 0.0})
    levels = level(samples(out), 0.1)
    full = np.median(levels)
    assert levels[0] < full - 10
    assert abs(levels[5] - full) < 1
    assert abs(levels[-8] - full) < 1
    assert levels[-1] < full - 10


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "flac", "m4a"])
def test_short_music_is_repeated_without_a_gap(tmp_path, kind):
    music = sound(tmp_path / f"music.{kind}", f"sine=f={TONE}:r=44100:d=0.77,volume=-3dB", "-ac", "2", "-b:a", "192k")
    loop(music, 5 * RATE, tmp_path / "looped.wav")
    levels = level(samples(tmp_path / "looped.wav"))[1:]
    assert len(levels) >= 99
    assert min(levels) > np.median(levels) - 3


def test_repeated_music_has_no_click(tmp_path):
    music = sound(tmp_path / "music.wav", f"sine=f=100:r={RATE}:d=0.5025")
    loop(music, 5 * RATE, tmp_path / "looped.wav")
    track = samples(tmp_path / "looped.wav")[: 5 * RATE]
    assert len(track) == 5 * RATE
    assert max(abs(np.diff(track))) < 1.5 * max(abs(np.diff(track[: RATE // 4])))


def test_long_music_is_cut(tone, tmp_path):
    loop(tone, RATE, tmp_path / "cut.wav")
    assert len(samples(tmp_path / "cut.wav")) == RATE


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.mp3", b"this is no music at all, " * 100),
        ("empty.mp3", b""),
        ("list.mp3", b"#EXTM3U\n#EXTINF:9,\nfile:///etc/hostname\n"),
        ("list.wav", b"ffconcat version 1.0\nfile /etc/hostname\n"),
        ("head.wav", HEAD),
        ("brief.wav", HEAD + b"data\x0a\x00\x00\x00" + b"\x00\x40" * 5),
        ("noise.ogg", bytes(range(256)) * 50),
        ("none.mp3", None),
    ],
)
def test_music_that_is_none_is_an_error_that_names_it(tmp_path, name, content):
    music = tmp_path / name
    if content is not None:
        music.write_bytes(content)
    with pytest.raises(UserError, match=rf"^music\.path: .*{name}: .*choose another file$"):
        loop(music, RATE, tmp_path / "looped.wav")


def test_a_failure_leaves_nothing(word, tmp_path):
    with pytest.raises(UserError):
        soundtrack([word], tmp_path / "none.mp3", tmp_path / "out.m4a", **USUAL)
    assert not list(tmp_path.iterdir())


def test_a_film_is_music_too_and_half_a_file_is_what_it_is(word, tmp_path):
    film = tmp_path / "a 'film' [x];:%d.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:r=5", "-f", "lavfi", "-i", "sine=d=1", film)
    soundtrack([word], film, tmp_path / "out.m4a", **USUAL)
    song = sound(tmp_path / "song.mp3", "sine=d=4")
    song.write_bytes(song.read_bytes()[:9000])
    loop(song, RATE, tmp_path / "looped.wav")
    assert max(samples(tmp_path / "looped.wav")) > 1000


@pytest.mark.parametrize(
    ("spoken", "with_music"),
    [([0] * RATE, False), ([0] * 10, True), ([9000, -9000] * 3000, True), ([1, -1] * RATE, False)],
)
def test_silence_and_short_sounds_do_no_harm(tone, tmp_path, spoken, with_music):
    write_wav(tmp_path / "narration.wav", array("h", spoken))
    out = tmp_path / "out.m4a"
    soundtrack(
        [tmp_path / "narration.wav"], tone if with_music else None, out, **USUAL | {"pad_before": 0.0, "pad_after": 0.0}
    )
    track = samples(out)
    assert len(track) == scene_frames(len(spoken) / RATE, 0, 0, 30) * RATE / 30
    assert max(abs(track)) < 30_000


def test_silent_music_is_silence(word, tmp_path):
    music = sound(tmp_path / "music.wav", "anullsrc=d=1")
    soundtrack([word], music, tmp_path / "out.m4a", **USUAL)
    assert abs(measure(tmp_path / "out.m4a")[0] + 14) < 0.3


def test_the_same_sound_is_the_same_bytes(word, tone, tmp_path):
    for name in ("a", "b"):
        soundtrack([word], tone, tmp_path / f"{name}.m4a", **USUAL)
    assert (tmp_path / "a.m4a").read_bytes() == (tmp_path / "b.m4a").read_bytes()


def test_what_was_not_measured_has_no_figure():
    with pytest.raises(MediaError):
        figure("size=N/A time=00:00:00.20", "I", SILENT[0])


def test_silence_is_measured_in_numbers(tmp_path):
    assert measure(sound(tmp_path / "silence.wav", "anullsrc=d=1")) == (-70.0, -120.0)
    assert measure(sound(tmp_path / "short.wav", "sine=d=0.1"))[0] == -70.0
