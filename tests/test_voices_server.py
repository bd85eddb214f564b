"""Speech from a server that acts like OpenAI's: what is asked, what is survived, what is refused."""

import io
from array import array

import numpy as np
import pytest

from scripts.lib.audio import RATE, write_wav
from scripts.lib.errors import UserError
from scripts.lib.media import ffmpeg
from scripts.lib.narration.espeak import speak as espeak
from scripts.lib.narration.openai import mended, speak
from scripts.lib.narration.sound import decode
from scripts.lib.net.service import Service, ServiceError
from tests.servers.faults import Fault
from tests.servers.loopback import Answer
from tests.servers.models import Models, wav

KEY = "sentinel-key-0123456789"
TEXT = "The sea is big and blue. Nobody knows how deep it is."
SAMPLES, _ = espeak(TEXT, "en-us", 1.0)


@pytest.fixture
def server():
    with Models(key=KEY) as server:
        yield server


@pytest.fixture
def said(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SPEECH_KEY", KEY)

    def ask(text: str = TEXT, voice: str = "alloy", speed: float = 1.0, model: str = "tts-1", path: str = "") -> array:
        network = {"timeout": [5, 30], "max_wait": 5}
        limits = {"per_minute": None, "max_concurrent": 4}
        address = server.host.origin + path if path else server.base_url
        with Service("speech", address, "SPEECH_KEY", limits, network, str(tmp_path / "cache"), "bearer") as service:
            return speak(text, voice, speed, model, service)

    return ask


def test_what_is_asked_is_what_the_settings_say(server, said):
    assert said(speed=1.25) == server.speech.said[-1]
    assert len(server.speech.said[-1]) < 0.9 * len(SAMPLES)
    assert server.asked == [
        {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "wav", "speed": 1.25}
    ]
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_without_keys_is_sent_none(server, said, monkeypatch):
    server.key = ""
    monkeypatch.setenv("SPEECH_KEY", "")
    said()
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "length", [0, 0xFFFFFFFF, 0x7FFFFFFF, 2 * len(SAMPLES) + 1000, 1000], ids=["0", "-1", "max", "beyond", "short"]
)
@pytest.mark.parametrize("extra", [b"", b"LIST\x04\x00\x00\x00INFO"], ids=["bare", "with another part before"])
def test_a_wrong_length_in_the_header_costs_no_sample(server, said, length, extra):
    def form(samples: array) -> bytes:
        whole = wav(samples)
        return whole[:36] + extra + whole[36:40] + length.to_bytes(4, "little") + whole[44:]

    server.speech.form = form
    assert said() == server.speech.said[-1]


def test_a_right_length_is_kept_and_other_parts_are_no_sound():
    whole = wav(SAMPLES)
    assert mended(whole) == whole
    tagged = whole + b"LIST\x0a\x00\x00\x00INFOIART\x00\x00"
    assert mended(tagged) == tagged
    assert decode(io.BytesIO(tagged)) == SAMPLES
    odd = whole[:40] + (2 * len(SAMPLES) - 1).to_bytes(4, "little") + whole[44:-1]
    assert mended(odd) == odd
    assert mended(b"RIFF") == b"RIFF"
    assert mended(b"ID3 no wav at all") == b"ID3 no wav at all"


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "opus", "aac", "wav"])
def test_another_format_or_form_is_read_all_the_same(server, said, ending, tmp_path):
    def form(samples: array) -> bytes:
        write_wav(tmp_path / "said.wav", samples)
        options = ["-ac", 2, "-ar", 24000] if ending == "wav" else []
        ffmpeg("-i", tmp_path / "said.wav", *options, tmp_path / f"sent.{ending}")
        return (tmp_path / f"sent.{ending}").read_bytes()

    server.speech.form = form
    found = np.array(said(), float)
    assert abs(len(found) - len(SAMPLES)) < 0.05 * RATE
    assert 0.5 < np.std(found) / np.std(np.array(SAMPLES, float)) < 1.5


def test_a_long_text_is_asked_for_in_parts_that_end_with_sentences(server, said):
    sentence = "Nobody knows how deep the sea really is, or what lives down there. "
    text = (sentence * 80)[:5000].rstrip()
    found = said(text, speed=2.0)
    parts = [asked["input"] for asked in server.asked]
    assert " ".join(parts) == text
    assert [part.endswith("there.") for part in parts] == [True, False]
    one, two = server.speech.said
    assert found[: len(one)] == one
    assert found[-len(two) :] == two
    assert 0 <= len(found) - len(one) - len(two) <= 0.4 * RATE, "a pause between them"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"model": "tts-9"}, r"answered 404 \(The model `tts-9` does not exist .*check narration.base_url.*tts-9"),
        ({"voice": "aloy"}, r"answered 400 \(Input should be 'alloy' or 'nova'\): check narration.model .*aloy"),
        ({"path": "/"}, r"answered 404 \(404 page not found\): check narration.base_url, which mostly ends in /v1"),
    ],
)
def test_a_refusal_says_what_to_change(server, said, wrong, words):
    with pytest.raises(UserError, match=words):
        said(**wrong)
    assert len(server.requests) == 1, "asking again would not help"


def test_a_wrong_key_is_told_by_the_name_of_its_variable_alone(server, said, monkeypatch):
    monkeypatch.setenv("SPEECH_KEY", "wrong-key-0123456789")
    with pytest.raises(ServiceError, match=r"answered 401.*check the key in SPEECH_KEY") as error:
        said()
    assert "wrong-key" not in str(error.value)


@pytest.mark.parametrize("fault", ["429-retry-after", "500", "503", "reset", "reset-midway", "closed", "truncated"])
def test_what_may_pass_is_asked_for_again(server, said, fault):
    server.faults.faults.append(Fault((fault,), times=1))
    assert said() == server.speech.said[-1]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "model is loading"}',
        b"<html><body>Welcome</body></html>",
        b"",
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        wav(SAMPLES)[:44],
        wav(SAMPLES)[:30],
        bytes(range(256)) * 40,
    ],
    ids=["json", "html", "nothing", "playlist", "no samples", "half a header", "noise"],
)
def test_what_is_no_sound_is_an_error_that_shows_how_it_begins(server, said, body):
    server.routes["/v1/audio/speech"] = lambda asked: Answer(200, body, "audio/wav")
    with pytest.raises(UserError, match=r"^speech: what it sent as sound .*; it begins:"):
        said()
