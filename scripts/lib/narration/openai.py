"""Speech by a server that speaks OpenAI's `/v1/audio/speech`: OpenAI's own, or one on this machine."""

import io
from array import array
from http import HTTPStatus

from scripts.lib.errors import UserError
from scripts.lib.media import MediaError
from scripts.lib.narration.sound import decode, joined
from scripts.lib.narration.text import cut
from scripts.lib.net.errors import ServiceError
from scripts.lib.problems import printable

LONGEST = 4096
"""Characters that OpenAI takes at once."""
UNKNOWN = (0, 0xFFFFFFFF)
"""What servers write as the length of a WAV that they begin to send before they know it."""


def speak(text: str, voice: str, speed: float, model: str, service: object) -> array:
    """Speech (mono, 16 bits, 48 kHz) from a net.service.Service.

    Raises ServiceError where the server refuses, UserError where what it sends is no sound.
    """
    parts = []
    for part in cut(text, LONGEST):
        body = {"model": model, "voice": voice, "input": part, "response_format": "wav", "speed": speed}
        try:
            sent = service.post_bytes("audio/speech", body)
        except ServiceError as error:
            if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
                raise UserError(f"{error}: check narration.model ({model}) and narration.voice ({voice})") from None
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
                raise UserError(
                    f"{error}: check narration.base_url, which mostly ends in /v1, and narration.model ({model})"
                ) from None
            raise
        try:
            parts.append(decode(io.BytesIO(mended(sent))))
        except MediaError as error:
            words = printable(sent[:100].decode(errors="replace"), 100)
            raise UserError(f"{service.name}: what it sent as sound {error}; it begins: {words}") from None
    return joined(parts)[0]


def mended(sound: bytes) -> bytes:
    """A WAV's bytes with the length of its samples put right in its header; other sound as it is.

    A length is wrong where it says that it is unknown, where it goes beyond the end, and where what follows the
    samples is no other part of a WAV.
    """
    if sound[:4] != b"RIFF" or sound[8:12] != b"WAVE":
        return sound
    at = 12
    while at + 8 <= len(sound):
        name, length = sound[at : at + 4], int.from_bytes(sound[at + 4 : at + 8], "little")
        rest = len(sound) - at - 8
        if name == b"data":
            right = length not in UNKNOWN and (length == rest or _is_part(sound, at + 8 + length + length % 2))
            return sound if right else sound[: at + 4] + rest.to_bytes(4, "little") + sound[at + 8 :]
        at += 8 + length + length % 2
    return sound


def _is_part(sound: bytes, at: int) -> bool:
    """Whether a part of a WAV begins at `at` and ends within the file: its name in four letters, and its length."""
    name, length = sound[at : at + 4], int.from_bytes(sound[at + 4 : at + 8], "little")
    plain = name.isascii() and name.decode(errors="replace").isprintable()
    return len(name) == 4 and plain and at + 8 + length <= len(sound)
