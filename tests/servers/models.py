"""A server of models as OpenAI's and its likes are: it speaks, chats, embeds, and does what is put into `routes`."""

import io
import json
import threading
import wave
from array import array
from collections.abc import Callable, Iterable

from scripts.lib.audio import RATE
from scripts.lib.narration.espeak import speak
from tests.servers.chat import Chat, Embeddings, refusal
from tests.servers.faults import API, Fault, Faults
from tests.servers.loopback import Answer, Exchange, Host, Request


class Models:
    """On loopback, until it is closed. `routes`: for each path a function from the request's JSON to its answer.

    Where `key` is set, who does not show it gets no answer. `faults` are those of `faults.API`, and happen instead.
    """

    def __init__(self, key: str = "", faults: Iterable[Fault] = ()) -> None:
        self.key, self.faults = key, Faults(list(faults))
        self.speech = Speech()
        self.chat, self.embeddings = Chat(), Embeddings()
        self.routes: dict[str, Callable[[dict], Answer]] = {
            "/v1/audio/speech": self.speech,
            "/v1/chat/completions": self.chat,
            "/v1/embeddings": self.embeddings,
        }
        self.host = Host("models", self._answer)
        self.base_url = f"{self.host.origin}/v1"

    def __enter__(self) -> "Models":
        return self

    def __exit__(self, *error: object) -> None:
        self.host.close()

    @property
    def requests(self) -> list[Request]:
        return self.host.requests

    @property
    def asked(self) -> list[dict]:
        """The JSON of every request."""
        return [json.loads(request.body) for request in self.requests]

    def _answer(self, exchange: Exchange) -> None:
        request = exchange.noted
        request.fault = self.faults.meet(request, set(API))
        shown = request.headers.get("authorization", "")
        if self.key and shown != f"Bearer {self.key}":
            answer = refusal(401, f"Incorrect API key provided: {shown}. You can find your API key in your account.")
        elif request.path in self.routes and request.method == "POST":
            answer = self.routes[request.path](json.loads(request.body))
        else:
            answer = Answer(404, b"404 page not found")
        if request.fault:
            API[request.fault](exchange, answer)
        else:
            exchange.reply(answer)


class Speech:
    """`/audio/speech`, by eSpeak. It knows `models` and `voices`; `form` turns the samples into what is sent; `said`
    holds the samples (48 kHz) of every answer."""

    def __init__(self) -> None:
        self.models, self.voices = {"tts-1"}, {"alloy": "en-us", "nova": "en-us+f3"}
        self.form: Callable[[array], bytes] = wav
        self.said: list[array] = []
        self.lock = threading.Lock()  # eSpeak says one thing at a time

    def __call__(self, asked: dict) -> Answer:
        if asked["model"] not in self.models:
            return refusal(404, f"The model `{asked['model']}` does not exist or you do not have access to it.")
        if asked["voice"] not in self.voices:
            return refusal(400, f"Input should be {' or '.join(map(repr, self.voices))}")
        if len(asked["input"]) > 4096:
            return refusal(400, "String should have at most 4096 characters")
        with self.lock:
            samples, _ = speak(asked["input"], self.voices[asked["voice"]], asked["speed"])
        self.said.append(samples)
        return Answer(200, self.form(samples), "audio/wav")


def wav(samples: array) -> bytes:
    """Samples at 48 kHz as a WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(samples)
    return file.getvalue()
